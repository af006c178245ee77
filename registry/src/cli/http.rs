//! A few blocking requests to a running registry.

use anyhow::{Context, Result, bail};
use schemas::problem::Problem;

/// Asks and gives the JSON answer; a problem becomes an error with its detail.
///
/// # Errors
///
/// Where nothing answers, or the answer is a problem.
pub fn ask(method: &str, url: &str, token: Option<&str>, body: Option<&str>) -> Result<serde_json::Value> {
    let (method, url) = (method.to_owned(), url.to_owned());
    let (token, body) = (token.map(str::to_owned), body.map(str::to_owned));
    let work = async move {
        let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(120)).build()?;
        let mut request = client.request(method.parse()?, &url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.with_context(|| format!("no registry answers at {url}"))?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).with_context(|| format!("the answer of {url} is not understood"));
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => bail!("{}: {}", problem.title, problem.detail.unwrap_or_default()),
            Err(_) => bail!("{url} answered {status}"),
        }
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

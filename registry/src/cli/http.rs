//! A few blocking requests to a running registry.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
};
use schemas::problem::Problem;

/// Asks and gives the JSON answer; a problem becomes an error with its detail. `own`: the certificate file of a unit that is served over TLS.
///
/// # Errors
///
/// Where nothing answers, or the answer is a problem.
pub fn ask(
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<&str>,
    own: Option<&Path>,
) -> Result<serde_json::Value> {
    let (method, url) = (method.to_owned(), url.to_owned());
    let (token, body) = (token.map(str::to_owned), body.map(str::to_owned));
    let tls = own.map(believing).transpose()?;
    let work = async move {
        let client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(120));
        let client = match tls {
            Some(tls) => client.tls_backend_preconfigured(tls),
            None => client,
        };
        let mut request = client.build()?.request(method.parse()?, &url);
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

/// TLS towards the unit's own listener. It is reached by its address, and its certificate is for a name and perhaps of an authority that this
/// machine does not know: the one in the unit's folder is believed, and no other.
fn believing(file: &Path) -> Result<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(file)
        .with_context(|| format!("the certificate `{}` is not understood", file.display()))?;
    let provider = Arc::new(ring::default_provider());
    let own = Own { certificate, file: file.to_owned(), provider: provider.clone() };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(own))
        .with_no_client_auth())
}

/// Believes one certificate, whatever it says. That the listener has its key, the handshake shows.
#[derive(Debug)]
struct Own {
    certificate: CertificateDer<'static>,
    file: PathBuf,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *shown == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General(format!(
            "it shows another certificate than `{}`; one that was renewed counts once the registry is started again",
            self.file.display()
        )))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

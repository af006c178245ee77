//! How is an exhibit in another process led? A port with a handful of paths, for tests and for `vigie up --demo`.

use serde_json::json;

use crate::Shared;
use crate::reply::{Asked, Reply};

pub(crate) fn answer(shared: &Shared, asked: &Asked) -> Reply {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/-/advance") => json_reply(&json!({ "round": shared.advance() })),
        ("GET", "/-/round") => json_reply(&json!({ "round": shared.round.load(std::sync::atomic::Ordering::SeqCst) })),
        ("GET", "/-/truth") => json_reply(&json!(shared.truth())),
        ("GET", "/-/newsrooms") => json_reply(&json!(shared.listing)),
        ("GET", path) => match path.strip_prefix("/-/log/").and_then(|name| shared.find(name)) {
            Some((_, site)) => json_reply(&json!({
                "connections": site.log.connections(),
                "requests": site.log.requests(),
                "seen": site.log.all(),
            })),
            None => Reply::text(404, "there is /-/round, /-/truth, /-/newsrooms, /-/log/NAME and POST /-/advance\n"),
        },
        _ => Reply::text(405, "only GET, and POST for /-/advance\n"),
    }
}

fn json_reply(value: &serde_json::Value) -> Reply {
    Reply::new(200, "application/json", format!("{value}\n"))
}

//! Is everything in order that an agent needs?

use std::{process::ExitCode, sync::Arc};

use serde_json::{Value, json};

use super::{Cli, EXIT_NOT_ALL, setup};
use crate::{config::Config, contract::Erased, outbox::MIN_FREE_BYTES};

/// How far the registry's clock may be from this machine's, in seconds, before somebody is told.
const MAX_SKEW_SECS: i64 = 120;

pub(super) async fn check(collector: &Arc<dyn Erased>, cli: &Cli) -> anyhow::Result<ExitCode> {
    let mut good = true;
    let mut say = |what: &str, said: Result<String, String>| {
        good &= said.is_ok();
        let (Ok(says) | Err(says)) = &said;
        tell(cli.json, what, said.is_ok(), says);
    };
    let config = Config::read(&cli.config);
    say("configuration", config.as_ref().map(|config| format!("agent `{}`", config.name)).map_err(ToString::to_string));
    if let Ok(config) = &config {
        say("key", config.signing_key().map(|key| key.vkey().id_text()).map_err(|error| error.to_string()));
        let root = config.trust_root().map_err(|error| error.to_string());
        say("trust root", root.map(|root| format!("version {}, digest {}", root.version, root.digest())));
    }
    if config.is_err() {
        // Nothing below can be looked at without it, and once is enough.
        return Ok(ExitCode::from(EXIT_NOT_ALL));
    }
    match setup::ready(collector, cli) {
        Err(error) => say("state", Err(format!("{error:#}"))),
        Ok(ready) => {
            let engine = &ready.agent.engine;
            let waiting = engine.state.waiting()?;
            say(
                "state",
                Ok(format!(
                    "`{}`, {} waiting for a receipt",
                    engine.state.dir().display(),
                    counted(waiting.len(), "segment")
                )),
            );
            let free = engine.outbox.free_bytes().map_err(|error| error.to_string());
            say(
                "disk",
                free.and_then(|free| {
                    let says = format!("{} MiB free", free >> 20);
                    if free < MIN_FREE_BYTES {
                        Err(format!("{says}; nothing is fetched below {} MiB", MIN_FREE_BYTES >> 20))
                    } else {
                        Ok(says)
                    }
                }),
            );
            let before = engine.clock.now();
            match ready.agent.refresh().await {
                Err(error) => say("registry", Err(format!("{error:#}"))),
                Ok(copy) => {
                    say("registry", Ok(format!("{} answers", ready.agent.registry.url())));
                    // The issue was made between the request and now, so the difference is that of the clocks.
                    let skew = copy.policy.issued_at().duration_since(before).as_secs();
                    say(
                        "clock",
                        if skew.abs() <= MAX_SKEW_SECS {
                            Ok(format!("{skew} s from the registry's"))
                        } else {
                            Err(format!("{skew} s from the registry's; set this machine's clock"))
                        },
                    );
                }
            }
            match ready.agent.targets() {
                Err(why) => say("policy", Err(why)),
                Ok(found) => {
                    say(
                        "policy",
                        Ok(format!(
                            "{} may be collected by `{}`",
                            counted(found.planned.len(), "target"),
                            collector.name()
                        )),
                    );
                    for (entry, why) in found.resting {
                        say(&format!("entry {entry}"), Err(why));
                    }
                }
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NOT_ALL) })
}

/// One line, for people or as JSON.
fn tell(json_wanted: bool, what: &str, good: bool, says: &str) {
    if json_wanted {
        let line: Value = json!({ "check": what, "good": good, "says": says });
        println!("{line}");
    } else {
        println!("{} {what}: {says}", if good { "ok  " } else { "FAIL" });
    }
}

fn counted(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

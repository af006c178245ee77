//! What a trace cannot prove, in the language of the page.

use verify::Trace;

use super::Said;
use crate::pages::{frame::Frame, lang::Lang};

/// The French of a limit, known by how it begins; English itself where there is none yet.
pub fn said(f: &Frame, limit: &str, trace: &Trace) -> Said {
    let english = || Said { text: limit.to_owned(), is_english: true };
    if f.lang == Lang::En {
        return Said { text: limit.to_owned(), is_english: false };
    }
    let known = [
        ("Anything about the world", "limit-trial"),
        ("That the source really said this", "limit-source"),
        ("When to the second", "limit-time"),
        ("That nothing was left out", "limit-whole"),
        ("That the record says what the source meant", "limit-meaning"),
        ("That there is no second history", "limit-second"),
        ("That the record follows from the bytes", "limit-sealed"),
    ];
    let Some((_, key)) = known.iter().find(|(begins, _)| limit.starts_with(begins)) else {
        return english();
    };
    let proof = trace.items.first().map(|item| &item.proof);
    let agent = proof.and_then(|proof| proof.agent.clone()).unwrap_or_else(|| f.t("limit-an-agent"));
    let order = proof
        .and_then(|proof| proof.after_size.zip(proof.leaf))
        .map(|(size, leaf)| f.say("limit-order", &[("size", size.into()), ("leaf", leaf.into())]));
    let cosigned = trace
        .verdict
        .as_of
        .as_ref()
        .map(|as_of| as_of.cosigned.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    let witnesses = match cosigned.filter(|names| !names.is_empty()) {
        Some(names) => f.w("limit-cosigned", &names.join(", ")),
        None => f.t("limit-no-witness"),
    };
    let args = [("agent", agent.into()), ("order", order.unwrap_or_default().into()), ("witnesses", witnesses.into())];
    Said { text: f.say(key, &args), is_english: false }
}

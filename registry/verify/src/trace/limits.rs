//! What can a bundle not prove, whoever checks it?

use schemas::manifest::Manifest;

use crate::verdict::Verdict;

/// Said of every record whose evidence is sealed.
pub(super) const SEALED: &str = "That the record follows from the bytes. They are sealed: what is in them, and that they are the request and answer that stand beside them, only a recipient can show, by deriving the record again with `vigie rederive --identity`.";

/// Whole sentences, the weightiest first. Kept true to the table *who can cheat whom* of the design.
pub(super) fn limits(verdict: &Verdict, manifest: Option<&Manifest>, leaf: Option<u64>) -> Vec<String> {
    let agent = manifest.map_or("the agent", |manifest| manifest.agent.as_str());
    let mut all = Vec::new();
    if verdict.trial {
        all.push(
            "Anything about the world. This is a trial: the program made the keys of the log and of all people itself, on one machine, and only addresses of that machine could be asked."
                .to_owned(),
        );
    }
    all.push(format!(
        "That the source really said this. The log proves what {agent} reported, under which permission, and that it has not changed since. Whoever controlled that machine, its program or its key could have reported something else; peer, certificate and status are its word. A second capture by another agent, or an archive elsewhere, can corroborate it."
    ));
    let bounds = match (manifest, leaf) {
        (Some(manifest), Some(leaf)) => format!(
            " What the log proves is order: the segment was begun after the log had {} leaves, and became its leaf {leaf}.",
            manifest.checkpoint.size
        ),
        _ => String::new(),
    };
    all.push(format!(
        "When to the second. Times of capture are by the clock of {agent}, times of leaves by the registry's.{bounds}"
    ));
    all.push(
        "That nothing was left out. A bundle shows what it holds: not what was collected besides, nor that no narrower permission or revocation was logged which its maker did not include. `vigie-verify` on a copy of the whole data folder shows both."
            .to_owned(),
    );
    all.push(
        "That the record says what the source meant. It is what a program read out of the bytes; the bytes are in the bundle unless they are erased, and the same program gives the same record again."
            .to_owned(),
    );
    let cosigned = verdict.as_of.as_ref().map_or(&[][..], |as_of| &as_of.cosigned);
    let witnesses = if cosigned.is_empty() {
        "No witness cosigned this checkpoint".to_owned()
    } else {
        let names: Vec<_> = cosigned.iter().map(|(name, _)| name.as_str()).collect();
        format!("Cosigned by {}", names.join(", "))
    };
    all.push(format!(
        "That there is no second history. If the holder of the log's key and everybody who signs agreed to deceive, they could show others another log. A checkpoint that you keep and give as `--against` next time detects it. {witnesses}."
    ));
    all
}

//! How is a trace drawn from a bundle?

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{
    Digest,
    capture::{Exchange, Line, Vanished, media_type},
    gate,
    judge::{CaptureVerdict, Captured, judge_capture, policy_of_run},
    permission::RobotsRule,
    policy::{Policy, open_statement},
    record::Record,
    segment::{Capture, CaptureKind, View, is_sealed},
    statement::Statement,
};
use std::sync::Arc;
use warc::RecordType;

use super::{Allowed, Approved, Bytes, Item, Proof, Robots, Trace, What, limits};
use crate::{
    bundle::{Bundle, Stored, segment_name},
    check::{gone_words, word},
    opened::{Opened, segment_view},
    verdict::{Findings, Verdict},
};

/// Characters of a text shown where there is no title.
const SHOWN: usize = 200;

pub(super) fn trace(bundle: &Bundle, verdict: &Verdict) -> Trace {
    let opened = Opened::of(bundle, &mut Findings::default());
    let view = opened.segment.as_ref().and_then(|segment| segment_view(segment).ok());
    let mut limits = limits::limits(verdict, opened.manifest.as_ref().map(|(manifest, _)| manifest), opened.leaf);
    let items: Vec<Item> =
        bundle.asked.iter().map(|unit| item(bundle, &opened, view.as_ref(), verdict, *unit)).collect();
    if items.iter().any(|item| item.bytes.as_ref().is_some_and(|bytes| bytes.sealed_to.is_some())) {
        limits.push(limits::SEALED.to_owned());
    }
    Trace {
        format: "vigie-trace".to_owned(),
        v: 1,
        verdict: verdict.clone(),
        root: view.as_ref().and_then(|view| view.run.as_ref()).map(|(_, run)| run.root),
        items,
        limits,
    }
}

fn item(bundle: &Bundle, opened: &Opened, view: Option<&View<'_>>, verdict: &Verdict, unit: u64) -> Item {
    let capture = view
        .and_then(|view| view.captures.iter().find(|capture| capture.units().contains(&unit) || near(capture, unit)));
    let pair = view.zip(capture);
    Item {
        unit,
        what: what(bundle, opened, view, unit),
        allowed: pair.map(|(view, capture)| allowed(bundle, opened, view, capture)),
        robots: pair.map(|(view, capture)| robots(opened, view, capture)),
        bytes: pair.and_then(|(view, capture)| bytes(bundle, opened, view, capture)),
        proof: proof(bundle, opened, verdict, unit),
    }
}

/// Whether a unit that is gone belonged to this capture: request and response stand right before it, a line within its reading.
fn near(capture: &Capture<'_>, unit: u64) -> bool {
    let lines = capture.conversion.map(|conversion| &conversion.lines);
    let ends = lines.and_then(|lines| Some(lines.first()?.unit..=lines.last()?.unit));
    let beside =
        matches!(capture.kind, CaptureKind::Exchange(_)) && crate::captures::beside(capture.unit).contains(&unit);
    beside || ends.is_some_and(|ends| ends.contains(&unit))
}

fn what(bundle: &Bundle, opened: &Opened, view: Option<&View<'_>>, unit: u64) -> What {
    let other = |words: &str| What::Other { words: words.to_owned() };
    match bundle.units.get(&unit).map(|unit| &unit.stored) {
        None => other("it is not in the bundle"),
        Some(Stored::Gone(tombstone)) => {
            let named = opened
                .replay
                .gone
                .get(&tombstone.leaf)
                .filter(|leaf| leaf.manifest == bundle.manifest && leaf.names(unit));
            let why = named.map_or_else(
                || format!("no leaf in the bundle says why (it should be leaf {})", tombstone.leaf),
                |leaf| gone_words(tombstone.leaf, leaf),
            );
            What::Gone { why }
        }
        Some(Stored::Record(bytes)) => match warc::Record::parse(bytes) {
            Ok(record) if record.get("Content-Type") == Some(media_type::VANISHED) => {
                let said = schemas::canonical::from_canonical(&record.block).ok();
                said.map_or_else(|| other("something that vanished, which cannot be read"), vanished)
            }
            Ok(record) => {
                let media = record.get("Content-Type").unwrap_or_default().to_owned();
                What::Other { words: format!("a WARC record of the type {} ({media})", record.kind().as_str()) }
            }
            Err(_) => other("a WARC record that cannot be read"),
        },
        Some(Stored::Line(_)) => {
            let lines = view.into_iter().flat_map(|view| {
                view.captures.iter().filter_map(|capture| capture.conversion).chain(view.loose.iter().copied())
            });
            let line = lines.flat_map(|conversion| &conversion.lines).find(|line| line.unit == unit);
            match line.map(|line| &line.line) {
                Some(Line::Record(line)) => record(&line.item, &line.place, view),
                Some(Line::Gone(line)) => What::Other { words: format!("the source withdrew something: {}", line.why) },
                Some(Line::Unreadable(line)) => {
                    What::Other { words: format!("an item set aside at {}: {}", line.place, line.why) }
                }
                Some(Line::Header(_)) => other("the first line of a reading"),
                Some(Line::End(_)) => other("the last line of a reading"),
                _ => other("a line that cannot be read"),
            }
        }
    }
}

fn vanished(said: Vanished) -> What {
    let Vanished { response, before, before_at, stood_at, scope, platform, id, .. } = said;
    let words = format!(
        "{platform}: {id} vanished from `{scope}`, which its source publishes whole: last there {stood_at}, in neither of the complete readings of {before} \
         (captured {before_at}) and {response} (the answer below). The source did not say so. A bundle holds the second answer only; `vigie-verify` of a \
         copy of the data folder holds this against all readings"
    );
    What::Other { words }
}

fn record(item: &Record, place: &str, view: Option<&View<'_>>) -> What {
    let run = view.and_then(|view| view.run.as_ref()).map(|(_, run)| run);
    let beginning = |text: &String| -> String {
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    };
    let author = item.author.as_ref();
    What::Record {
        kind: word(&item.kind),
        platform: item.platform.clone(),
        id: item.id.clone(),
        url: item.url.clone(),
        title: item.title.as_ref().or(item.text.as_ref()).map(beginning),
        author: author
            .and_then(|author| author.name.clone().or_else(|| author.handle.clone()).or_else(|| author.id.clone())),
        published_at: item.published_at.clone(),
        content: item.content_hash().ok(),
        place: place.to_owned(),
        reader: run.map(|run| format!("{} {}", run.reader.name, run.reader.version)),
        program: run.map(|run| run.reader.program),
    }
}

/// The policy under which a capture stands: the first of those of its time, then of those of its run's issue, that finds the entry in force.
fn policy(opened: &Opened, view: &View<'_>, capture: &Capture<'_>) -> Option<Arc<Policy>> {
    let (history, ask) = (&opened.replay.history, capture.ask());
    let mut all = history.policies_around(ask.at);
    all.extend(view.run.as_ref().and_then(|(_, run)| policy_of_run(history, run).ok()).map(Arc::new));
    let found = all.iter().position(|policy| policy.judge(&ask.entry, ask.at).is_ok());
    all.into_iter().nth(found.unwrap_or_default())
}

fn allowed(bundle: &Bundle, opened: &Opened, view: &View<'_>, capture: &Capture<'_>) -> Allowed {
    let (ask, decision) = (capture.ask(), capture.decision());
    let policy = policy(opened, view, capture);
    let entry = policy.as_ref().and_then(|policy| policy.entry(&ask.entry));
    let robots = capture.robots().and_then(|id| view.robots.get(id)).map(|(_, copy)| copy);
    let recomputed = view.run.as_ref().is_some_and(|(_, run)| match capture.kind {
        CaptureKind::Refused(_) => policy.as_ref().is_some_and(|policy| {
            let again = gate::decide(policy, &run.queries, ask, robots);
            !again.permitted && again.code == decision.code
        }),
        _ => {
            let answered = matches!(capture.kind, CaptureKind::Exchange(_));
            let captured = Captured { run, ask, robots, recorded: decision, answered };
            !matches!(judge_capture(&opened.replay.history, captured), CaptureVerdict::Refused { .. })
        }
    });
    let in_force = policy.as_ref().and_then(|policy| policy.judge(&ask.entry, ask.at).ok());
    let digest = policy.as_ref().and_then(|policy| policy.entry_digest(&ask.entry));
    let approvals =
        bundle.statements.values().filter_map(|note| open_statement(note).ok()).filter_map(|open| {
            match open.statement {
                Statement::Approval { entries, until, made_at, .. }
                    if digest.is_some() && entries.get(&ask.entry) == digest.as_ref() =>
                {
                    let leaf = opened.replay.statements.get(&open.digest).copied();
                    Some(Approved { statement: open.digest, made_at, until, leaf })
                }
                _ => None,
            }
        });
    let why = entry.map(|entry| {
        let ground = format!("{}: {}", word(&entry.legal_basis.code), entry.legal_basis.reason);
        [
            ("purpose", entry.purpose.clone()),
            ("program", entry.program.clone()),
            ("question", entry.question.clone()),
            ("legal ground", ground),
            ("assessment", entry.pia.clone()),
        ]
        .map(|(label, words)| (label.to_owned(), words))
        .to_vec()
    });
    Allowed {
        because: decision.because.clone(),
        permitted: decision.permitted,
        recomputed,
        entry: ask.entry.clone(),
        digest,
        requested_by: entry.map(|entry| entry.requested_by.clone()),
        approvers: in_force.map(|found| found.approvers).unwrap_or_default(),
        approvals: approvals.collect(),
        why: why.unwrap_or_default(),
        expires_on: entry.map(|entry| entry.expires_on.clone()),
        retain_days: entry.map(|entry| entry.retain_days),
        tlp: entry.map(|entry| word(&entry.tlp)),
        policy_issued_at: view.run.as_ref().map(|(_, run)| run.policy_issued_at),
    }
}

fn robots(opened: &Opened, view: &View<'_>, capture: &Capture<'_>) -> Robots {
    let decision = capture.decision();
    if let Some(id) = capture.robots() {
        let Some((unit, copy)) = view.robots.get(id) else {
            let why = "the copy the decision rests on is erased or not in the bundle".to_owned();
            return Robots::Unknown { why };
        };
        let body = STANDARD.decode(&copy.body_base64).unwrap_or_default();
        let url = decision.url.as_deref().unwrap_or_default();
        let path =
            url.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..))).unwrap_or("/");
        let said = schemas::robots::decide(copy.outcome, &body, gate::PRODUCT_TOKEN, path);
        return Robots::Asked {
            authority: copy.authority.clone(),
            fetched_at: copy.fetched_at,
            status: copy.status,
            outcome: copy.outcome,
            digest: Digest::of(&body),
            size: body.len() as u64,
            unit: *unit,
            allowed: said.allowed,
            group: said.group,
            rule: said.rule,
            line: said.line,
        };
    }
    let ask = capture.ask();
    if let gate::Origin::Robots { .. } = ask.origin {
        return Robots::NotAsked { why: "this was the request for robots.txt itself".to_owned() };
    }
    let policy = policy(opened, view, capture);
    match policy.as_ref().and_then(|policy| policy.entry(&ask.entry)).map(|entry| &entry.robots) {
        Some(RobotsRule::Api { reason }) => Robots::NotAsked {
            why: format!("the entry says `api`, an official interface used by its own terms: {reason}"),
        },
        _ if !decision.permitted => Robots::NotAsked { why: "it was refused before robots.txt was asked".to_owned() },
        _ => Robots::Unknown { why: "the decision names no copy of robots.txt".to_owned() },
    }
}

fn bytes(bundle: &Bundle, opened: &Opened, view: &View<'_>, capture: &Capture<'_>) -> Option<Bytes> {
    let CaptureKind::Exchange(exchange) = &capture.kind else {
        return None;
    };
    let response = capture.response.map(|at| &at.record);
    let sealed = response.is_some_and(is_sealed);
    let recipients = || {
        let root = opened.replay.history.root_named(view.run.as_ref()?.1.root)?;
        Some(root.evidence_recipients.iter().map(|one| one.name.clone()).collect())
    };
    let head = response.filter(|_| !sealed).and_then(|record| warc::http::parse(&record.block).ok());
    let body = response
        .filter(|record| record.kind() == RecordType::Response)
        .zip(head.as_ref())
        .and_then(|(record, head)| record.block.get(head.body_offset..));
    let request_unit = capture.request.map_or(capture.unit.saturating_sub(2), |at| at.unit);
    let response_unit = capture.response.map_or(capture.unit.saturating_sub(1), |at| at.unit);
    Some(Bytes {
        method: word(&exchange.ask.method),
        url: exchange.decision.url.clone().unwrap_or_else(|| exchange.ask.url.clone()),
        captured_at: capture.date.clone(),
        status: head.as_ref().and_then(warc::http::Head::status),
        peer: exchange.peer,
        certificate: exchange.certificate,
        took_ms: exchange.took_ms,
        content_type: head.as_ref().and_then(|head| head.get("Content-Type")).map(str::to_owned),
        body_bytes: body.map(|body| body.len() as u64),
        body: body.map(Digest::of),
        sealed_to: sealed.then(|| recipients().unwrap_or_default()),
        answer_bytes: response.map(|record| record.block.len() as u64),
        remarks: remarks(bundle, capture, exchange, response_unit),
        file: segment_name(bundle.manifest),
        request_unit,
        response_unit,
        response: exchange.response.clone(),
    })
}

fn remarks(bundle: &Bundle, capture: &Capture<'_>, exchange: &Exchange, response_unit: u64) -> Vec<String> {
    let mut all = Vec::new();
    match capture.response.map(|at| &at.record) {
        None => {
            let gone = bundle.units.get(&response_unit).is_some_and(|unit| matches!(unit.stored, Stored::Gone(_)));
            let how = if gone { "was lawfully erased or refused; see the verdict" } else { "is not in the bundle" };
            all.push(format!("the answer itself, unit {response_unit}, {how}"));
        }
        Some(record) if record.kind() == RecordType::Revisit => {
            let of = record.get("WARC-Refers-To-Date").map(|date| format!(", captured {date}")).unwrap_or_default();
            all.push(format!(
                "the source answered what it had answered before: the body is kept with the earlier capture{of}"
            ));
        }
        Some(_) => {}
    }
    if let Some(cut) = &exchange.truncated {
        all.push(format!("the body was cut short ({cut})"));
    }
    for struck in &exchange.struck {
        all.push(format!(
            "{} bytes of the {} held the secret `{}` and are struck out",
            struck.len, struck.part, struck.slot
        ));
    }
    if exchange.attempt > 1 {
        all.push(format!("attempt {}", exchange.attempt));
    }
    all
}

fn proof(bundle: &Bundle, opened: &Opened, verdict: &Verdict, unit: u64) -> Proof {
    let manifest = opened.manifest.as_ref().map(|(manifest, _)| manifest);
    let later = bundle.later.as_ref().and_then(|later| {
        let text = later.checkpoint.split_once("\n\n").map(|(text, _)| format!("{text}\n"))?;
        Some(tlog::Checkpoint::parse(&text).ok()?.size)
    });
    Proof {
        commitment: bundle.units.get(&unit).map_or(Digest([0; 32]), |unit| unit.stored.commitment()),
        units: manifest.map_or(0, |manifest| manifest.units),
        units_root: manifest.map(|manifest| manifest.root),
        manifest: bundle.manifest,
        agent: manifest.map(|manifest| manifest.agent.clone()),
        seq: manifest.map(|manifest| manifest.seq),
        after_size: manifest.map(|manifest| manifest.checkpoint.size),
        leaf: opened.leaf,
        checkpoint: verdict.as_of.as_ref().map(|as_of| (as_of.size, as_of.root)),
        later_size: later,
    }
}

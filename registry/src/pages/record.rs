//! `/record/{LEAF.UNIT}`: one item in full, its history, and where it comes from.

use askama::Template;
use axum::{extract::Path, http::StatusCode, response::Response};
use schemas::record::{Record, RelationKind};

use super::{
    custody::{self, Custody},
    diff::{self, Change, Piece},
    frame::Frame,
    text::{lang_tag, openable, shown, shown_id},
    visit::{Asked, Made, Visit, missing},
};
use crate::{
    api::Refused,
    desk::{self, Item, RecordId, Revision, Vanishing},
    prove,
};

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage {
    f: Frame,
    id: RecordId,
    item: Option<ItemView>,
    custody: Option<Custody>,
    no_custody: Option<String>,
    bundle: String,
    commands: [String; 2],
}

struct ItemView {
    title: String,
    has_title: bool,
    /// Kind, source and time in a line.
    byline: Vec<String>,
    tag: String,
    text: String,
    marks: Vec<(&'static str, String)>,
    /// Label, value, address to open, style.
    facts: Vec<Fact>,
    lists: Vec<(String, Vec<LinkView>)>,
    revisions: Vec<RevisionView>,
    vanished: Vec<VanishingView>,
    sightings: Vec<SightingView>,
    sightings_note: String,
}

struct Fact {
    label: String,
    value: String,
    open: Option<String>,
    style: &'static str,
}

struct LinkView {
    text: String,
    open: Option<String>,
    note: Option<String>,
}

struct RevisionView {
    link: String,
    id: String,
    name: String,
    cause: String,
    asked: bool,
    current: bool,
    first: String,
    last: String,
    sightings: String,
    withdrawn: Option<String>,
    tag: String,
    changes: Vec<ChangeView>,
}

struct VanishingView {
    link: String,
    id: String,
    words: String,
    /// What else to know of it.
    notes: Vec<String>,
}

struct ChangeView {
    field: String,
    pieces: Vec<Piece>,
}

struct SightingView {
    link: String,
    id: String,
    at: String,
    metrics: String,
}

pub async fn page(visit: Visit, Path(id): Path<String>) -> Response {
    visit.page(&[], move |asked| build(asked, &id)).await
}

fn build(asked: &mut Asked, id: &str) -> Result<Made, Refused> {
    let id: RecordId = id.parse().map_err(|_| missing("error-record-id", shown_id(id)))?;
    asked.seat.audit(&asked.desk, "record", &id.to_string())?;
    let found = asked.desk.store().read(|db| desk::item(db, id)).map_err(|why| Refused::internal(&why))?;
    let traced = prove::trace(asked.desk.registry(), id);
    let mut f = asked.frame("record-title", "search");
    let custody = traced.as_ref().ok().map(|trace| custody::of(&f, trace, id));
    let is_gone = custody.as_ref().is_some_and(|custody| custody.gone.is_some());
    if found.is_none() && !is_gone {
        return Err(missing("error-no-record", id.to_string()));
    }
    let item = found.map(|item| view(&f, &item));
    if let Some(item) = &item {
        f.title = item.title.chars().take(120).collect();
    } else {
        f.title = f.w("record-erased-title", &id.to_string());
    }
    let status = if item.is_some() { StatusCode::OK } else { StatusCode::GONE };
    let page = RecordPage {
        f,
        id,
        item,
        custody,
        no_custody: traced.err().map(|why| format!("{why:#}")),
        bundle: format!("/v1/records/{id}/bundle"),
        commands: [
            format!("vigie-verify record-{id}.vigie-bundle --root trust.toml"),
            format!("vigie trace {id} --bundle record-{id}.vigie-bundle"),
        ],
    };
    Made::with(status, &page)
}

fn view(f: &Frame, item: &Item) -> ItemView {
    let revision = item.revisions.iter().find(|revision| revision.id == item.asked);
    let record = revision.and_then(|revision| revision.record.as_ref());
    // A withdrawal has no words of its own: the last ones are shown.
    let record = record.or_else(|| item.revisions.iter().rev().find_map(|revision| revision.record.as_ref()));
    let text = record.and_then(|record| record.text.as_deref()).map(shown).unwrap_or_default();
    let own = record.and_then(|record| record.title.as_deref()).map(shown);
    let author = record.and_then(|record| record.author.as_ref());
    let author = author.and_then(|author| author.name.as_ref().or(author.handle.as_ref()).or(author.id.as_ref()));
    let kind = capital(&f.word("kind", &item.kind));
    ItemView {
        has_title: own.is_some(),
        // The text follows whole: a title made of its beginning would say it twice.
        title: own.unwrap_or_else(|| match author {
            Some(author) => f.say("record-untitled", &[("kind", kind.as_str().into()), ("who", shown(author).into())]),
            None => {
                f.say("record-untitled", &[("kind", kind.as_str().into()), ("who", shown_id(&item.vantage).into())])
            }
        }),
        byline: revision.map(|revision| byline(f, &kind, revision)).unwrap_or_default(),
        tag: lang_tag(record.and_then(|record| record.language.as_deref())),
        marks: marks(f, item),
        facts: facts(f, item, revision, record),
        lists: record.map(|record| lists(f, record)).unwrap_or_default(),
        revisions: revisions(f, item),
        vanished: item.vanished.iter().map(|gone| vanished(f, gone)).collect(),
        sightings: item
            .sightings
            .iter()
            .map(|sighting| SightingView {
                link: f.link(&format!("/record/{}", sighting.id)),
                id: sighting.id.to_string(),
                at: f.moment(&sighting.at),
                metrics: metrics(f, &sighting.metrics),
            })
            .collect(),
        sightings_note: f.n("sightings-of", &revision.map_or(0, |revision| revision.sightings)),
        text,
    }
}

/// Kind, and when it was published, or first seen.
fn byline(f: &Frame, kind: &str, revision: &Revision) -> Vec<String> {
    let time = f.moment(&revision.time);
    let time = if revision.claimed { f.w("claimed", &time) } else { f.w("first-seen", &time) };
    vec![kind.to_owned(), time]
}

/// The word with its first letter as a capital.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn marks(f: &Frame, item: &Item) -> Vec<(&'static str, String)> {
    let mut marks = Vec::new();
    if item.gone {
        marks.push(("gone", f.t("mark-gone")));
    }
    if item.vanished.iter().any(|gone| gone.back_at.is_none()) {
        marks.push(("gone", f.t("mark-vanished")));
    }
    if item.revisions.len() > 1 {
        marks.push(("revised", f.n("mark-revised-count", &(item.revisions.len() as u64))));
    }
    if !item.home {
        marks.push(("claim", f.w("mark-claim-by", &item.vantage)));
    }
    if item.revisions.iter().any(|revision| revision.id == item.asked && !revision.current && !item.gone) {
        marks.push(("earlier", f.t("mark-earlier")));
    }
    if item.capture.as_ref().is_some_and(|capture| capture.late) {
        marks.push(("late", f.t("mark-late")));
    }
    marks
}

fn facts(f: &Frame, item: &Item, revision: Option<&Revision>, record: Option<&Record>) -> Vec<Fact> {
    let mut all = Vec::new();
    let mut put = |key: &str, value: String, open: Option<String>, style| {
        if !value.is_empty() {
            all.push(Fact { label: f.t(key), value, open, style });
        }
    };
    put("fact-kind", f.word("kind", &item.kind), None, "plain");
    if let Some(record) = record {
        if let Some(author) = &record.author {
            let shown_as: Vec<_> =
                [&author.name, &author.handle, &author.id].into_iter().flatten().map(|text| shown(text)).collect();
            put("fact-author", shown_as.join(" · "), None, "collected");
        }
        if let Some(url) = &record.url {
            put("fact-address", shown_id(url), openable(url), "code");
        }
        for (key, claim) in [("fact-published", &record.published_at), ("fact-edited", &record.edited_at)] {
            if let Some(claim) = claim {
                let value = claim.at.map_or_else(|| shown(&claim.raw), |at| f.lang.moment(at));
                let key_of_claim = if claim.at.is_some() { "claimed" } else { "claimed-no-instant" };
                put(key, f.w(key_of_claim, &value), None, "plain");
            }
        }
        if let Some(language) = &record.language {
            put("fact-language", f.w("declared", &shown_id(language)), None, "plain");
        }
        put("fact-place", record.place.as_deref().map(shown).unwrap_or_default(), None, "collected");
    }
    put("fact-first", f.moment(&item.first_seen_at), None, "plain");
    put("fact-last", f.moment(&item.last_seen_at), None, "plain");
    if let Some(revision) = revision {
        put("fact-source", revision.entry.clone(), Some(f.link(&format!("/sources/{}", revision.entry))), "local");
    }
    put("fact-platform", item.platform.clone(), None, "plain");
    put("fact-id", shown_id(&item.id), None, "code");
    put("fact-vantage", shown_id(&item.vantage), None, "code");
    if let Some(hash) = revision.and_then(|revision| revision.content.clone()) {
        put("fact-hash", hash, None, "code");
    }
    all
}

fn lists(f: &Frame, record: &Record) -> Vec<(String, Vec<LinkView>)> {
    let address = |url: &String| LinkView { text: shown_id(url), open: openable(url), note: None };
    let plain = |text: &String| LinkView { text: shown(text), open: None, note: None };
    let relations = record.relations.iter().map(|relation| {
        let key = match relation.kind {
            RelationKind::ReplyTo => "relation-reply",
            RelationKind::RepostOf => "relation-repost",
            RelationKind::QuoteOf => "relation-quote",
            RelationKind::TranslationOf => "relation-translation",
        };
        LinkView { text: shown_id(&relation.to), open: openable(&relation.to), note: Some(f.t(key)) }
    });
    let media =
        record.media.iter().map(|media| LinkView { note: media.alt.as_deref().map(shown), ..address(&media.url) });
    let extra = record.extra.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        LinkView { text: shown(&text), open: None, note: Some(shown_id(name)) }
    });
    [
        ("list-links", record.links.iter().map(address).collect::<Vec<_>>()),
        ("list-media", media.collect()),
        ("list-mentions", record.mentions.iter().map(plain).collect()),
        ("list-tags", record.tags.iter().map(plain).collect()),
        ("list-relations", relations.collect()),
        ("field-ad", record.ad.as_ref().map(members).unwrap_or_default()),
        ("field-registration", record.registration.as_ref().map(members).unwrap_or_default()),
        ("list-extra", extra.collect()),
    ]
    .into_iter()
    .filter(|(_, items)| !items.is_empty())
    .map(|(key, items)| (f.t(key), items))
    .collect()
}

/// What a register or an advertisement says, member by member, under the names of the format.
fn members(value: &impl serde::Serialize) -> Vec<LinkView> {
    let Ok(serde_json::Value::Object(members)) = serde_json::to_value(value) else {
        return Vec::new();
    };
    let one = |(name, value): (String, serde_json::Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        LinkView { text: shown(&text), open: None, note: Some(shown_id(&name)) }
    };
    members.into_iter().map(one).collect()
}

fn revisions(f: &Frame, item: &Item) -> Vec<RevisionView> {
    let mut before: Option<&Record> = None;
    let mut views: Vec<_> = item
        .revisions
        .iter()
        .map(|revision| {
            let changes = match (before, &revision.record) {
                (Some(before), Some(now)) => diff::changes(before, now),
                _ => Vec::new(),
            };
            if revision.record.is_some() {
                before = revision.record.as_ref();
            }
            revision_view(f, item, revision, changes)
        })
        .collect();
    views.reverse();
    views
}

fn revision_view(f: &Frame, item: &Item, revision: &Revision, changes: Vec<Change>) -> RevisionView {
    let name = |field: &str| f.word("field", field);
    let changes = changes.into_iter().map(|change| ChangeView {
        field: name(&change.field),
        pieces: change.pieces.into_iter().map(|piece| Piece { text: shown(&piece.text), ..piece }).collect(),
    });
    let withdrawn = revision.record.is_none().then(|| revision.why.as_deref().map(shown).unwrap_or_default());
    RevisionView {
        link: f.link(&format!("/record/{}", revision.id)),
        id: revision.id.to_string(),
        name: if withdrawn.is_some() { f.t("revision-withdrawn") } else { f.n("revision-number", &revision.number) },
        cause: if revision.number == 1 && revision.cause == "source" {
            f.t("cause-first")
        } else {
            f.word("cause", &revision.cause)
        },
        asked: revision.id == item.asked,
        current: revision.current,
        first: f.moment(&revision.first_seen_at),
        last: f.moment(&revision.last_seen_at),
        sightings: f.n("sightings", &revision.sightings),
        withdrawn,
        tag: lang_tag(revision.record.as_ref().and_then(|record| record.language.as_deref())),
        changes: changes.collect(),
    }
}

fn vanished(f: &Frame, gone: &Vanishing) -> VanishingView {
    let odd = gone.unreadable.filter(|odd| *odd > 0).map(|odd| f.n("vanished-unreadable", &odd));
    let back = gone.back_at.as_ref().map(|back| f.w("vanished-back", &f.moment(back)));
    VanishingView {
        link: f.link(&format!("/record/{}", gone.id)),
        id: gone.id.to_string(),
        words: f.say(
            "vanished",
            &[
                ("what", shown(&gone.scope).into()),
                ("stood", f.moment(&gone.stood_at).into()),
                ("before", f.moment(&gone.before_at).into()),
                ("at", f.moment(&gone.at).into()),
            ],
        ),
        notes: odd.into_iter().chain(back).collect(),
    }
}

fn metrics(f: &Frame, metrics: &serde_json::Value) -> String {
    let Some(members) = metrics.as_object() else {
        return String::new();
    };
    let one = |(name, value): (&String, &serde_json::Value)| {
        let value = value.as_u64().map_or_else(|| value.to_string(), |number| f.number(&number));
        format!("{}\u{a0}{value}", shown_id(name))
    };
    members.iter().map(one).collect::<Vec<_>>().join(", ")
}

//! Does what we read hold what a check in feedparser's names expects?

use feed::model::{Entry, Feed, Head};
use schemas::record::{Author, ClaimedTime, Record};
use scraper::Html;
use serde_json::Value;
use url::Url;

/// What sort of thing a check speaks of.
pub fn class(check: &Value) -> &'static str {
    let path: Vec<&str> = names(check);
    // `<span alt="…"></span>`: what feedparser's sanitiser keeps of markup in which nothing is said.
    let mute = check["value"].as_str().filter(|text| text.contains('<')).is_some_and(|html| {
        let (text, links) = of_html(html);
        text.trim().is_empty() && links.is_empty()
    });
    if mute {
        return "not in a record: markup that says nothing";
    }
    if check["op"] == "len==" || check["op"] == "not has" {
        return "not in a record: absence and counts";
    }
    let (scope, field, part) = match path.as_slice() {
        ["feed", field, rest @ ..] => ("feed", *field, rest.first().copied()),
        ["entries", field, rest @ ..] => ("entry", *field, rest.last().copied()),
        ["bozo"] if check["op"] == "truthy" => return "not in a record: complaints",
        ["bozo"] => return "read to the end",
        ["encoding"] => return "name of the encoding",
        ["version"] => return "name of the format",
        _ => return "not in a record: HTTP",
    };
    match (scope, field, part) {
        (_, _, Some("base")) => "not in a record: base of a text",
        (_, _, Some("type" | "scheme" | "label" | "rel" | "length" | "role" | "version")) => {
            "not in a record: attributes"
        }
        (_, "title" | "title_detail", None | Some("value")) => "title",
        (_, "link" | "links" | "enclosures", None | Some("href" | "url")) => "link",
        (_, "id" | "guid", None) => "id",
        (_, "updated" | "updated_parsed" | "published" | "published_parsed" | "created_parsed", None) => "date",
        (_, "author" | "author_detail", _) => "author",
        ("entry", "description" | "summary" | "summary_detail" | "content", None | Some("value")) => "text",
        (
            "feed",
            "description" | "tagline" | "subtitle" | "info" | "tagline_detail" | "subtitle_detail" | "info_detail",
            None | Some("value"),
        ) => "text of the feed itself",
        ("feed", "language", None) => "language",
        (_, "rights" | "copyright" | "rights_detail" | "copyright_detail", None | Some("value")) => "rights",
        ("entry", "tags", Some("term")) => "tags",
        ("entry", "source", Some("title")) | ("entry", "wfw_commentrss" | "itunes_duration", None) => "extra",
        (_, _, Some("language")) => "not in a record: language of a part",
        (_, "contributors" | "publisher" | "publisher_detail", _) => "not in a record: contributors",
        _ => "not in a record: other elements",
    }
}

/// What the aim speaks of: equal to feedparser or better, as far as its verdict is known.
pub const CORE: [&str; 6] = ["title", "link", "id", "date", "author", "text"];

/// True for classes of what records have fields for. The name of the encoding counts by its effect, the texts.
pub fn is_held(class: &str) -> bool {
    !class.starts_with("not in a record") && !class.starts_with("name of")
}

fn names(check: &Value) -> Vec<&str> {
    check["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Nothing if the check holds, else what was found.
pub fn holds(feed: &Feed, entries: &[Entry], check: &Value) -> Result<(), String> {
    let path = names(check);
    let index = check["path"][1].as_u64().unwrap_or(0) as usize;
    let nth = check["path"][3].as_u64().unwrap_or(0) as usize;
    let expected = &check["value"];
    match path.as_slice() {
        ["bozo"] => expect(feed.cut.is_none() == (check["op"] == "falsy"), &feed.cut),
        ["encoding"] => same_encoding(expected, feed.encoding),
        ["version"] => expect(version(expected) == feed.format, &feed.format),
        ["feed", rest @ ..] => of_head(&feed.head, rest, expected),
        ["entries", rest @ ..] => {
            let record = entries.get(index).ok_or("no such entry")?.record.as_ref().map_err(Clone::clone)?;
            of_record(record, rest, expected, nth, &check["op"])
        }
        _ => Err("not held".to_owned()),
    }
}

fn expect(holds: bool, found: impl std::fmt::Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{found:?}")) }
}

fn of_head(head: &Head, path: &[&str], expected: &Value) -> Result<(), String> {
    match path {
        ["title"] | ["title_detail", "value"] => text(expected, head.title.as_deref(), None),
        ["link"] | ["links", "href"] => address(expected, [&head.link, &head.own].into_iter().flatten()),
        ["id" | "guid"] => text(expected, head.id.as_deref(), None),
        ["description" | "tagline" | "subtitle" | "info"]
        | ["tagline_detail" | "subtitle_detail" | "info_detail", "value"] => {
            text(expected, head.description.as_deref(), None)
        }
        ["rights" | "copyright"] | ["rights_detail" | "copyright_detail", "value"] => {
            text(expected, head.rights.as_deref(), None)
        }
        ["language"] => text(expected, head.language.as_deref(), None),
        ["updated"] | ["updated_parsed"] => date(expected, head.updated.as_ref()),
        ["published"] | ["published_parsed"] => date(expected, head.published.as_ref()),
        ["author"] | ["author_detail", _] => author(path, expected, head.author.as_ref()),
        _ => Err("not held".to_owned()),
    }
}

fn of_record(record: &Record, path: &[&str], expected: &Value, nth: usize, op: &Value) -> Result<(), String> {
    let extra = |key: &str| record.extra.get(key).and_then(Value::as_str);
    match path {
        ["title"] | ["title_detail", "value"] => text(expected, record.title.as_deref(), None),
        ["link"] => address(expected, record.url.iter()),
        ["links" | "enclosures", "href" | "url"] => {
            address(expected, record.url.iter().chain(record.media.iter().map(|media| &media.url)).chain(&record.links))
        }
        ["id"] => {
            let own = record.id.split_once('|').map(|(_, own)| own);
            text(expected, own, None).or_else(|_| address(expected, own.map(str::to_owned).iter()))
        }
        ["description" | "summary"] | ["content" | "summary_detail", "value"] => {
            text(expected, record.text.as_deref(), Some(record))
                .or_else(|found| text(expected, extra("summary"), None).map_err(|_| found))
        }
        ["published" | "published_parsed" | "created_parsed"] => date(expected, record.published_at.as_ref()),
        ["updated" | "updated_parsed"] => date(expected, record.edited_at.as_ref())
            .or_else(|found| date(expected, record.published_at.as_ref()).map_err(|_| found)),
        ["author"] | ["author_detail", _] => author(path, expected, record.author.as_ref()),
        ["tags", "term"] => text(expected, record.tags.get(nth).map(String::as_str), None),
        ["rights"] | ["rights_detail", "value"] => text(expected, extra("rights"), None),
        ["source", "title"] => text(expected, extra("source_title"), None),
        ["wfw_commentrss"] => address(expected, extra("comments_feed").map(str::to_owned).iter()),
        ["itunes_duration"] => text(expected, extra("duration"), None),
        _ => Err(format!("not held ({op})")),
    }
}

/// Equal as plain text, white space aside. Markup in the expectation is read by html5ever, not by our reader; the links of it that are
/// addresses of the web must be among the record's.
fn text(expected: &Value, found: Option<&str>, record: Option<&Record>) -> Result<(), String> {
    let Some(expected) = expected.as_str() else {
        return Err(format!("{found:?}"));
    };
    let (plain, links) =
        if expected.contains(['<', '&']) { of_html(expected) } else { (expected.to_owned(), Vec::new()) };
    let held = record.map_or(&[][..], |record| &record.links);
    let linked = record.is_none() || links.iter().all(|link| held.contains(link));
    let found_text = squeeze(found.unwrap_or_default());
    let same = [expected, &plain].into_iter().any(|text| squeeze(text) == found_text);
    if same && linked { Ok(()) } else { Err(format!("{found:?}, links {held:?}")) }
}

/// Letters without white space: where a block begins on a new line is our choice.
fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

fn of_html(html: &str) -> (String, Vec<String>) {
    let page = Html::parse_fragment(html);
    let mut text = String::new();
    let mut links = Vec::new();
    for node in page.tree.nodes() {
        if let Some(piece) = node.value().as_text() {
            let hidden = node
                .ancestors()
                .filter_map(|up| up.value().as_element())
                .any(|up| matches!(up.name(), "script" | "style" | "title" | "object" | "noscript"));
            if !hidden {
                text.push_str(piece);
            }
        }
        if let Some(link) =
            node.value().as_element().filter(|element| element.name() == "a").and_then(|element| element.attr("href"))
        {
            links
                .extend(Url::parse(link).ok().filter(|url| matches!(url.scheme(), "http" | "https")).map(String::from));
        }
    }
    (text, links)
}

fn address<'a>(expected: &Value, mut found: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let text = expected.as_str().unwrap_or_default();
    let wanted = Url::parse(text).map(feed::address::canonical).map_or_else(|_| text.to_owned(), String::from);
    let mut seen = Vec::new();
    let held = found.any(|url| {
        seen.push(url.clone());
        *url == wanted || url == text
    });
    expect(held, seen)
}

fn date(expected: &Value, found: Option<&ClaimedTime>) -> Result<(), String> {
    let holds = match expected {
        Value::String(raw) => found.is_some_and(|claim| claim.raw == *raw),
        // A Python time tuple, UTC: year, month, day, hour, minute, second.
        Value::Array(parts) => found.and_then(|claim| claim.at).is_some_and(|at| {
            let at = at.to_zoned(jiff::tz::TimeZone::UTC);
            let ours = [
                i64::from(at.year()),
                at.month().into(),
                at.day().into(),
                at.hour().into(),
                at.minute().into(),
                at.second().into(),
            ];
            parts.iter().zip(ours).all(|(their, our)| their.as_i64() == Some(our))
        }),
        _ => false,
    };
    expect(holds, found)
}

fn author(path: &[&str], expected: &Value, found: Option<&Author>) -> Result<(), String> {
    let empty = Author::default();
    let author = found.unwrap_or(&empty);
    let (name, mail) = (author.name.as_deref(), author.handle.as_deref());
    match path {
        ["author_detail", "name"] => text(expected, name, None),
        ["author_detail", "email"] => text(expected, mail, None),
        ["author_detail", _] => address(expected, author.id.iter()),
        _ => match (name, mail) {
            (Some(name), Some(mail)) => text(expected, Some(&format!("{name} ({mail})")), None),
            (name, mail) => text(expected, name.or(mail), None),
        },
    }
}

fn version(expected: &Value) -> String {
    let known = match expected.as_str().unwrap_or_default() {
        "rss20" => "rss 2.0",
        "rss10" | "rss090" => "rdf",
        "rss094" => "rss 0.94",
        "rss093" => "rss 0.93",
        "rss092" => "rss 0.92",
        "rss091n" | "rss091u" => "rss 0.91",
        "rss" => "rss",
        "atom10" => "atom 1.0",
        "atom03" => "atom 0.3",
        "json1" => "json feed 1",
        "json11" => "json feed 1.1",
        other => other,
    };
    known.to_owned()
}

/// Browsers' names for encodings, which we use, are those of supersets.
fn same_encoding(expected: &Value, found: &str) -> Result<(), String> {
    let label = expected.as_str().unwrap_or_default();
    let label = label.replace("utf-32be", "utf-32").replace("utf-32le", "utf-32");
    let wanted = encoding_rs::Encoding::for_label(label.as_bytes())
        .map_or_else(|| label.to_uppercase(), |encoding| encoding.name().to_owned());
    expect(wanted == found, found)
}

//! How do newsrooms misbehave without meaning harm? The answers of the odd ones.

use std::fmt::Write;

use crate::formats::{esc, rss_date};
use crate::history::{Entry, History};
use crate::newsroom::Newsroom;
use crate::reply::{Asked, Reply};

/// The one ETag `liar` ever had.
const STEADY: &str = "\"steady\"";

/// An ETag that stays while the content changes, believed by the server itself.
pub(crate) fn steady(reply: Reply, asked: &Asked) -> Reply {
    let reply = reply.with("etag", STEADY);
    if asked.header("if-none-match").is_some_and(|tags| tags.contains(STEADY)) { reply.not_modified() } else { reply }
}

/// 429 with a Retry-After in either of its forms (RFC 9110, section 10.2.3).
pub(crate) fn too_many(retry_after: &str) -> Reply {
    Reply::text(429, "slow down\n").with("retry-after", retry_after)
}

pub(crate) fn login() -> Reply {
    Reply::html(401, "<!doctype html><title>Sign in</title><h1>Please sign in</h1>\n")
        .with("www-authenticate", "Basic realm=\"members\"")
}

/// The items of `malformed`: every second one is as it should be, the others each hold one fault.
///
/// The bare ampersand (item 2) and the unclosed tag (item 6) break well-formedness: a strict XML parser gets no further.
pub(crate) fn torn(room: &Newsroom, history: &History) -> Reply {
    let mut out = head(room);
    for (place, entry) in history.page(1).into_iter().enumerate() {
        let date = rss_date(entry.published_at);
        let (title, date, description) = match place {
            1 => (format!("{} & sons", esc(entry.title())), date, esc(&entry.text())),
            3 => (esc(entry.title()), "Thu, 32 Octember 2026 25:61:00 +9900".to_owned(), esc(&entry.text())),
            5 => (esc(entry.title()), date, format!("<b>{}", esc(&entry.text()))),
            7 => (esc(entry.title()), "the day before yesterday".to_owned(), esc(&entry.text())),
            _ => (esc(entry.title()), date, esc(&entry.text())),
        };
        let _ = item(&mut out, room, entry, &title, &date, &description);
    }
    out.push_str("</channel>\n</rss>\n");
    Reply::new(200, "application/rss+xml; charset=utf-8", out)
}

/// Well-formed XML with faults inside items: an impossible date, an item that holds only a date, a date in words.
pub(crate) fn ajar(room: &Newsroom, history: &History) -> Reply {
    let mut out = head(room);
    for (place, entry) in history.page(1).into_iter().enumerate() {
        let date = match place {
            1 => "Thu, 32 Octember 2026 25:61:00 +9900".to_owned(),
            5 => "the day before yesterday".to_owned(),
            _ => rss_date(entry.published_at),
        };
        if place == 3 {
            out.push_str(&format!("<item>\n<pubDate>{date}</pubDate>\n</item>\n"));
            continue;
        }
        let (title, text) = (esc(entry.title()), esc(&entry.text()));
        let _ = item(&mut out, room, entry, &title, &date, &text);
    }
    out.push_str("</channel>\n</rss>\n");
    Reply::new(200, "application/rss+xml; charset=utf-8", out)
}

/// The same feed without faults, ended in the middle of its last item.
pub(crate) fn cut(room: &Newsroom, history: &History) -> Reply {
    let mut out = head(room);
    for entry in history.page(1) {
        let _ = item(&mut out, room, entry, &esc(entry.title()), &rss_date(entry.published_at), &esc(&entry.text()));
    }
    let end = out.rfind("</description>").unwrap_or(out.len());
    out.truncate(end);
    Reply::new(200, "application/rss+xml; charset=utf-8", out)
}

fn head(room: &Newsroom) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\">\n<channel>\n<title>{}</title>\n\
         <link>https://{}/</link>\n<description>{}</description>\n",
        esc(room.title),
        room.site(),
        esc(room.about)
    )
}

fn item(
    out: &mut String,
    room: &Newsroom,
    entry: &Entry,
    title: &str,
    date: &str,
    description: &str,
) -> std::fmt::Result {
    writeln!(out, "<item>\n<title>{title}</title>\n<link>https://{}/articles/{}</link>", room.site(), entry.number)?;
    writeln!(out, "<guid isPermaLink=\"false\">{}</guid>\n<pubDate>{date}</pubDate>", esc(&entry.id))?;
    writeln!(out, "<description>{description}</description>\n</item>")
}

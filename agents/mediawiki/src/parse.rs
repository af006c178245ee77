//! What does one entry of `recentchanges` say?

use kit::{Json as _, Place, Reading, Record, Unreadable, What, dates::claimed};
use schemas::record::{Author, AuthorKind, Kind};
use serde_json::Value;

use crate::{Mediawiki, PLATFORM};

/// Says one entry, of the wiki whose programs lie at `wiki` (`https://HOST/w`). True where its edit stands.
///
/// # Errors
///
/// What of it this reader does not know.
pub fn change(wiki: &str, entry: &Value, at: Place<'_>, out: &mut Reading<'_, Mediawiki>) -> Result<bool, Unreadable> {
    let (new, old): (u64, u64) = (entry.need("/revid")?, entry.need("/old_revid")?);
    let sort: &str = entry.need("/type")?;
    let url = match (sort, new, old) {
        ("edit", 1.., 1..) => format!("{wiki}/index.php?diff={new}&oldid={old}"),
        ("new", 1.., 0) => format!("{wiki}/index.php?oldid={new}"),
        _ => return Err(Unreadable::unknown_value("type, revid, old_revid", format_args!("{sort}, {new}, {old}"))),
    };
    let place = wiki.trim_start_matches("https://");
    let id = format!("{place}:{new}");
    for part in ["suppressed", "userhidden", "commenthidden"] {
        if entry.maybe(&format!("/{part}"))? == Some(true) {
            out.gone(at, What::record(PLATFORM, id), part);
            return Ok(false);
        }
    }
    let (user, bot): (String, bool) = (entry.need("/user")?, entry.need("/bot")?);
    let mut record = Record::new(Kind::Post, PLATFORM, id);
    record.url = Some(url);
    record.author = Some(Author {
        id: Some(format!("{place}:{user}")),
        kind: bot.then_some(AuthorKind::Bot),
        name: Some(user),
        ..Author::default()
    });
    record.published_at = claimed(entry.need("/timestamp")?);
    record.title = Some(entry.need("/title")?);
    record.text = Some(entry.need("/comment")?);
    record.set_extra("type", sort);
    record.set_extra("minor", entry.need::<bool>("/minor")?);
    record.set_extra("bot", bot);
    record.set_extra("old_revid", old);
    record.set_extra("oldlen", entry.need::<u64>("/oldlen")?);
    record.set_extra("newlen", entry.need::<u64>("/newlen")?);
    record.set_extra("volatile_tags", entry.need::<Vec<String>>("/tags")?);
    out.record(at, record);
    Ok(true)
}

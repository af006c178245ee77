//! What does one entry of `recentchanges` say?

use kit::{Place, Reading, Record, Unreadable, What, dates::claimed};
use schemas::record::{Author, AuthorKind, Kind};
use serde::Deserialize;
use serde_json::Value;

use crate::{Mediawiki, PLATFORM};

#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    sort: String,
    title: String,
    revid: u64,
    old_revid: u64,
    user: Option<String>,
    comment: Option<String>,
    bot: bool,
    minor: bool,
    oldlen: u64,
    newlen: u64,
    timestamp: String,
    tags: Vec<String>,
    userhidden: Option<bool>,
    commenthidden: Option<bool>,
    suppressed: Option<bool>,
}

/// Says one entry, of the wiki whose programs lie at `wiki` (`https://HOST/w`). True where its edit stands.
///
/// # Errors
///
/// What of it this reader does not know.
pub fn change(wiki: &str, entry: &Value, at: Place<'_>, out: &mut Reading<'_, Mediawiki>) -> Result<bool, Unreadable> {
    let wire = Wire::deserialize(entry)?;
    let url = match (wire.sort.as_str(), wire.revid, wire.old_revid) {
        ("edit", new @ 1.., old @ 1..) => format!("{wiki}/index.php?diff={new}&oldid={old}"),
        ("new", new @ 1.., 0) => format!("{wiki}/index.php?oldid={new}"),
        (other, new, old) => {
            return Err(Unreadable::unknown_value("type, revid, old_revid", format!("{other}, {new}, {old}")));
        }
    };
    let place = wiki.trim_start_matches("https://");
    let id = format!("{place}:{}", wire.revid);
    let hidden =
        [(wire.suppressed, "suppressed"), (wire.userhidden, "userhidden"), (wire.commenthidden, "commenthidden")];
    if let Some((_, part)) = hidden.into_iter().find(|(hidden, _)| *hidden == Some(true)) {
        out.gone(at, What::Record { platform: PLATFORM.to_owned(), id }, part);
        return Ok(false);
    }
    let user = wire.user.ok_or_else(|| Unreadable::missing("user"))?;
    let mut record = Record::new(Kind::Post, PLATFORM, id);
    record.url = Some(url);
    record.author = Some(Author {
        id: Some(format!("{place}:{user}")),
        kind: wire.bot.then_some(AuthorKind::Bot),
        name: Some(user),
        ..Author::default()
    });
    record.published_at = claimed(&wire.timestamp);
    record.title = Some(wire.title);
    record.text = Some(wire.comment.ok_or_else(|| Unreadable::missing("comment"))?);
    record.set_extra("type", wire.sort);
    record.set_extra("minor", wire.minor);
    record.set_extra("bot", wire.bot);
    record.set_extra("old_revid", wire.old_revid);
    record.set_extra("oldlen", wire.oldlen);
    record.set_extra("newlen", wire.newlen);
    record.set_extra("volatile_tags", wire.tags);
    out.record(at, record);
    Ok(true)
}

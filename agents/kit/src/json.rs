//! What stands at a place of a JSON document?
//!
//! For items that are read place by place, so that what is odd is named by where it stands. Absence, `null` and a wrong type are three things, and none of
//! them is taken for another: a renamed or damaged member must not look like one that the source leaves out.

use serde::Deserialize;
use serde_json::Value;

use crate::contract::Unreadable;

/// Reads a JSON value by JSON pointers (RFC 6901). The type is the one that the value is used as.
///
/// A wrong type is an error everywhere; so is a pointer that leads through what is neither object nor list.
///
/// ```
/// use kit::{Json as _, Unreadable};
/// use schemas::record::{Kind, Record};
///
/// fn record(item: &serde_json::Value) -> Result<Record, Unreadable> {
///     let mut record = Record::new(Kind::Post, "bulletin", item.need::<&str>("/id")?);
///     record.title = Some(item.need("/title")?);
///     record.published_at = kit::dates::claimed(item.need("/dates/made")?);
///     record.language = item.maybe("/language")?;
///     record.text = item.maybe_null("/text")?;
///     record.set_metric("likes", item.maybe("/counts/likes")?);
///     for file in item.maybe_list("/files")?.unwrap_or_default() {
///         record.links.push(file.need("/url")?);
///     }
///     Ok(record)
/// }
///
/// let item = serde_json::json!({ "id": "7", "title": "Harbour", "dates": { "made": "2026-10-03T09:00:00Z" }, "text": null });
/// assert_eq!(record(&item).unwrap().title.as_deref(), Some("Harbour"));
/// let renamed = serde_json::json!({ "id": "7", "heading": "Harbour" });
/// assert_eq!(record(&renamed).unwrap_err().to_string(), "/title: is missing");
/// ```
pub trait Json {
    /// What has to stand there. `null` is a value of an `Option` only: `need::<Option<String>>` for what is always written.
    ///
    /// # Errors
    ///
    /// It is absent, or of another type.
    fn need<'a, T: Deserialize<'a>>(&'a self, at: &str) -> Result<T, Unreadable>;

    /// What may be absent, and is no `null`: for sources that leave out what they do not have, and for whatever tells where the walk ends.
    ///
    /// # Errors
    ///
    /// It is there, and of another type.
    fn maybe<'a, T: Deserialize<'a>>(&'a self, at: &str) -> Result<Option<T>, Unreadable>;

    /// What may be absent or `null`, or stand in what is `null`: for sources that write `null` for what they do not have. Never for what tells where the walk ends.
    ///
    /// # Errors
    ///
    /// As [`maybe`](Self::maybe).
    fn maybe_null<'a, T: Deserialize<'a>>(&'a self, at: &str) -> Result<Option<T>, Unreadable>;

    /// The list that has to stand there, without a copy of it.
    ///
    /// # Errors
    ///
    /// As [`need`](Self::need).
    fn list(&self, at: &str) -> Result<&[Value], Unreadable> {
        self.maybe_list(at)?.ok_or_else(|| Unreadable::missing(at))
    }

    /// The list that may be absent, and is no `null`.
    ///
    /// # Errors
    ///
    /// As [`maybe`](Self::maybe).
    fn maybe_list(&self, at: &str) -> Result<Option<&[Value]>, Unreadable>;
}

impl Json for Value {
    fn need<'a, T: Deserialize<'a>>(&'a self, at: &str) -> Result<T, Unreadable> {
        self.maybe(at)?.ok_or_else(|| Unreadable::missing(at))
    }

    fn maybe<'a, T: Deserialize<'a>>(&'a self, at: &str) -> Result<Option<T>, Unreadable> {
        find(self, at)?.map(|value| T::deserialize(value).map_err(|why| Unreadable::new(at, why))).transpose()
    }

    fn maybe_null<'a, T: Deserialize<'a>>(&'a self, at: &str) -> Result<Option<T>, Unreadable> {
        if nearest(self, at).is_null() { Ok(None) } else { self.maybe(at) }
    }

    fn maybe_list(&self, at: &str) -> Result<Option<&[Value]>, Unreadable> {
        let Some(found) = find(self, at)? else { return Ok(None) };
        found.as_array().map(|list| Some(list.as_slice())).ok_or_else(|| Unreadable::new(at, "is no list"))
    }
}

/// The value at a pointer; none only where an object or a list lacks it.
fn find<'a>(value: &'a Value, at: &str) -> Result<Option<&'a Value>, Unreadable> {
    match (value.pointer(at), nearest(value, at)) {
        (Some(found), _) => Ok(Some(found)),
        (None, Value::Object(_) | Value::Array(_)) => Ok(None),
        (None, _) => Err(Unreadable::new(at, "what it should stand in is no object or list")),
    }
}

/// The value at a pointer, or the last one on the way to it.
fn nearest<'a>(value: &'a Value, at: &str) -> &'a Value {
    let mut above = at.rmatch_indices('/').map(|(end, _)| &at[..end]);
    value.pointer(at).or_else(|| above.find_map(|above| value.pointer(above))).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn why<T: std::fmt::Debug>(read: Result<T, Unreadable>) -> String {
        read.unwrap_err().to_string()
    }

    #[test]
    fn absent_is_none_and_only_that() {
        let item = json!({ "a": { "text": "x", "null": null, "list": [1] } });
        assert_eq!(item.maybe::<&str>("/a/text").unwrap(), Some("x"));
        for absent in ["/b", "/a/b", "/b/c", "/a/list/1", "/a/list/1/b", "/a/list/b"] {
            assert_eq!(item.maybe::<&str>(absent).unwrap(), None, "{absent}");
            assert_eq!(item.maybe_null::<&str>(absent).unwrap(), None, "{absent}");
            assert_eq!(item.maybe_list(absent).unwrap(), None, "{absent}");
            assert_eq!(why(item.need::<&str>(absent)), format!("{absent}: is missing"));
            assert_eq!(why(item.list(absent)), format!("{absent}: is missing"));
        }
    }

    #[test]
    fn wrong_types_are_named_by_their_place() {
        let item = json!({ "text": "x", "number": -1, "list": ["a", 2] });
        assert!(why(item.maybe::<u64>("/text")).starts_with("/text: invalid type"));
        assert!(why(item.maybe_null::<String>("/number")).starts_with("/number: invalid type"));
        assert!(why(item.need::<u64>("/number")).starts_with("/number: invalid value"));
        assert!(why(item.maybe::<Vec<String>>("/list")).starts_with("/list: invalid type"));
        assert_eq!(why(item.maybe_list("/text")), "/text: is no list");
        assert_eq!(item.list("/list").unwrap().len(), 2);
    }

    #[test]
    fn null_is_nothing_only_to_who_says_so() {
        let item = json!({ "a": null });
        assert!(why(item.maybe::<String>("/a")).starts_with("/a: invalid type: null"));
        assert_eq!(why(item.maybe_list("/a")), "/a: is no list");
        assert_eq!(item.maybe_null::<String>("/a").unwrap(), None);
        assert_eq!(item.need::<Option<String>>("/a").unwrap(), None);
    }

    #[test]
    fn what_has_no_members_does_not_lack_one() {
        for item in [json!({ "a": "x" }), json!({ "a": 1 }), json!({ "a": null })] {
            for read in [item.maybe::<String>("/a/b"), item.maybe("/a/b/c"), item.need("/a/b")] {
                assert!(why(read).contains("no object or list"), "{item}");
            }
            assert_eq!(item.maybe_null::<String>("/a/b").is_ok(), item["a"].is_null(), "{item}");
        }
        assert!(why(Value::Null.need::<String>("/a")).contains("no object or list"));
    }
}

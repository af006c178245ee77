//! How does a collector ask for something?

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request that a collector would like made, and why.
///
/// The gate decides whether it is; the kit sets every header but `Accept` and `Accept-Language`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use = "a request does nothing until it is returned from `plan` or said in a reading"]
pub struct Request<S> {
    /// How.
    pub method: Method,
    /// Absolute address.
    pub url: String,
    /// Bytes sent with a query: JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Why; comes back with the answer.
    pub step: S,
    /// Credential slots it needs, by name. The value is never seen by a collector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<String>,
    /// Conditional GET; the kit keeps the validators.
    #[serde(default, skip_serializing_if = "is_false")]
    pub if_changed: bool,
    /// Only if the asking page listed something new to this lane.
    #[serde(default, skip_serializing_if = "is_false")]
    pub while_new: bool,
    /// Only if this key was never settled here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless_known: Option<String>,
    /// Bound on the body, in bytes as received. The kit's own bound still holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_bytes: Option<u64>,
    /// Read as an open connection, in chunks of these bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Bounds>,
    /// What the answer should come as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<Accept>,
    /// A redirect is the answer and is not followed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stop_at_redirect: bool,
    /// The most this may cost, in the platform's units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reserve: BTreeMap<String, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// GET.
    Get,
    /// POST of JSON to an endpoint that the manifest lists as a query: it asks, it changes nothing.
    Query,
}

/// When a chunk of a stream ends: whichever comes first, always at a frame border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Frames, events or lines.
    pub items: u32,
    /// Body bytes.
    pub bytes: u64,
    /// Seconds since the chunk began.
    pub secs: u32,
}

impl Default for Bounds {
    /// 1 000 items, 4 MiB or 60 seconds: a crash loses little, and a quiet stream still reports every minute.
    fn default() -> Self {
        Self { items: 1_000, bytes: 4 << 20, secs: 60 }
    }
}

/// What an answer should come as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// Value of `Accept`.
    pub media_type: String,
    /// Value of `Accept-Language`; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub languages: String,
}

impl<S> Request<S> {
    /// A GET.
    pub fn get(url: impl AsRef<str>, step: S) -> Self {
        Self {
            method: Method::Get,
            url: url.as_ref().to_owned(),
            body: None,
            step,
            slots: Vec::new(),
            if_changed: false,
            while_new: false,
            unless_known: None,
            up_to_bytes: None,
            stream: None,
            accept: None,
            stop_at_redirect: false,
            reserve: BTreeMap::new(),
        }
    }

    /// A search by POST. Refused by the gate unless the manifest lists the endpoint as a query.
    pub fn query(url: impl AsRef<str>, json: &Value, step: S) -> Self {
        Self { method: Method::Query, body: Some(json.to_string()), ..Self::get(url, step) }
    }

    /// Needs the credential of this slot.
    pub fn with(mut self, slot: impl Into<String>) -> Self {
        self.slots.push(slot.into());
        self
    }

    /// Only if it changed since it was last read completely.
    pub const fn if_changed(mut self) -> Self {
        self.if_changed = true;
        self
    }

    /// Only if the page that asks listed something this lane has not settled.
    pub const fn while_new(mut self) -> Self {
        self.while_new = true;
        self
    }

    /// Only if `key` was never settled here. Asked for once a run at most, answered or not.
    pub fn unless_known(mut self, key: impl Into<String>) -> Self {
        self.unless_known = Some(key.into());
        self
    }

    /// At most this many body bytes.
    pub const fn up_to_bytes(mut self, bytes: u64) -> Self {
        self.up_to_bytes = Some(bytes);
        self
    }

    /// An open connection, handed to `read` in chunks.
    pub const fn stream(mut self, bounds: Bounds) -> Self {
        self.stream = Some(bounds);
        self
    }

    /// What the answer should come as: a media type, and languages (empty for none).
    pub fn accept(mut self, media_type: impl Into<String>, languages: impl Into<String>) -> Self {
        self.accept = Some(Accept { media_type: media_type.into(), languages: languages.into() });
        self
    }

    /// A redirect is the answer.
    pub const fn stop_at_redirect(mut self) -> Self {
        self.stop_at_redirect = true;
        self
    }

    /// May cost up to `most` of this unit of the manifest. Deferred where less is left.
    pub fn reserve(mut self, unit: impl Into<String>, most: u64) -> Self {
        self.reserve.insert(unit.into(), most);
        self
    }

    /// The same request with another step.
    ///
    /// # Errors
    ///
    /// Whatever `change` returns.
    pub fn try_map<T, E>(self, change: impl FnOnce(S) -> Result<T, E>) -> Result<Request<T>, E> {
        Ok(Request {
            method: self.method,
            url: self.url,
            body: self.body,
            step: change(self.step)?,
            slots: self.slots,
            if_changed: self.if_changed,
            while_new: self.while_new,
            unless_known: self.unless_known,
            up_to_bytes: self.up_to_bytes,
            stream: self.stream,
            accept: self.accept,
            stop_at_redirect: self.stop_at_redirect,
            reserve: self.reserve,
        })
    }
}

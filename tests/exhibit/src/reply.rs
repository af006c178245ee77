//! What was asked and what is answered? Plain values, so that newsrooms are functions from one to the other.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;

use crate::dice::fnv64;

/// A request, as far as an answer depends on it. Header names are in lower case.
pub(crate) struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of one query parameter, not percent-decoded: ours are numbers.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    fn takes_gzip(&self) -> bool {
        let codings = self.header("accept-encoding").unwrap_or("");
        codings.split(',').any(|one| one.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("gzip"))
    }
}

/// An answer before it becomes HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body: body.into() }
    }

    pub fn text(status: u16, body: &str) -> Reply {
        Reply::new(status, "text/plain; charset=utf-8", body)
    }

    pub fn html(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply::new(status, "text/html; charset=utf-8", body)
    }

    pub fn redirect(status: u16, to: &str) -> Reply {
        Reply::text(status, "see elsewhere\n").with("location", to)
    }

    pub fn with(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds validators (RFC 9110, section 8.8) and answers 304 if the client already holds this content.
    ///
    /// The ETag names the bytes. If-None-Match wins over If-Modified-Since (section 13.2.2).
    pub fn conditional(self, asked: &Asked, last_modified: &str) -> Reply {
        let tag = format!("{:016x}", fnv64(&self.body));
        let known = match asked.header("if-none-match") {
            Some(tags) => tags.trim() == "*" || tags.split(',').any(|one| opaque(one) == tag),
            None => asked.header("if-modified-since").is_some_and(|since| since.trim() == last_modified),
        };
        let reply = self.with("etag", &format!("\"{tag}\"")).with("last-modified", last_modified);
        if known { reply.not_modified() } else { reply }
    }

    pub fn not_modified(mut self) -> Reply {
        self.status = 304;
        self.body.clear();
        self.headers.retain(|(name, _)| name != "content-type");
        self
    }

    /// Compresses the body if the client takes gzip. The ETag gets a suffix, for it names other bytes now.
    pub fn gzip(mut self, asked: &Asked) -> Reply {
        self.headers.push(("vary".to_owned(), "accept-encoding".to_owned()));
        if !asked.takes_gzip() || self.status != 200 {
            return self;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(&self.body).and_then(|()| encoder.finish());
        let Ok(packed) = packed else { return self };
        self.body = packed;
        for (name, value) in &mut self.headers {
            if name == "etag" {
                *value = format!("{}-gz\"", value.trim_end_matches('"'));
            }
        }
        self.with("content-encoding", "gzip")
    }

    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name.as_str(), value.as_str());
        }
        response.body(Full::new(Bytes::from(self.body))).unwrap_or_else(|why| {
            let mut failed =
                Response::new(Full::new(Bytes::from(format!("the exhibit made an impossible answer: {why}\n"))));
            *failed.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            failed
        })
    }
}

/// The tag between the quotes, without the mark of weakness and without our suffix.
fn opaque(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').trim_end_matches("-gz")
}

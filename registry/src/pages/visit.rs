//! Somebody opens a page: who, in which language, and how are they answered?

use std::{collections::HashMap, convert::Infallible};

use askama::Template;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{Html, IntoResponse as _, Response},
};

use super::{
    frame::{Frame, with},
    lang::{self, Lang},
    words,
};
use crate::api::{Desk, Refused, Said, Seat, blocking};

/// One request for a page.
pub struct Visit {
    /// The registry.
    pub desk: Desk,
    /// Who asks, or why that is not known.
    seat: Result<Seat, Refused>,
    lang: Lang,
    /// The language stands in the address.
    named: bool,
    /// Parameters other than `lang`, as sent.
    given: Vec<(String, String)>,
    /// What is wrong with the parameters.
    wrong: Option<Said>,
    /// Path and query without `lang`.
    here: String,
}

impl FromRequestParts<Desk> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Infallible> {
        let seat = Seat::from_request_parts(parts, desk).await;
        let all: Vec<(String, String)> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let mut wrong = all
            .iter()
            .enumerate()
            .find(|(at, (name, _))| all.iter().skip(at + 1).any(|(other, _)| other == name))
            .map(|(_, (name, _))| ("error-param-twice", vec![("name", name.clone())]));
        let asked = all.iter().find(|(name, _)| name == "lang").map(|(_, code)| code.clone());
        let named = asked.as_deref().and_then(Lang::named);
        if let Some(code) = asked.filter(|_| named.is_none()) {
            wrong = Some(("error-param-lang", vec![("value", code)]));
        }
        let given: Vec<_> = all.into_iter().filter(|(name, _)| name != "lang").collect();
        let here = given.iter().fold(parts.uri.path().to_owned(), |path, (name, value)| with(&path, name, value));
        let lang = named.or_else(|| remembered(&parts.headers)).unwrap_or_else(|| {
            let accept = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            Lang::preferred(accept.unwrap_or_default())
        });
        Ok(Self { desk: desk.clone(), seat, lang, named: named.is_some(), given, wrong, here })
    }
}

fn remembered(headers: &HeaderMap) -> Option<Lang> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let code = cookies.split(';').map(str::trim).find_map(|pair| pair.strip_prefix(lang::COOKIE)?.strip_prefix('='))?;
    Lang::named(code)
}

/// What a page is made from, away from the reactor.
pub struct Asked {
    /// The registry.
    pub desk: Desk,
    /// Who asks.
    pub seat: Seat,
    /// Parameters by name.
    pub given: HashMap<String, String>,
    frame: Frame,
}

impl Asked {
    /// The page's surroundings, with a title and a place in the navigation. Once a page.
    pub fn frame(&mut self, title: &str, section: &'static str) -> Frame {
        let frame = Frame::new(&self.desk, self.frame.lang, false, String::new(), None);
        std::mem::replace(&mut self.frame, frame).titled(title, section)
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.frame.lang
    }
}

/// A page that is ready to be sent.
pub struct Made {
    status: StatusCode,
    html: String,
}

impl Made {
    /// Writes a template down.
    ///
    /// # Errors
    ///
    /// Where the template fails: never for outside data.
    pub fn of(page: &impl Template) -> Result<Self, Refused> {
        Self::with(StatusCode::OK, page)
    }

    /// The same with a status of its own.
    ///
    /// # Errors
    ///
    /// As [`Made::of`].
    pub fn with(status: StatusCode, page: &impl Template) -> Result<Self, Refused> {
        let html = page.render().map_err(|why| Refused::internal(&why))?;
        Ok(Self { status, html })
    }
}

impl Visit {
    /// Answers with a page for readers: signed in, only parameters that are known.
    pub async fn page(
        self,
        known: &[&str],
        make: impl FnOnce(&mut Asked) -> Result<Made, Refused> + Send + 'static,
    ) -> Response {
        let seat = match self.seat.as_ref().map_err(again).and_then(|seat| seat.reads().map(|()| seat.clone())) {
            Ok(seat) => seat,
            Err(why) if why.problem().status == 401 => return self.to_sign_in(),
            Err(why) => return self.refuse(&why),
        };
        if let Err(why) = self.parameters(known) {
            return self.refuse(&why);
        }
        let frame = self.frame_for(Some(&seat));
        let given = self.given.iter().cloned().collect();
        let mut asked = Asked { desk: self.desk.clone(), seat, given, frame };
        match blocking(move || make(&mut asked)).await {
            Ok(made) => self.send(made.status, made.html),
            Err(why) => self.refuse(&why),
        }
    }

    /// The parameters, if no other is given than the known.
    ///
    /// # Errors
    ///
    /// 400, naming the first unknown one.
    pub fn parameters(&self, known: &[&str]) -> Result<HashMap<String, String>, Refused> {
        if let Some(wrong) = &self.wrong {
            return Err(odd(wrong.clone()));
        }
        if let Some((unknown, _)) = self.given.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            let all: Vec<_> = known.iter().copied().chain(["lang"]).collect();
            return Err(odd(("error-param-unknown", vec![("name", unknown.clone()), ("known", all.join(", "))])));
        }
        Ok(self.given.iter().cloned().collect())
    }

    /// True where the visitor may read already.
    pub fn may_read(&self) -> bool {
        self.seat.as_ref().is_ok_and(|seat| seat.reads().is_ok())
    }

    /// A frame for pages that anybody may see.
    pub fn frame(&self) -> Frame {
        self.frame_for(self.seat.as_ref().ok().filter(|seat| seat.reads().is_ok()))
    }

    fn frame_for(&self, seat: Option<&Seat>) -> Frame {
        Frame::new(&self.desk, self.lang, self.named, self.here.clone(), seat)
    }

    /// A problem as a page.
    pub fn refuse(&self, why: &Refused) -> Response {
        let problem = why.problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let page = super::error::ErrorPage::of(self.frame(), why);
        match page.render() {
            Ok(html) => self.send(status, html),
            Err(why) => Refused::internal(&why).into_response(),
        }
    }

    /// Sends a page, and remembers the language where the address names it.
    pub fn send(&self, status: StatusCode, html: String) -> Response {
        let mut answer = (status, Html(html)).into_response();
        if self.named {
            let cookie =
                format!("{}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", lang::COOKIE, self.lang.code());
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                answer.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        answer
    }

    fn to_sign_in(&self) -> Response {
        let mut to = with("/sign-in", "next", &self.here);
        if self.named {
            to = with(&to, "lang", self.lang.code());
        }
        axum::response::Redirect::to(&to).into_response()
    }
}

/// 400, in words of the pages.
pub fn odd((key, args): Said) -> Refused {
    Refused::bad_request(words::plain(Lang::En, key, &args)).said(key, args)
}

/// 404, in words of the pages.
pub fn missing(key: &'static str, what: impl Into<String>) -> Refused {
    let args = vec![("what", what.into())];
    Refused::not_found(words::plain(Lang::En, key, &args)).said(key, args)
}

/// The same refusal once more: it is kept for the answer.
fn again(why: &Refused) -> Refused {
    let problem = why.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Refused::new(status, &problem.code, &problem.title, problem.detail.clone().unwrap_or_default())
}

//! `/sign-in`: a token and a purpose become a cookie. Only where the registry does not listen on loopback.
//!
//! The cookie is the token itself: HttpOnly, Secure, SameSite=Strict, gone with the browser's session. A form from elsewhere is refused by
//! what the browser says of its origin: `Sec-Fetch-Site`, or `Origin` where that is absent. (Pages send no referrer, so browsers
//! state `Origin: null`, which counts as elsewhere unless `Sec-Fetch-Site` vouches.)

use askama::Template;
use axum::{
    Form,
    extract::FromRequestParts as _,
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use serde::Deserialize;

use super::{frame::Frame, visit::Visit};
use crate::api::{COOKIE, Refused, Seat};

/// Longest purpose, in characters.
const PURPOSE: usize = 200;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    f: Frame,
    next: String,
    purpose: String,
    wrong: Option<String>,
}

/// The form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    token: String,
    purpose: String,
    #[serde(default)]
    next: String,
    /// Language, where the form's page was asked for in one by name.
    #[serde(default)]
    lang: String,
}

pub async fn form(visit: Visit) -> Response {
    let given = match visit.parameters(&["next"]) {
        Ok(given) => given,
        Err(why) => return visit.refuse(&why),
    };
    let next = local(given.get("next").map_or("/", String::as_str));
    if visit.may_read() {
        return Redirect::to(&next).into_response();
    }
    show(&visit, StatusCode::OK, next, String::new(), None)
}

fn show(visit: &Visit, status: StatusCode, next: String, purpose: String, wrong: Option<&str>) -> Response {
    let f = visit.frame().titled("sign-in-title", "");
    let page = SignInPage { wrong: wrong.map(|key| f.t(key)), f, next, purpose };
    match page.render() {
        Ok(html) => visit.send(status, html),
        Err(why) => Refused::internal(&why).into_response(),
    }
}

/// A path of this registry; anything else becomes `/`, so that signing in never leads elsewhere.
fn local(next: &str) -> String {
    let fits =
        next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') && !next.chars().any(char::is_control);
    let fits = fits && HeaderValue::from_str(next).is_ok();
    if fits && !next.starts_with("/sign-") { next.to_owned() } else { "/".to_owned() }
}

fn comes_from_here(headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), header("origin"), header("host")) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        _ => false,
    }
}

pub async fn enter(visit: Visit, headers: HeaderMap, Form(given): Form<Given>) -> Response {
    if !comes_from_here(&headers) {
        return visit.refuse(&Refused::forbidden("this form was not sent from a page of this registry"));
    }
    let next = local(&given.next);
    let next = if super::lang::Lang::named(&given.lang).is_some() {
        super::frame::with(&next, "lang", &given.lang)
    } else {
        next
    };
    let purpose: String = given.purpose.trim().chars().filter(|c| !c.is_control()).take(PURPOSE).collect();
    let token = given.token.trim();
    if purpose.is_empty() {
        return show(&visit, StatusCode::BAD_REQUEST, next, purpose, Some("sign-in-no-purpose"));
    }
    let fits = !token.is_empty()
        && token.len() <= 200
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if !fits || !opens(&visit, token).await {
        return show(&visit, StatusCode::UNAUTHORIZED, next, purpose, Some("sign-in-wrong-token"));
    }
    let encoded: String = url::form_urlencoded::byte_serialize(purpose.as_bytes()).collect();
    let secure = if visit.desk.is_local() { "" } else { "; Secure" };
    with_cookie(
        Redirect::to(&next).into_response(),
        &format!("{COOKIE}={token}~{encoded}; Path=/; HttpOnly; SameSite=Strict{secure}"),
    )
}

/// True where a token of that name may read.
async fn opens(visit: &Visit, token: &str) -> bool {
    let Ok(request) = Request::builder().header(header::AUTHORIZATION, format!("Bearer {token}")).body(()) else {
        return false;
    };
    let (mut parts, ()) = request.into_parts();
    Seat::from_request_parts(&mut parts, &visit.desk).await.is_ok_and(|seat| seat.reads().is_ok())
}

pub async fn leave(visit: Visit, headers: HeaderMap) -> Response {
    if !comes_from_here(&headers) {
        return visit.refuse(&Refused::forbidden("this form was not sent from a page of this registry"));
    }
    with_cookie(
        Redirect::to("/sign-in").into_response(),
        &format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"),
    )
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        assert_eq!(local("/record/3.4?lang=fr"), "/record/3.4?lang=fr");
        for elsewhere in
            ["//example.org", "https://example.org/", "/\\example.org", "javascript:alert(1)", "", "/\n", "/sign-in"]
        {
            assert_eq!(local(elsewhere), "/", "{elsewhere}");
        }
    }

    #[test]
    fn forms_from_elsewhere_are_known() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value))).collect();
            comes_from_here(&headers)
        };
        assert!(check(&[("sec-fetch-site", "same-origin"), ("origin", "null"), ("host", "vigie.example.org")]));
        assert!(check(&[("origin", "https://vigie.example.org"), ("host", "vigie.example.org")]));
        assert!(!check(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://vigie.example.org"),
            ("host", "vigie.example.org")
        ]));
        assert!(!check(&[("origin", "https://example.net"), ("host", "vigie.example.org")]));
        assert!(!check(&[("origin", "null"), ("host", "vigie.example.org")]));
        assert!(!check(&[("host", "vigie.example.org")]));
    }
}

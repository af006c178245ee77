//! Who is asking, in which role?
//!
//! Tokens are random; only their SHA-256 is kept. On a loopback listener whoever reaches the machine may read and hand in signed
//! statements without a token: what changes anything is signed anyway.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use jiff::Timestamp;
use schemas::Digest;

use super::{Desk, Refused};
use crate::core::store::{AuditRow, Store as _};

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Fetches the policy.
    Agent,
    /// Searches and reads records.
    Analyst,
    /// Reads everything, evidence and log included. Never narrowed by operators without a trace.
    Reviewer,
    /// Reads the log.
    Witness,
    /// Hands in statements, sees the state of the service.
    Admin,
    /// On the machine itself, over loopback.
    Local,
}

impl Role {
    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "agent" => Self::Agent,
            "analyst" => Self::Analyst,
            "reviewer" => Self::Reviewer,
            "witness" => Self::Witness,
            "admin" => Self::Admin,
            _ => return None,
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Analyst => "analyst",
            Self::Reviewer => "reviewer",
            Self::Witness => "witness",
            Self::Admin => "admin",
            Self::Local => "local",
        }
    }
}

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Name of the token; `local` without one.
    pub name: String,
    /// Role; none where nobody is signed in.
    pub role: Option<Role>,
    /// What for, as chosen at sign-in or sent as `Vigie-Purpose`.
    pub purpose: Option<String>,
}

impl Seat {
    /// Lets only these roles pass; [`Role::Local`] always passes.
    ///
    /// # Errors
    ///
    /// 401 without a token, 403 with one of another role.
    pub fn one_of(&self, roles: &[Role]) -> Result<(), Refused> {
        match self.role {
            None => Err(Refused::unauthorised()),
            Some(role) if role == Role::Local || roles.contains(&role) => Ok(()),
            Some(role) => {
                let wanted: Vec<_> = roles.iter().map(|role| role.word()).collect();
                Err(Refused::forbidden(format!(
                    "this needs the role {}; the token `{}` has {}",
                    wanted.join(" or "),
                    self.name,
                    role.word()
                )))
            }
        }
    }

    /// May read records.
    ///
    /// # Errors
    ///
    /// As [`Seat::one_of`].
    pub fn reads(&self) -> Result<(), Refused> {
        self.one_of(&[Role::Analyst, Role::Reviewer])
    }

    /// Writes down that content was read.
    ///
    /// # Errors
    ///
    /// Where the row cannot be written: then nothing is shown either.
    pub fn audit(&self, desk: &Desk, act: &str, detail: &str) -> Result<(), Refused> {
        let row = AuditRow {
            at: Timestamp::now(),
            who: self.name.clone(),
            role: self.role.map_or("none", Role::word).to_owned(),
            act: act.to_owned(),
            purpose: self.purpose.clone(),
            detail: detail.chars().take(2_000).collect(),
        };
        desk.store().audit(&row).map_err(|why| Refused::internal(&why))
    }
}

/// Name of the cookie that holds token and purpose; the pages set it.
pub const COOKIE: &str = "vigie";

fn token_of(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        return Some((token.trim().to_owned(), None));
    }
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let value = cookies.split(';').map(str::trim).find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='))?;
    // token~purpose, the purpose percent-encoded.
    let (token, purpose) = value.split_once('~').unwrap_or((value, ""));
    let purpose =
        url::form_urlencoded::parse(format!("p={purpose}").as_bytes()).next().map(|(_, value)| value.into_owned());
    Some((token.to_owned(), purpose.filter(|purpose| !purpose.is_empty())))
}

impl FromRequestParts<Desk> for Seat {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, Refused> {
        let stated = parts.headers.get("vigie-purpose").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some((token, chosen)) = token_of(&parts.headers) else {
            let role = desk.is_local().then_some(Role::Local);
            return Ok(Self { name: "local".to_owned(), role, purpose: stated });
        };
        let hash = Digest::of(token.as_bytes());
        let known = desk.store().token(&hash).map_err(|why| Refused::internal(&why))?;
        let now = Timestamp::now();
        match known {
            Some(token) if token.revoked_at.is_none() && token.expires_at.is_none_or(|end| end > now) => {
                let role = Role::named(&token.role)
                    .ok_or_else(|| Refused::forbidden(format!("the token's role `{}` is not known", token.role)))?;
                Ok(Self { name: token.name, role: Some(role), purpose: stated.or(chosen) })
            }
            _ => Err(Refused::unauthorised()),
        }
    }
}

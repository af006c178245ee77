//! How the interface says no.

use std::any::Any;

use axum::{
    Json,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use schemas::problem::Problem;

use crate::core::RegistryError;

/// An answer that is an error.
#[derive(Debug)]
pub struct Refused {
    problem: Box<Problem>,
    /// How pages say the detail in the language of the page.
    said: Option<Said>,
}

/// A message of the pages with its arguments.
pub type Said = (&'static str, Vec<(&'static str, String)>);

impl Refused {
    /// A problem with its status, stable code, title and detail.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self::of(Problem {
            kind: format!("urn:vigie:problem:{code}"),
            code: code.to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: Some(detail.into()),
            instance: None,
        })
    }

    /// A problem as the core words it.
    #[must_use]
    pub fn of(problem: Problem) -> Self {
        Self { problem: Box::new(problem), said: None }
    }

    /// The same, with the message by which pages say its detail.
    #[must_use]
    pub fn said(mut self, key: &'static str, args: Vec<(&'static str, String)>) -> Self {
        self.said = Some((key, args));
        self
    }

    /// The message by which pages say the detail; none where it is quoted in English.
    #[must_use]
    pub fn words(&self) -> Option<&Said> {
        self.said.as_ref()
    }

    /// 400: the request is not understood.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "the request is not understood", detail)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing", detail)
    }

    /// 401: nobody is signed in.
    #[must_use]
    pub fn unauthorised() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign_in",
            "a token is needed",
            "send `Authorization: Bearer TOKEN`; an administrator makes one with `vigie token new`",
        )
    }

    /// 403: somebody, but not with this role.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "your role does not allow this", detail)
    }

    /// 500: it failed here; the log of the server holds the rest.
    #[must_use]
    pub fn internal(why: &dyn std::fmt::Display) -> Self {
        let id = uuid::Uuid::new_v4();
        tracing::error!(%id, "request failed: {why}");
        let mut refused = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "this failed in the registry",
            format!("quote the id {id}: the server's log says more"),
        );
        refused.problem.instance = Some(id.to_string());
        refused
    }

    /// The problem.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self.problem)).into_response()
    }
}

/// What the registry's core refused, as a problem.
pub(super) fn registry_refused(why: &RegistryError) -> Refused {
    let refused = |status, code, title| Refused::new(status, code, title, chain(why));
    match why {
        _ if why.is_full() => refused(StatusCode::INSUFFICIENT_STORAGE, "disk_full", "the registry's disk is full"),
        RegistryError::Policy(_) | RegistryError::Statement { .. } => {
            refused(StatusCode::UNPROCESSABLE_ENTITY, "statement_refused", "the statement does not stand")
        }
        RegistryError::Refused { .. } => refused(StatusCode::CONFLICT, "refused", "this can't be done now"),
        other => Refused::internal(&chain(other)),
    }
}

/// An error with its sources, in one line.
pub(super) fn chain(why: &dyn std::error::Error) -> String {
    let mut out = why.to_string();
    let mut source = why.source();
    while let Some(inner) = source {
        out.push_str(": ");
        out.push_str(&inner.to_string());
        source = inner.source();
    }
    out
}

/// Runs work that reads disk or database away from the reactor.
///
/// # Errors
///
/// What the work says; [`Refused::internal`] where it panicked.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(why) => Err(Refused::internal(&why)),
    }
}

/// 404 for whatever no route takes.
pub async fn unknown_path(uri: Uri) -> Refused {
    Refused::not_found(format!("`{}` is no path of this registry; /v1/openapi.json lists them", uri.path()))
}

/// 500 where a handler panicked.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Refused::internal(&"a handler panicked").into_response()
}

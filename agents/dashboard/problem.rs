//! What went wrong with a request, as an RFC 9457 problem document.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use p7_bus::{ApplyError, AskError};
use p7_core::vocabulary::shortened;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// The media type of a problem document.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Longest detail, in bytes: it may repeat what the request said.
const DETAIL_LIMIT: usize = 600;
/// Most faults of a configuration that are told: nobody mends more in one go.
const FAULTS_LIMIT: usize = 200;
/// When a client may try again after "busy", in seconds.
const RETRY_AFTER_S: &str = "2";

/// A problem document (RFC 9457): why a request was not served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem: a stable name, `urn:p7:problem:NAME`.
    #[serde(rename = "type")]
    #[schema(example = "urn:p7:problem:not-found")]
    kind: String,
    /// The kind in words.
    #[schema(example = "not found")]
    title: &'static str,
    /// The status code again.
    #[schema(value_type = u16, minimum = 400, maximum = 599, example = 404)]
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    /// What is wrong with this request, and what to do.
    #[schema(value_type = String, example = "there is no service `shopp`")]
    detail: Box<str>,
    /// The path that was asked for.
    #[schema(value_type = String, example = "/api/v1/services/shopp")]
    instance: Box<str>,
    /// Everything that is wrong with a configuration, a line each; absent where there is none.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    faults: Box<[String]>,
    /// Headers that go with it.
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:p7:problem:{kind}"),
            title,
            status,
            detail: shortened(&detail.into(), DETAIL_LIMIT).into(),
            instance: Box::default(),
            faults: Box::default(),
            headers: Vec::new(),
        }
    }

    /// The request can't be understood.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "bad request", detail)
    }

    /// A query parameter is wrong.
    pub(crate) fn bad_parameter(name: &str, detail: impl fmt::Display) -> Self {
        let detail = format!("query parameter `{name}`: {detail}");
        Self::new(StatusCode::BAD_REQUEST, "bad-parameter", "bad query parameter", detail)
    }

    /// The body is not the JSON that was asked for.
    pub(crate) fn bad_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-body", "bad request body", detail)
    }

    /// The token is missing or wrong.
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "admin token needed", detail)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"p7\""))
    }

    /// Nobody may do this from there.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "not allowed", detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "not found", detail)
    }

    /// The path exists but not with this method; `allow` lists those it has.
    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "method not allowed",
            format!("this path takes only {allow}"),
        )
        .with(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// The body took too long to arrive.
    pub(crate) fn timeout(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "request too slow", detail)
    }

    /// It can't be done as things are.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "not possible now", detail)
    }

    /// The body is larger than `limit` bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "request body too large",
            format!("the body is larger than {limit} bytes; shorten it"),
        )
    }

    /// The body is of another type.
    pub(crate) fn unsupported_type(kinds: &[&'static str]) -> Self {
        let (kinds, what) = (kinds.join("` or `"), if kinds.len() > 1 { "the text" } else { "JSON" });
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-type",
            "unsupported content type",
            format!("send {what} with the header `Content-Type: {kinds}`"),
        )
    }

    /// The `Host` is none of this node's.
    pub(crate) fn misdirected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", "not this host", detail)
    }

    /// Well-formed, but it makes no sense.
    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", "makes no sense", detail)
    }

    /// Not now; try again.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not available now", detail)
            .with(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S))
    }

    /// Our fault.
    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "internal error", detail)
    }

    /// For an answer the server library made by itself.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self::new(status, "http", "request not served", status.canonical_reason().unwrap_or("refused"))
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The document as an answer to a request of `path`.
    pub(crate) fn answer(mut self, path: &str) -> HttpResponse {
        self.instance = shortened(path, DETAIL_LIMIT).into();
        let mut response = HttpResponse::build(self.status);
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON)).json(self)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.clone().answer("")
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let detail = error.to_string();
        match error {
            AskError::NotFound { .. } => Self::not_found(detail),
            AskError::Conflict(_) => Self::conflict(detail),
            AskError::Invalid(_) => Self::unprocessable(detail),
            AskError::Busy | AskError::Unavailable(_) => Self::unavailable(detail),
        }
    }
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Ask(error) => error.into(),
            ApplyError::Faulty(mut faults) => {
                let count = faults.len();
                faults.truncate(FAULTS_LIMIT);
                let s = if count == 1 { "" } else { "s" };
                let detail = format!("the configuration has {count} fault{s}; nothing was changed");
                Self { faults: faults.into(), ..Self::unprocessable(detail) }
            }
        }
    }
}

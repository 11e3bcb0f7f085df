//! What a request gets: JSON, or a refusal in Matrix' form with the code that bridgev2 has for it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tracing::warn;

use crate::control::Error;

/// What a request gets.
pub(super) type Answer = Result<Json<Value>, Refused>;

/// A no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    errcode: &'static str,
    error: String,
}

impl Refused {
    fn new(status: StatusCode, errcode: &'static str, error: impl Into<String>) -> Self {
        Self { status, errcode, error: error.into() }
    }

    /// No token was shown.
    pub(super) fn missing_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN", "Missing auth token")
    }

    /// The token opens nothing.
    pub(super) fn unknown_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", "Invalid auth token")
    }

    /// This person may not do that.
    pub(super) fn forbidden(error: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "M_FORBIDDEN", error)
    }

    /// Something in the address of the request is not as it has to be.
    pub(super) fn invalid(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_INVALID_PARAM", error)
    }

    /// The body is no JSON.
    pub(super) fn not_json() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_NOT_JSON", "The body is not JSON")
    }

    /// The body is JSON of another form.
    pub(super) fn bad_json(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_BAD_JSON", error)
    }

    /// The body is too long.
    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", "The body is too long")
    }

    /// The body does not come.
    pub(super) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "M_UNKNOWN", "The body takes too long")
    }

    /// There is no such login, process, or person.
    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "M_NOT_FOUND", [what, " not found"].concat())
    }

    /// There is no such endpoint, flow or kind of step.
    pub(super) fn unrecognized(status: StatusCode, error: &str) -> Self {
        Self::new(status, "M_UNRECOGNIZED", error)
    }

    /// The login is at another step.
    pub(super) fn bad_state(error: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "M_BAD_STATE", error)
    }

    /// Too much at once.
    pub(super) fn limited(error: &str) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED", error)
    }

    /// The account is not connected now.
    pub(super) fn not_logged_in() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "FI.MAU.NOT_LOGGED_IN", "Not logged in")
    }

    /// Somebody ended the login.
    pub(super) fn cancelled() -> Self {
        Self::new(StatusCode::GONE, "FI.MAU.BRIDGE.LOGIN_CANCELLED", "Login process was cancelled")
    }

    /// The login took too long.
    pub(super) fn timed_out() -> Self {
        Self::new(StatusCode::GONE, "FI.MAU.BRIDGE.LOGIN_TIMED_OUT", "Login process timed out")
    }

    /// The login is over.
    pub(super) fn finished() -> Self {
        Self::new(StatusCode::GONE, "FI.MAU.BRIDGE.LOGIN_ALREADY_FINISHED", "Login process was already finished")
    }

    /// The bridge is about to start.
    pub(super) fn not_ready() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN", "The bridge is starting")
    }

    /// Something that nobody here can help.
    pub(super) fn failed(error: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN", error)
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        let error = error.into();
        warn!(%error, "a request for provisioning could not be answered");
        Self::failed(error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "errcode": self.errcode, "error": self.error }))).into_response()
    }
}

/// Yes.
pub(super) fn done() -> Json<Value> {
    Json(json!({}))
}

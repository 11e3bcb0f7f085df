//! What can go wrong with the homeserver, and what to do next.

use std::error::Error as StdError;
use std::time::Duration;

use matrix_sdk::HttpError;
use matrix_sdk::ruma::api::client::uiaa::UiaaResponse;
use matrix_sdk::ruma::api::error::{Error as ApiError, ErrorBody, ErrorKind, FromHttpResponseError, RetryAfter};

/// A wait after which the homeserver may well be back.
const SOON: Duration = Duration::from_secs(1);
/// A wait for what only a person can repair, such as a wrong token: nothing is given up meanwhile.
const LATER: Duration = Duration::from_secs(30);
/// The wait when the homeserver limits us and does not say for how long.
const LIMITED: Duration = Duration::from_secs(5);
/// A homeserver's own words are cut after this many characters.
const MESSAGE_CHARS: usize = 200;

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try the same again after this wait; back off from there.
    Retry(Duration),
    /// It will never work as it is.
    GiveUp,
}

/// What went wrong, with the evidence. One error speaks of one attempt.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot work.
    #[error("{0}")]
    Settings(String),
    /// The request never reached the homeserver: it certainly had no effect.
    #[error("{request}: the homeserver cannot be reached ({why})")]
    Unreachable {
        /// What was asked.
        request: &'static str,
        /// The cause.
        why: String,
    },
    /// The request left and no answer came: it may have had its effect.
    #[error("{request}: no answer from the homeserver ({why})")]
    NoAnswer {
        /// What was asked.
        request: &'static str,
        /// The cause.
        why: String,
    },
    /// The homeserver said yes in words that could not be understood: the request may have had its effect.
    #[error("{request}: the homeserver's answer was not understood ({why})")]
    Unintelligible {
        /// What was asked.
        request: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The homeserver, or a proxy before it, said no.
    #[error("{request}: the homeserver refused: {refusal}")]
    Refused {
        /// What was asked.
        request: &'static str,
        /// Its answer.
        refusal: Box<Refusal>,
    },
    /// What was to be sent cannot be put into a request; nothing left.
    #[error("{request}: this cannot be sent ({why})")]
    Unsendable {
        /// What was asked.
        request: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// A homeserver's no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("HTTP {status} {} {message:?}", code.as_deref().unwrap_or("without errcode"))]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `M_FORBIDDEN` and the like; none when a proxy answered instead of a homeserver.
    pub code: Option<String>,
    /// The homeserver's own words, cut; empty when it had none.
    pub message: String,
    /// How long it wants us to wait.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// Reads what the SDK reports about one attempt at `request`.
    pub(crate) fn of(request: &'static str, error: &HttpError) -> Self {
        match error {
            HttpError::Reqwest(error) if error.is_connect() => Self::Unreachable { request, why: cause(error) },
            HttpError::Reqwest(error) if error.is_builder() => Self::Unsendable { request, why: cause(error) },
            HttpError::Reqwest(error) => Self::NoAnswer { request, why: cause(error) },
            HttpError::Api(error) => match error.as_ref() {
                FromHttpResponseError::Server(UiaaResponse::MatrixError(error)) => {
                    Self::Refused { request, refusal: Box::new(Refusal::of(error)) }
                }
                FromHttpResponseError::Server(_) => {
                    Self::Refused { request, refusal: Box::new(Refusal::interactive()) }
                }
                FromHttpResponseError::Deserialization(why) => Self::Unintelligible { request, why: why.to_string() },
                _ => Self::Unintelligible { request, why: cause(error) },
            },
            HttpError::Cached(error) => Self::of(request, error),
            HttpError::IntoHttp(why) => Self::Unsendable { request, why: why.to_string() },
            other @ HttpError::RefreshToken(_) => Self::NoAnswer { request, why: cause(other) },
        }
    }

    /// Reads what went wrong with one attempt that was made without the SDK.
    pub(super) fn of_transport(request: &'static str, error: &reqwest::Error) -> Self {
        let why = cause(error);
        if error.is_connect() { Self::Unreachable { request, why } } else { Self::NoAnswer { request, why } }
    }

    /// A no of which only the status is known.
    pub(super) fn of_status(request: &'static str, status: reqwest::StatusCode) -> Self {
        let status = status.as_u16();
        let refusal = Box::new(Refusal { status, code: None, message: String::new(), retry_after: None });
        Self::Refused { request, refusal }
    }

    /// What to do next.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Unintelligible { .. } => Verdict::Retry(SOON),
            Self::Refused { refusal, .. } => refusal.verdict(),
            Self::Settings(_) | Self::Unsendable { .. } => Verdict::GiveUp,
        }
    }

    /// What a request that ended so is counted under.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::NoAnswer { .. } => "lost",
            Self::Refused { refusal, .. } => match refusal.status {
                429 => "limited",
                500.. => "failed",
                _ => "refused",
            },
            Self::Settings(_) | Self::Unintelligible { .. } | Self::Unsendable { .. } => "odd",
        }
    }

    /// Whether the request may have taken effect all the same. Look before sending it again under another name.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Unintelligible { .. } => true,
            Self::Refused { refusal, .. } => refusal.status >= 500,
            Self::Settings(_) | Self::Unreachable { .. } | Self::Unsendable { .. } => false,
        }
    }

    /// The homeserver's no, if that is what it was.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// The homeserver's error code, such as `M_FORBIDDEN`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.refusal()?.code.as_deref()
    }

    /// Whether the user may not do this. [`Error::is_not_in_room`] tells why.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.code() == Some("M_FORBIDDEN")
    }

    /// Whether there is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code() == Some("M_NOT_FOUND")
    }

    /// Whether it was forbidden because the user is not in the room: joining may help.
    ///
    /// The specification has no code for it, so this reads the words of Synapse ("User … not in room …") and
    /// Conduit's heirs ("… not in the room", "… not a member"); other words give `false`.
    #[must_use]
    pub fn is_not_in_room(&self) -> bool {
        let in_words = |refusal: &Refusal| {
            let message = refusal.message.to_lowercase();
            ["not in room", "not in the room", "not a member", "not joined"].iter().any(|words| message.contains(words))
        };
        self.is_forbidden() && self.refusal().is_some_and(in_words)
    }

    /// Whether our token is not, or no longer, known to the homeserver.
    #[must_use]
    pub fn is_token_refused(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.status == 401)
    }
}

impl Refusal {
    fn of(error: &ApiError) -> Self {
        let status = error.status_code.as_u16();
        match &error.body {
            ErrorBody::Standard(body) => Self {
                status,
                code: Some(body.kind.errcode().to_string()),
                message: body.message.chars().take(MESSAGE_CHARS).collect(),
                retry_after: retry_after(&body.kind),
            },
            ErrorBody::Json(json) => {
                let text = |key: &str| json.get(key).and_then(serde_json::Value::as_str);
                Self {
                    status,
                    code: text("errcode").map(str::to_owned),
                    message: text("error").unwrap_or("").chars().take(MESSAGE_CHARS).collect(),
                    retry_after: None,
                }
            }
            ErrorBody::NotJson { .. } => Self { status, code: None, message: String::new(), retry_after: None },
        }
    }

    /// The homeserver asks a person to prove who they are; an application service cannot.
    fn interactive() -> Self {
        Self { status: 401, code: None, message: "interactive authentication".to_owned(), retry_after: None }
    }

    fn verdict(&self) -> Verdict {
        match (self.status, self.code.as_deref()) {
            (_, Some("M_LIMIT_EXCEEDED")) | (429, _) => Verdict::Retry(self.retry_after.unwrap_or(LIMITED)),
            (408 | 500.., _) => Verdict::Retry(SOON),
            // Too large for the homeserver, or for the proxy before it.
            (413, _) => Verdict::GiveUp,
            // A token is repaired by a person. No errcode: a proxy answered, and the homeserver behind it is gone.
            (401, _) | (_, None) => Verdict::Retry(LATER),
            (_, Some(_)) => Verdict::GiveUp,
        }
    }
}

fn retry_after(kind: &ErrorKind) -> Option<Duration> {
    match kind {
        ErrorKind::LimitExceeded(limit) => match limit.retry_after {
            Some(RetryAfter::Delay(delay)) => Some(delay),
            _ => None,
        },
        _ => None,
    }
}

/// The innermost cause: the outer ones repeat the address with its query.
fn cause(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: Option<&str>, message: &str) -> Error {
        let refusal = Refusal { status, code: code.map(str::to_owned), message: message.to_owned(), retry_after: None };
        Error::Refused { request: "send", refusal: Box::new(refusal) }
    }

    fn lost() -> Error {
        Error::NoAnswer { request: "send", why: "connection closed".to_owned() }
    }

    #[test]
    fn every_error_says_what_to_do_and_whether_it_may_have_worked() {
        let unreachable = Error::Unreachable { request: "send", why: "refused".to_owned() };
        let cases = [
            (unreachable, Verdict::Retry(SOON), false),
            (lost(), Verdict::Retry(SOON), true),
            (refused(502, None, ""), Verdict::Retry(SOON), true),
            (refused(500, Some("M_UNKNOWN"), "Internal server error"), Verdict::Retry(SOON), true),
            (refused(429, Some("M_LIMIT_EXCEEDED"), "slow down"), Verdict::Retry(LIMITED), false),
            (refused(401, Some("M_UNKNOWN_TOKEN"), ""), Verdict::Retry(LATER), false),
            (refused(404, None, ""), Verdict::Retry(LATER), false),
            (refused(413, None, ""), Verdict::GiveUp, false),
            (refused(403, Some("M_FORBIDDEN"), ""), Verdict::GiveUp, false),
            (refused(404, Some("M_NOT_FOUND"), ""), Verdict::GiveUp, false),
            (Error::Settings("no".to_owned()), Verdict::GiveUp, false),
        ];
        for (error, verdict, ambiguous) in cases {
            assert_eq!((error.verdict(), error.is_ambiguous()), (verdict, ambiguous), "{error}");
        }
    }

    #[test]
    fn forbidden_tells_whether_joining_may_help() {
        let away = refused(403, Some("M_FORBIDDEN"), "User @qq_1:hs not in room !r:hs (None)");
        let weak = refused(403, Some("M_FORBIDDEN"), "You don't have permission to post that to the room");
        assert!(away.is_forbidden() && away.is_not_in_room());
        assert!(weak.is_forbidden() && !weak.is_not_in_room());
    }

    #[test]
    fn it_prints_the_evidence() {
        let text = refused(403, Some("M_FORBIDDEN"), "no").to_string();
        assert_eq!(text, r#"send: the homeserver refused: HTTP 403 M_FORBIDDEN "no""#);
    }
}

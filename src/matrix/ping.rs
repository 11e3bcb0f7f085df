//! `POST /_matrix/client/v1/appservice/{id}/ping`: can the homeserver reach us, and with the right token?
//!
//! Ask once the listener is bound. It also ends the wait of a Synapse that saw us down and backs off up to 512 s.

use std::time::Duration;

use matrix_sdk::HttpError;
use matrix_sdk::ruma::OwnedTransactionId;
use matrix_sdk::ruma::api::client::appservice::request_ping;
use matrix_sdk::ruma::api::error::ErrorKind;

use super::act_as::ActAs;
use super::client::Homeserver;
use super::error::Error;

/// The homeserver itself waits for us, so this is longer than its own patience.
const PATIENCE: Duration = Duration::from_secs(70);

/// Which link of the chain is broken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PingError {
    /// The homeserver does not know our `as_token`.
    #[error("the homeserver does not know our as_token: it has no registration of ours, or another one")]
    TokenRefused,
    /// The homeserver knows our token under another id.
    #[error("the homeserver knows our as_token, but not under the id in appservice.id")]
    WrongId,
    /// The registration has no `url`.
    #[error("the registration at the homeserver has no url")]
    NoUrl,
    /// The homeserver found nobody at the registration's `url`.
    #[error("the homeserver cannot reach us at the url in its registration")]
    CannotReachUs,
    /// We refused the homeserver's token.
    #[error("the homeserver reached us with another hs_token than ours (we answered HTTP {status})")]
    HsTokenWrong {
        /// What we answered, 401 or 403.
        status: u16,
    },
    /// Something at that url answered, and not as we do.
    #[error("something answered the homeserver at our url, but not as we do (HTTP {0:?})")]
    SomebodyElse(Option<u16>),
    /// The homeserver is older than Matrix 1.7 and cannot ping.
    #[error("the homeserver cannot ping application services (it is older than Matrix 1.7)")]
    Unsupported,
    /// It did not come to the question.
    #[error(transparent)]
    Homeserver(Error),
}

impl Homeserver {
    /// Has the homeserver call us back with `transaction_id`. Tells how long that took.
    pub async fn ping(&self, transaction_id: &str) -> Result<Duration, PingError> {
        let mut request = request_ping::v1::Request::new(self.appservice_id().to_owned());
        request.transaction_id = Some(OwnedTransactionId::from(transaction_id));
        let answer = self.attempt(ActAs::service(request), PATIENCE).await;
        answer.map(|answer| answer.duration).map_err(|error| PingError::of(&error))
    }
}

impl PingError {
    fn of(error: &HttpError) -> Self {
        match error.client_api_error_kind() {
            Some(ErrorKind::UnknownToken(_) | ErrorKind::MissingToken) => Self::TokenRefused,
            Some(ErrorKind::Forbidden) => Self::WrongId,
            Some(ErrorKind::UrlNotSet) => Self::NoUrl,
            Some(ErrorKind::ConnectionFailed | ErrorKind::ConnectionTimeout) => Self::CannotReachUs,
            Some(ErrorKind::BadStatus(answer)) => match answer.status.map(|status| status.as_u16()) {
                Some(status @ (401 | 403)) => Self::HsTokenWrong { status },
                status => Self::SomebodyElse(status),
            },
            Some(ErrorKind::Unrecognized) => Self::Unsupported,
            _ => Self::Homeserver(Error::of("ping", error)),
        }
    }
}

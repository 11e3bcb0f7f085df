//! A request wrapper that says for whom the application service acts: bot, ghost, puppet, or itself.

use std::borrow::Cow;

use bytes::BufMut;
use matrix_sdk::ruma::api::auth_scheme::{AppserviceToken, AuthScheme, SendAccessToken};
use matrix_sdk::ruma::api::error::IntoHttpError;
use matrix_sdk::ruma::api::path_builder::VersionHistory;
use matrix_sdk::ruma::api::{AppserviceUserIdentity, Metadata, OutgoingRequest, SupportedVersions};
use matrix_sdk::ruma::{OwnedUserId, UserId};

use crate::base::Secret;

/// Any client-API request, with `user_id=` in its query when it is sent for a user.
#[derive(Clone, Debug)]
pub struct ActAs<R> {
    request: R,
    user_id: Option<OwnedUserId>,
    /// Shown in the place of our own.
    token: Option<Secret>,
}

impl<R> ActAs<R> {
    /// Sends `request` as `user_id`, who must be the bot or a ghost of ours.
    pub fn user(user_id: &UserId, request: R) -> Self {
        Self { request, user_id: Some(user_id.to_owned()), token: None }
    }

    /// Sends `request` as the application service: the homeserver takes its `sender_localpart` for the user.
    pub fn service(request: R) -> Self {
        Self { request, user_id: None, token: None }
    }

    /// Shows `token` instead of ours.
    #[must_use]
    pub fn by_token(self, token: &Secret) -> Self {
        Self { token: Some(token.clone()), ..self }
    }
}

impl<R: Metadata<PathBuilder = VersionHistory>> Metadata for ActAs<R> {
    const METHOD: http::Method = R::METHOD;
    const RATE_LIMITED: bool = R::RATE_LIMITED;
    type Authentication = AppserviceToken;
    type PathBuilder = VersionHistory;
    const PATH_BUILDER: VersionHistory = R::PATH_BUILDER;
}

impl<R> OutgoingRequest for ActAs<R>
where
    R: OutgoingRequest + Metadata<PathBuilder = VersionHistory>,
    for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
{
    type EndpointError = R::EndpointError;
    type IncomingResponse = R::IncomingResponse;

    fn try_into_http_request<T: Default + BufMut + AsRef<[u8]>>(
        self,
        base_url: &str,
        token: SendAccessToken<'_>,
        versions: Cow<'_, SupportedVersions>,
    ) -> Result<http::Request<T>, IntoHttpError> {
        let token = self.token.as_ref().map_or(token, |own| SendAccessToken::IfRequired(own.expose()));
        let mut request = self.request.try_into_http_request::<T>(base_url, for_appservice(token), versions)?;
        let mut identity = AppserviceUserIdentity::default();
        identity.user_id = self.user_id.as_deref();
        identity.maybe_add_to_uri(request.uri_mut())?;
        Ok(request)
    }
}

/// The SDK offers its token to endpoints that need a user's; `/register` and `ping` take an application service's only.
fn for_appservice(token: SendAccessToken<'_>) -> SendAccessToken<'_> {
    match token {
        SendAccessToken::IfRequired(token) => SendAccessToken::Appservice(token),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::api::MatrixVersion;
    use matrix_sdk::ruma::api::client::account::{register, whoami};
    use matrix_sdk::ruma::user_id;

    use super::*;

    fn built<R>(request: R) -> http::Request<Vec<u8>>
    where
        R: OutgoingRequest + Metadata<PathBuilder = VersionHistory, Authentication = AppserviceToken>,
    {
        let versions = SupportedVersions { versions: [MatrixVersion::V1_1].into(), features: [].into() };
        request
            .try_into_http_request("http://hs", SendAccessToken::IfRequired("as-token"), Cow::Owned(versions))
            .unwrap()
    }

    #[test]
    fn the_user_is_added_to_the_query_and_the_token_to_the_header() {
        let request = built(ActAs::user(user_id!("@qq_1:hs"), whoami::v3::Request::new()));
        assert_eq!(request.uri().query(), Some("user_id=%40qq_1%3Ahs"));
        assert_eq!(request.headers()["authorization"], "Bearer as-token");
    }

    #[test]
    fn a_puppet_shows_a_token_of_its_own_which_is_never_printed() {
        let own = Secret::new("hers");
        let asked = ActAs::service(whoami::v3::Request::new()).by_token(&own);
        assert!(!format!("{asked:?}").contains("hers"));
        let request = built(asked);
        assert_eq!(
            (request.uri().query().unwrap_or(""), request.headers().get("authorization")),
            ("", Some(&"Bearer hers".parse().unwrap()))
        );
        let named = built(ActAs::user(user_id!("@alice:hs"), whoami::v3::Request::new()).by_token(&own));
        assert_eq!(named.uri().query(), Some("user_id=%40alice%3Ahs"));
        assert_eq!(named.headers()["authorization"], "Bearer hers");
    }

    #[test]
    fn the_service_itself_is_no_user_and_still_shows_its_token_to_register() {
        let request = built(ActAs::service(register::v3::Request::new()));
        assert_eq!(request.uri().query().unwrap_or(""), "");
        assert_eq!(request.headers()["authorization"], "Bearer as-token");
    }
}

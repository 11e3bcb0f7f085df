//! The homeserver's client API, as one application service sees it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use matrix_sdk::authentication::matrix::MatrixSession;
use matrix_sdk::config::RequestConfig;
use matrix_sdk::ruma::api::auth_scheme::{AuthScheme, SendAccessToken};
use matrix_sdk::ruma::api::client::account::whoami;
use matrix_sdk::ruma::api::error::FromHttpResponseError;
use matrix_sdk::ruma::api::path_builder::VersionHistory;
use matrix_sdk::ruma::api::{Metadata, OutgoingRequest};
use matrix_sdk::ruma::{OwnedDeviceId, OwnedUserId, UserId};
use matrix_sdk::store::RoomLoadSettings;
use matrix_sdk::{HttpError, SessionMeta, SessionTokens};

use super::act_as::ActAs;
use super::error::Error;
use super::intent::{Intent, Key};
use super::namespace::Namespace;
use crate::base::Secret;
use crate::base::metrics::METRICS;
use crate::config;

/// One attempt may take this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The homeserver that we serve; cheap to clone, and clones share one connection pool.
#[derive(Clone, Debug)]
pub struct Homeserver {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sdk: matrix_sdk::Client,
    namespace: Namespace,
    appservice_id: String,
}

impl Homeserver {
    /// Prepares the connection; asks nothing of the network. Fails, naming the key, when a setting cannot work.
    pub async fn new(homeserver: &config::Homeserver, appservice: &config::AppService) -> Result<Self, Error> {
        let namespace = Namespace::new(homeserver, appservice)?;
        let sdk = connect(&homeserver.address, namespace.bot(), &appservice.as_token).await?;
        let appservice_id = appservice.id.clone();
        Ok(Self { inner: Arc::new(Inner { sdk, namespace, appservice_id }) })
    }

    /// The versions of the specification that the homeserver supports: the cheapest question it answers.
    pub async fn versions(&self) -> Result<Vec<String>, Error> {
        let answer = self.inner.sdk.fetch_server_versions(None).await;
        answer.map(|answer| answer.versions).map_err(|error| Error::of("versions", &error))
    }

    /// Whom the homeserver takes our token for: the registration's `sender_localpart` on the homeserver's own domain.
    pub async fn whoami(&self) -> Result<OwnedUserId, Error> {
        Ok(self.call("whoami", ActAs::service(whoami::v3::Request::new())).await?.user_id)
    }

    /// What time it is there, as it writes it in the header `Date`; none when it does not say.
    pub async fn date(&self) -> Option<String> {
        let answer = self.get(self.url("_matrix", ["client", "versions"])?, PATIENCE).await.ok()?;
        Some(answer.headers().get(reqwest::header::DATE)?.to_str().ok()?.to_owned())
    }

    /// The bot's user id.
    #[must_use]
    pub fn bot_id(&self) -> &UserId {
        self.inner.namespace.bot()
    }

    /// Which users are ours.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    /// See [`Namespace::ghost_id`].
    pub fn ghost_id(&self, contact: &str) -> Result<OwnedUserId, Error> {
        self.inner.namespace.ghost_id(contact)
    }

    /// See [`Namespace::contact_of`].
    #[must_use]
    pub fn contact_of(&self, user_id: &UserId) -> Option<String> {
        self.inner.namespace.contact_of(user_id)
    }

    /// Whether `user_id` is the bot or a ghost.
    #[must_use]
    pub fn is_ours(&self, user_id: &UserId) -> bool {
        self.inner.namespace.is_ours(user_id)
    }

    /// The homeserver, seen as the bot.
    #[must_use]
    pub fn bot(&self) -> Intent {
        self.intent(self.bot_id())
    }

    /// The homeserver, seen as `user_id`, who must be the bot or a ghost.
    #[must_use]
    pub fn intent(&self, user_id: &UserId) -> Intent {
        Intent::new(self.clone(), user_id.to_owned(), Key::Ours)
    }

    /// The homeserver, seen as `user_id`, who is somebody else's or their own: `key` has to open it.
    #[must_use]
    pub fn puppet(&self, user_id: &UserId, key: Key) -> Intent {
        Intent::new(self.clone(), user_id.to_owned(), key)
    }

    /// One attempt at `GET` of `url`, answered by the headers; the rest is read as it comes.
    pub(super) async fn get(&self, url: url::Url, patience: Duration) -> reqwest::Result<reqwest::Response> {
        let (token, begun) = (Secret::new(self.inner.sdk.access_token().unwrap_or_default()), Instant::now());
        let answer = self.get_as(url, &token, patience).await;
        let outcome = match &answer {
            Ok(answer) if answer.status().is_success() => "ok",
            Ok(_) => "refused",
            Err(_) => "lost",
        };
        METRICS.homeserver.ended("download", outcome, begun);
        answer
    }

    /// The same with the access token of somebody else, who is not counted.
    pub(super) async fn get_as(
        &self,
        url: url::Url,
        token: &Secret,
        patience: Duration,
    ) -> reqwest::Result<reqwest::Response> {
        self.inner.sdk.http_client().get(url).bearer_auth(token.expose()).timeout(patience).send().await
    }

    /// `<homeserver>/<path>/<more>`.
    pub(super) fn url(&self, path: &str, more: [&str; 2]) -> Option<url::Url> {
        let mut url = self.inner.sdk.homeserver();
        url.path_segments_mut().ok()?.pop_if_empty().extend(path.split('/')).extend(more);
        Some(url)
    }

    /// The id of our registration.
    pub(super) fn appservice_id(&self) -> &str {
        &self.inner.appservice_id
    }

    /// One attempt at `request`; `name` is what an error calls it.
    pub(super) async fn call<R>(
        &self,
        name: &'static str,
        request: ActAs<R>,
    ) -> Result<<R as OutgoingRequest>::IncomingResponse, Error>
    where
        R: OutgoingRequest + Metadata<PathBuilder = VersionHistory> + Clone + Debug + Send + Sync + 'static,
        for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
        R::IncomingResponse: Send + Sync,
        HttpError: From<FromHttpResponseError<R::EndpointError>>,
    {
        let begun = Instant::now();
        let answer = self.attempt(request, PATIENCE).await.map_err(|error| Error::of(name, &error));
        METRICS.homeserver.ended(name, answer.as_ref().map_or_else(Error::outcome, |_| "ok"), begun);
        answer
    }

    /// [`Homeserver::call`] with its own patience and the SDK's own error.
    pub(super) async fn attempt<R>(
        &self,
        request: ActAs<R>,
        patience: Duration,
    ) -> Result<<R as OutgoingRequest>::IncomingResponse, HttpError>
    where
        R: OutgoingRequest + Metadata<PathBuilder = VersionHistory> + Clone + Debug + Send + Sync + 'static,
        for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
        R::IncomingResponse: Send + Sync,
        HttpError: From<FromHttpResponseError<R::EndpointError>>,
    {
        self.inner.sdk.send(request).with_request_config(once(patience)).await
    }
}

/// No retries: after one, "connection refused" would no longer mean that the request had no effect.
fn once(patience: Duration) -> RequestConfig {
    RequestConfig::new().disable_retry().timeout(patience)
}

async fn connect(address: &str, bot: &UserId, as_token: &Secret) -> Result<matrix_sdk::Client, Error> {
    let wrong = |why: String| Error::Settings(format!("homeserver.address: {address:?} cannot be used ({why})"));
    let url = url::Url::parse(address).map_err(|why| wrong(why.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("it must begin with http:// or https://".to_owned()));
    }
    let sdk = matrix_sdk::Client::builder()
        .homeserver_url(url)
        .user_agent(concat!("matrix-webqq/", env!("CARGO_PKG_VERSION")))
        .request_config(once(PATIENCE))
        .build()
        .await
        .map_err(|why| wrong(why.to_string()))?;
    // The SDK wants a device; the homeserver never hears of it.
    let session = MatrixSession {
        meta: SessionMeta { user_id: bot.to_owned(), device_id: OwnedDeviceId::from("BRIDGE") },
        tokens: SessionTokens { access_token: as_token.expose().to_owned(), refresh_token: None },
    };
    let restored = sdk.matrix_auth().restore_session(session, RoomLoadSettings::default()).await;
    restored.map_err(|why| Error::Settings(format!("appservice.as_token: it cannot be used ({why})")))?;
    Ok(sdk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: &str) -> (config::Homeserver, config::AppService) {
        let homeserver = config::Homeserver { address: address.to_owned(), domain: "hs.test".to_owned() };
        (homeserver, config::AppService { as_token: Secret::new("as-secret"), ..Default::default() })
    }

    #[tokio::test]
    async fn it_is_made_without_a_network_and_prints_no_token() {
        let (homeserver, appservice) = settings("http://127.0.0.1:9");
        let made = Homeserver::new(&homeserver, &appservice).await.unwrap();
        assert_eq!(made.bot().user_id(), "@qqbot:hs.test");
        assert!(!format!("{made:?}").contains("as-secret"));
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_named() {
        for address in ["", "localhost:8008", "ftp://hs", "http://"] {
            let (homeserver, appservice) = settings(address);
            let why = Homeserver::new(&homeserver, &appservice).await.unwrap_err().to_string();
            assert!(why.starts_with("homeserver.address: "), "{address:?}: {why}");
        }
    }
}

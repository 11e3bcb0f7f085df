//! The homeserver as one user sees it: the bot, a ghost or a puppet.

use std::fmt::Debug;
use std::time::Duration;

use matrix_sdk::HttpError;
use matrix_sdk::ruma::api::auth_scheme::{AuthScheme, SendAccessToken};
use matrix_sdk::ruma::api::client::account::register::{self, LoginType};
use matrix_sdk::ruma::api::client::account::whoami;
use matrix_sdk::ruma::api::client::config::{get_global_account_data, set_global_account_data};
use matrix_sdk::ruma::api::client::message::send_message_event;
use matrix_sdk::ruma::api::client::presence::set_presence;
use matrix_sdk::ruma::api::client::profile::{set_avatar_url, set_display_name};
use matrix_sdk::ruma::api::client::push::{RuleKind, delete_pushrule, set_pushrule};
use matrix_sdk::ruma::api::client::receipt::create_receipt;
use matrix_sdk::ruma::api::client::redact::redact_event;
use matrix_sdk::ruma::api::client::room::get_room_event;
use matrix_sdk::ruma::api::client::typing::create_typing_event;
use matrix_sdk::ruma::api::error::FromHttpResponseError;
use matrix_sdk::ruma::api::path_builder::VersionHistory;
use matrix_sdk::ruma::api::{Metadata, OutgoingRequest};
use matrix_sdk::ruma::events::receipt::ReceiptThread;
use matrix_sdk::ruma::presence::PresenceState;
use matrix_sdk::ruma::push::{NewPushRule, NewSimplePushRule};
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{
    EventId, MilliSecondsSinceUnixEpoch, MxcUri, OwnedEventId, OwnedTransactionId, OwnedUserId, RoomId, UInt, UserId,
};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::act_as::ActAs;
use super::client::Homeserver;
use super::error::Error;
use super::event::Event;
use crate::base::Secret;

/// One of our users, acting. Cheap to make and to clone; every call is one attempt at one request.
///
/// Rooms are in [`room`](super::room), uploads in [`media`](super::media), looking for what was sent in
/// [`sent`](super::sent).
#[derive(Clone, Debug)]
pub struct Intent {
    homeserver: Homeserver,
    user_id: OwnedUserId,
    key: Key,
}

/// What lets us act as somebody.
#[derive(Clone, Debug)]
pub enum Key {
    /// They are ours: our own token.
    Ours,
    /// The token of another application service, which may act for them.
    Service(Secret),
    /// A token of their own.
    Personal(Secret),
}

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// They are.
    Online,
    /// They are, and do not look.
    Unavailable,
    /// They are not.
    Offline,
}

impl Intent {
    pub(super) fn new(homeserver: Homeserver, user_id: OwnedUserId, key: Key) -> Self {
        Self { homeserver, user_id, key }
    }

    /// Who acts.
    #[must_use]
    pub fn user_id(&self) -> &UserId {
        &self.user_id
    }

    /// The homeserver behind it.
    #[must_use]
    pub fn homeserver(&self) -> &Homeserver {
        &self.homeserver
    }

    /// Whom the homeserver takes us for.
    pub async fn whoami(&self) -> Result<OwnedUserId, Error> {
        Ok(self.call("whoami", whoami::v3::Request::new()).await?.user_id)
    }

    /// Makes the user exist; fine when it did. Remember that it does: this asks the homeserver each time.
    pub async fn ensure_registered(&self) -> Result<(), Error> {
        let mut request = register::v3::Request::new();
        request.username = Some(self.user_id.localpart().to_owned());
        request.login_type = Some(LoginType::ApplicationService);
        request.inhibit_login = true;
        match self.homeserver.call("register", ActAs::service(request)).await {
            Err(error) if error.code() == Some("M_USER_IN_USE") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Sets the display name everywhere.
    #[expect(deprecated, reason = "its successor needs Matrix 1.16 to mean anything else")]
    pub async fn set_display_name(&self, name: &str) -> Result<(), Error> {
        let request = set_display_name::v3::Request::new(self.user_id.clone(), Some(name.to_owned()));
        self.call("set display name", request).await.map(drop)
    }

    /// Sets the avatar everywhere.
    #[expect(deprecated, reason = "its successor needs Matrix 1.16 to mean anything else")]
    pub async fn set_avatar_url(&self, url: &MxcUri) -> Result<(), Error> {
        let request = set_avatar_url::v3::Request::new(self.user_id.clone(), Some(url.to_owned()));
        self.call("set avatar", request).await.map(drop)
    }

    /// Sends `content` to `room`. May be repeated with the same `txn_id`, and then gives the same event for as long as
    /// the homeserver remembers. Synapse shares `txn_id`s between all our users: make them unique in the room.
    ///
    /// `ts_ms` is the time that the event shall bear. A [`RawValue`] as `content` is passed on as it is.
    pub async fn send(
        &self,
        room: &RoomId,
        event_type: &str,
        content: &(impl Serialize + ?Sized + Sync),
        txn_id: &str,
        ts_ms: Option<i64>,
    ) -> Result<OwnedEventId, Error> {
        let mut request = send_message_event::v3::Request::new_raw(
            room.to_owned(),
            OwnedTransactionId::from(txn_id),
            event_type.into(),
            Raw::from_json(raw("send", content)?),
        );
        request.timestamp = ts_ms.and_then(|ms| UInt::try_from(ms).ok()).map(MilliSecondsSinceUnixEpoch);
        Ok(self.call("send", request).await?.event_id)
    }

    /// One event of a room that the user is in; `None` when there is none, or nothing that can be read.
    pub async fn event(&self, room: &RoomId, event: &EventId) -> Result<Option<Event>, Error> {
        let request = get_room_event::v3::Request::new(room.to_owned(), event.to_owned());
        let found = self.call("event", request).await.map(|answer| answer.event.into_json());
        Ok(value_or_none("event", found)?.and_then(|event| Event::parse(&event.to_string()).ok()))
    }

    /// Takes back `event`. May be repeated with the same `txn_id`.
    pub async fn redact(
        &self,
        room: &RoomId,
        event: &EventId,
        txn_id: &str,
        reason: Option<&str>,
    ) -> Result<OwnedEventId, Error> {
        let mut request =
            redact_event::v3::Request::new(room.to_owned(), event.to_owned(), OwnedTransactionId::from(txn_id));
        request.reason = reason.map(str::to_owned);
        Ok(self.call("redact", request).await?.event_id)
    }

    /// Shows that the user has read up to `event`.
    pub async fn mark_read(&self, room: &RoomId, event: &EventId) -> Result<(), Error> {
        use create_receipt::v3::{ReceiptType, Request};
        let mut request = Request::new(room.to_owned(), ReceiptType::Read, event.to_owned());
        request.thread = ReceiptThread::Unthreaded;
        self.call("mark read", request).await.map(drop)
    }

    /// Shows the user typing for at most `how_long`, or no longer typing.
    pub async fn typing(&self, room: &RoomId, how_long: Option<Duration>) -> Result<(), Error> {
        use create_typing_event::v3::{Request, Typing, TypingInfo};
        let state = how_long.map_or(Typing::No, |how_long| Typing::Yes(TypingInfo::new(how_long)));
        self.call("typing", Request::new(self.user_id.clone(), room.to_owned(), state)).await.map(drop)
    }

    /// Shows the user as online, away or offline, with words of their own. Homeservers forget it after a while.
    pub async fn set_presence(&self, presence: Presence, words: Option<&str>) -> Result<(), Error> {
        let state = match presence {
            Presence::Online => PresenceState::Online,
            Presence::Unavailable => PresenceState::Unavailable,
            Presence::Offline => PresenceState::Offline,
        };
        let mut request = set_presence::v3::Request::new(self.user_id.clone(), state);
        request.status_msg = words.map(str::to_owned);
        self.call("set presence", request).await.map(drop)
    }

    /// The user's account data of `kind`, such as `m.direct`; none when there is none.
    pub async fn account_data(&self, kind: &str) -> Result<Option<Value>, Error> {
        let request = get_global_account_data::v3::Request::new(self.user_id.clone(), kind.into());
        let found = self.call("account data", request).await;
        value_or_none("account data", found.map(|answer| answer.account_data.into_json()))
    }

    /// Replaces the user's account data of `kind`.
    pub async fn set_account_data(&self, kind: &str, content: &Value) -> Result<(), Error> {
        let data = Raw::from_json(raw("set account data", content)?);
        let request = set_global_account_data::v3::Request::new_raw(self.user_id.clone(), kind.into(), data);
        self.call("set account data", request).await.map(drop)
    }

    /// Lets `room` notify the user of nothing but what they are mentioned in.
    pub async fn mute(&self, room: &RoomId) -> Result<(), Error> {
        let rule = NewPushRule::Room(NewSimplePushRule::new(room.to_owned(), Vec::new()));
        self.call("mute", set_pushrule::v3::Request::new(rule)).await.map(drop)
    }

    /// Takes that back; `false` when there was nothing to take back.
    pub async fn unmute(&self, room: &RoomId) -> Result<bool, Error> {
        let request = delete_pushrule::v3::Request::new(RuleKind::Room, room.to_string());
        match self.call("unmute", request).await {
            Err(error) if error.is_not_found() => Ok(false),
            done => done.map(|_| true),
        }
    }

    /// One attempt at `request` as this user.
    pub(super) async fn call<R>(
        &self,
        name: &'static str,
        request: R,
    ) -> Result<<R as OutgoingRequest>::IncomingResponse, Error>
    where
        R: OutgoingRequest + Metadata<PathBuilder = VersionHistory> + Clone + Debug + Send + Sync + 'static,
        for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
        R::IncomingResponse: Send + Sync,
        HttpError: From<FromHttpResponseError<R::EndpointError>>,
    {
        let request = match &self.key {
            Key::Ours => ActAs::user(&self.user_id, request),
            Key::Service(token) => ActAs::user(&self.user_id, request).by_token(token),
            Key::Personal(token) => ActAs::service(request).by_token(token),
        };
        self.homeserver.call(name, request).await
    }
}

/// `content` as JSON text; `request` is what an error calls it.
pub(super) fn raw(request: &'static str, content: &(impl Serialize + ?Sized)) -> Result<Box<RawValue>, Error> {
    to_raw_value(content).map_err(|why| Error::Unsendable { request, why: why.to_string() })
}

/// Turns `M_NOT_FOUND` into nothing, and JSON text into a value.
pub(super) fn value_or_none(
    request: &'static str,
    found: Result<Box<RawValue>, Error>,
) -> Result<Option<Value>, Error> {
    match found {
        Ok(json) => serde_json::from_str(json.get())
            .map(Some)
            .map_err(|why| Error::Unintelligible { request, why: why.to_string() }),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

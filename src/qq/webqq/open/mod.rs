//! Opens envelopes: what was said, by whom and where, in lasting ids.
//!
//! Source: protocol dossier 7.5 and 7.6 (events).

mod around;
mod called;
mod friend;
mod group;
#[cfg(test)]
mod hostile;
mod place;
mod request;
mod said;
mod temporary;

use serde::Deserialize;
use serde_json::Value;

use self::said::Said;
use super::content::{entity, name};
use super::gesture;
use super::network::WebQq;
use super::number::{Account, Uin, integer};
use super::roster::PlaceKind;
use crate::qq::{Envelope, Error, Event};

#[derive(Deserialize)]
struct Item {
    poll_type: String,
    #[serde(default)]
    value: Value,
}

/// What stops a message from being shown.
enum Stop {
    Event(Box<Event>),
    Error(Error),
}

impl From<Event> for Stop {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn unreadable(reason: &str) -> Event {
    Event::Unreadable { reason: reason.to_owned() }
}

fn parked(reason: &str) -> Stop {
    Stop::from(Event::Parked { reason: reason.to_owned(), doubt: None })
}

/// It waits until the owner has settled doubt `number`.
fn in_doubt(number: u32) -> Stop {
    Stop::from(Event::Parked { reason: "it is not certain which chat this is".to_owned(), doubt: Some(number) })
}

impl WebQq {
    /// Opens one envelope.
    pub(super) async fn open_envelope(&self, envelope: &Envelope) -> Result<Event, Error> {
        let Ok(Item { poll_type, value }) = serde_json::from_str(&envelope.body) else {
            return Ok(unreadable("it is not an event of poll2"));
        };
        let opened = match poll_type.as_str() {
            "message" | "sess_message" if temporary::is_temporary(&poll_type, &value) => {
                self.open_temporary_message(envelope, &value).await
            }
            "message" => match Said::read(envelope, &value) {
                Ok(said) => self.open_friend_message(said).await,
                Err(stop) => Err(stop),
            },
            "group_message" => self.open_place_message(PlaceKind::Group, envelope, &value).await,
            "discu_message" => self.open_place_message(PlaceKind::Discussion, envelope, &value).await,
            "group_web_message" => self.open_web_message(envelope, &value).await,
            "kick_message" if self.is_now(&envelope.epoch) => return Ok(kicked(&value)),
            // What ended an earlier login does not end this one.
            "kick_message" => return Ok(Event::Quiet),
            "buddies_status_change" => Ok(self.open_status(envelope, &value)),
            "input_notify" => Ok(self.open_typing(envelope, &value)),
            "buddylist_change" => self.open_list_change(envelope).await,
            "sys_g_msg" => self.open_group_news(envelope, &value).await,
            "system_message" => self.open_system_message(envelope, &value).await,
            _ => match gesture::shown(&poll_type, &value) {
                Some(piece) => {
                    let said = Said { envelope, value: &value, pieces: vec![piece] };
                    self.open_friend_message(said).await
                }
                None if gesture::is_quiet(&poll_type, &value) => Ok(Event::Quiet),
                None => return Ok(Event::Unsupported { kind: poll_type }),
            },
        };
        match opened {
            Ok(event) => Ok(event),
            Err(Stop::Event(event)) => Ok(*event),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    fn is_now(&self, epoch: &str) -> bool {
        epoch == self.link.epoch()
    }
}

fn forgotten_login() -> Stop {
    parked("it came in an earlier login, whose numbers nobody knows any more")
}

fn kicked(value: &Value) -> Event {
    Event::SignedOut { reason: entity::decode(text(value, "reason").unwrap_or_default()) }
}

/// A field as a name, decoded.
fn named(value: &Value, field: &str) -> String {
    text(value, field).map(name::decode).unwrap_or_default()
}

/// A field as an integer.
fn number(value: &Value, field: &str) -> Option<i64> {
    value.get(field).and_then(integer)
}

/// A field as the number of a person, or of anything else.
fn uin(value: &Value, field: &str) -> Option<Uin> {
    number(value, field).and_then(|number| u64::try_from(number).ok()).map(Uin)
}

/// A field as the real number of what is called `pseudonym` in this login.
fn account(value: &Value, field: &str, pseudonym: u64) -> Option<Account> {
    uin(value, field).and_then(|Uin(number)| Account::told(number, pseudonym))
}

/// A field as text.
fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

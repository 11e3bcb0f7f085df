//! What the homeserver pushes: taken apart just enough to be put on disk, one transaction at a time, each once.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::server::{Sink, SinkError};

/// Transactions that are remembered as done.
const REMEMBERED: usize = 64;
/// Ephemeral events, and what Synapse before 1.156 calls them. Newer ones may send both, with the same content.
const EPHEMERAL: [&str; 2] = ["ephemeral", "de.sorunome.msc2409.ephemeral"];

/// One `PUT /transactions/{txnId}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The homeserver's id for it. It may be used again for another one: Synapse counts from 1 after a restart.
    pub id: String,
    /// What happened, in order. The same event may come in another transaction as well.
    pub events: Vec<Incoming>,
    /// Typing, receipts and presence as JSON text, which nobody misses when they are lost.
    pub ephemeral: Vec<String>,
}

/// One event, unopened. What it lacks is empty; only `event_id` and `body` never are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The event's id; made from its bytes when it has none that can be read.
    pub event_id: String,
    /// The room.
    pub room_id: String,
    /// Who sent it: enough to pass over our own users' events before they cost anything.
    pub sender: String,
    /// The event as it came, JSON text.
    pub body: String,
}

/// A body that is not JSON.
#[derive(Debug, thiserror::Error)]
#[error("the transaction is not JSON")]
pub struct NotJson;

impl Transaction {
    /// Takes `body` apart. No event, however broken, makes it fail: the homeserver would push it again for ever, and
    /// nothing behind it would arrive.
    pub fn parse(id: &str, body: &[u8]) -> Result<Self, NotJson> {
        let whole: &RawValue = serde_json::from_slice(body).map_err(|_| NotJson)?;
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(whole.get()).unwrap_or_default();
        let ephemeral = EPHEMERAL.iter().find_map(|name| fields.get(*name)).map(|raw| items(raw)).unwrap_or_default();
        Ok(Self {
            id: id.to_owned(),
            events: fields
                .get("events")
                .map(|raw| items(raw))
                .unwrap_or_default()
                .into_iter()
                .map(Incoming::of)
                .collect(),
            ephemeral: ephemeral.into_iter().map(|raw| raw.get().to_owned()).collect(),
        })
    }
}

/// The items of a list; what should be a list and is none is its own only item.
fn items(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| vec![raw])
}

#[derive(Default, Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    event_id: Cow<'a, str>,
    #[serde(borrow, default)]
    room_id: Cow<'a, str>,
    #[serde(borrow, default)]
    sender: Cow<'a, str>,
}

impl Incoming {
    pub(super) fn of(raw: &RawValue) -> Self {
        let body = raw.get();
        let head = serde_json::from_str(body).unwrap_or_else(|_| Head::of_broken(body));
        let event_id = if head.event_id.is_empty() { id_from(body) } else { head.event_id.into_owned() };
        let (room_id, sender) = (head.room_id.into_owned(), head.sender.into_owned());
        Self { event_id, room_id, sender, body: body.to_owned() }
    }
}

impl Head<'_> {
    /// Whatever can be read of an event whose fields have wrong types.
    fn of_broken(body: &str) -> Self {
        let event: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |key| Cow::Owned(event.get(key).and_then(Value::as_str).unwrap_or_default().to_owned());
        Self { event_id: text("event_id"), room_id: text("room_id"), sender: text("sender") }
    }
}

/// An id for an event without one: the same bytes get the same id, so that it too is taken once.
fn id_from(body: &str) -> String {
    format!("$without-id-{}", hex::encode(Sha256::digest(body)))
}

/// The way in: one transaction at a time, because Synapse may push the same one twice at once.
pub(super) struct Intake {
    sink: Sink,
    done: Mutex<VecDeque<Fingerprint>>,
}

/// What makes a transaction the same one: its id alone does not, see [`Transaction::id`].
#[derive(PartialEq, Eq)]
struct Fingerprint {
    id: String,
    body: [u8; 32],
}

/// Why a transaction was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    #[error(transparent)]
    NotJson(#[from] NotJson),
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl Intake {
    pub(super) fn new(sink: Sink) -> Self {
        Self { sink, done: Mutex::new(VecDeque::with_capacity(REMEMBERED)) }
    }

    /// Hands `body` to the sink, unless it was the same as one of the last. Returns once it is safe.
    pub(super) async fn take(&self, id: &str, body: &[u8]) -> Result<(), NotTaken> {
        let transaction = Transaction::parse(id, body)?;
        let fingerprint = Fingerprint { id: id.to_owned(), body: Sha256::digest(body).into() };
        let mut done = self.done.lock().await;
        if done.contains(&fingerprint) {
            return Ok(());
        }
        (self.sink)(transaction).await?;
        if done.len() >= REMEMBERED {
            done.pop_front();
        }
        done.push_back(fingerprint);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: &Value) -> Transaction {
        Transaction::parse("1", body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_broken_event_does_not_break_its_neighbours() {
        let good = json!({"event_id": "$1", "room_id": "!r:hs", "sender": "@a:hs", "type": "x"});
        let odd = json!({"event_id": "$2", "room_id": 7, "sender": null});
        let events = parse(&json!({"events": [good, odd, {"type": "y"}, 5, null]})).events;
        assert_eq!(events[0].event_id, "$1");
        assert_eq!((events[0].room_id.as_str(), events[0].sender.as_str()), ("!r:hs", "@a:hs"));
        assert_eq!((events[1].event_id.as_str(), events[1].room_id.as_str()), ("$2", ""));
        assert!(events[2..].iter().all(|event| event.event_id.starts_with("$without-id-")));
        assert_eq!(events.iter().map(|event| &event.body).collect::<std::collections::BTreeSet<_>>().len(), 5);
    }

    #[test]
    fn the_body_of_an_event_is_kept_to_the_byte() {
        let body = br#"{"events": [ {"event_id":"$1", "n": 1.0e2 , "t":"\u00e9"} ]}"#;
        let taken = Transaction::parse("1", body).unwrap();
        assert_eq!(taken.events[0].body, r#"{"event_id":"$1", "n": 1.0e2 , "t":"\u00e9"}"#);
    }

    #[test]
    fn only_what_is_not_json_is_refused() {
        for body in
            ["[]", "5", "{}", r#"{"events":{}}"#, r#"{"events":5,"ephemeral":7}"#, r#"{"events":[],"events":[]}"#]
        {
            assert!(Transaction::parse("1", body.as_bytes()).is_ok(), "{body}");
        }
        for body in ["", "{", "events", "{\"events\":[}"] {
            assert!(Transaction::parse("1", body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_deeply_nested_event_is_carried() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        let body = format!(r#"{{"events":[{{"event_id":"$1","content":{deep}}}]}}"#);
        assert_eq!(Transaction::parse("1", body.as_bytes()).unwrap().events[0].event_id, "$1");
    }

    #[test]
    fn ephemeral_events_are_read_once_under_either_name() {
        let typing = json!([{"type": "m.typing"}]);
        let both = json!({"events": [], "ephemeral": typing, "de.sorunome.msc2409.ephemeral": typing});
        let old = json!({"events": [], "de.sorunome.msc2409.ephemeral": typing});
        assert_eq!(parse(&both).ephemeral.len(), 1);
        assert_eq!(parse(&old).ephemeral.len(), 1);
    }
}

//! Which of our messages did the homeserver take after all?
//!
//! Homeservers forget transaction ids after a while, and all of them when they restart. So each event also carries our
//! own key in its content, and recovery after an ambiguous failure looks for that.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use matrix_sdk::ruma::{EventId, OwnedEventId, RoomId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::Error;
use super::intent::Intent;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundSent {
    /// Our key and the event that bears it.
    pub events: HashMap<String, OwnedEventId>,
    /// Whether everything that could hold the wanted keys was looked at: a key that is missing was not sent.
    /// `false` when the room's past is longer than we read.
    pub is_complete: bool,
}

impl Intent {
    /// Reads `room` backwards for events whose content has one of the `wanted` keys in its field `key_field`, until all
    /// are found, or the event `stop_at` or the room's beginning is reached. The user must be in the room.
    pub async fn find_sent(
        &self,
        room: &RoomId,
        key_field: &str,
        wanted: &[String],
        stop_at: Option<&EventId>,
    ) -> Result<FoundSent, Error> {
        let mut missing: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
        let mut events = HashMap::new();
        if missing.is_empty() {
            return Ok(FoundSent { events, is_complete: true });
        }
        let read = self.read_back(room, |event| {
            let Some(event) = Seen::of(event) else { return false };
            if stop_at.is_some_and(|stop| stop.as_str() == event.event_id) {
                return true;
            }
            if let Some((key, event_id)) = event.bears(key_field, &mut missing) {
                events.insert(key, event_id);
            }
            missing.is_empty()
        });
        let is_complete = read.await?;
        Ok(FoundSent { events, is_complete })
    }
}

/// As much of an event as the search needs.
#[derive(Deserialize)]
struct Seen<'a> {
    #[serde(borrow)]
    event_id: Cow<'a, str>,
    #[serde(borrow, default)]
    content: HashMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> Seen<'a> {
    /// None when the event is broken: what we sent is not.
    fn of(event: &'a RawValue) -> Option<Self> {
        serde_json::from_str(event.get()).ok()
    }

    fn bears(&self, key_field: &str, missing: &mut BTreeSet<&str>) -> Option<(String, OwnedEventId)> {
        let key: Cow<'_, str> = serde_json::from_str(self.content.get(key_field)?.get()).ok()?;
        let event_id = EventId::parse(&*self.event_id).ok()?;
        missing.remove(&*key).then(|| (key.into_owned(), event_id))
    }
}

//! `GET /_matrix/client/v3/rooms/{roomId}/messages`: which of our messages did the homeserver take after all?
//!
//! Homeservers forget transaction ids after a while, and all of them when they restart. So each event also carries our
//! own key in its content, and recovery after an ambiguous failure looks for that.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use matrix_sdk::ruma::api::client::message::get_message_events;
use matrix_sdk::ruma::serde::Raw;
use matrix_sdk::ruma::{EventId, OwnedEventId, RoomId, UInt};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::Error;
use super::intent::Intent;

/// Events in one page; Synapse gives no more than 1000.
const PAGE: u32 = 100;
/// Pages that are read at most.
const PAGES: usize = 50;

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
        let mut from = None;
        for _ in 0..PAGES {
            if missing.is_empty() {
                return Ok(FoundSent { events, is_complete: true });
            }
            let mut request = get_message_events::v3::Request::backward(room.to_owned()).from(from.clone());
            request.limit = UInt::from(PAGE);
            let page = self.call("messages", request).await?;
            for event in page.chunk.iter().filter_map(Seen::of) {
                if stop_at.is_some_and(|stop| stop.as_str() == event.event_id) {
                    return Ok(FoundSent { events, is_complete: true });
                }
                if let Some((key, event_id)) = event.bears(key_field, &mut missing) {
                    events.insert(key, event_id);
                }
            }
            // The past ends where no next page is named, or, at some homeservers, the same one again. An empty page
            // alone means nothing: the homeserver may have hidden what was on it.
            if page.end.is_none() || page.end == from {
                return Ok(FoundSent { events, is_complete: true });
            }
            from = page.end;
        }
        Ok(FoundSent { events, is_complete: missing.is_empty() })
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
    fn of<T>(event: &'a Raw<T>) -> Option<Self> {
        serde_json::from_str(event.json().get()).ok()
    }

    fn bears(&self, key_field: &str, missing: &mut BTreeSet<&str>) -> Option<(String, OwnedEventId)> {
        let key: Cow<'_, str> = serde_json::from_str(self.content.get(key_field)?.get()).ok()?;
        let event_id = EventId::parse(&*self.event_id).ok()?;
        missing.remove(&*key).then(|| (key.into_owned(), event_id))
    }
}

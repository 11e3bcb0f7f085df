//! What was said: the queue towards the client, the ledger of what the client said, and the log that the page shows.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::album::Attached;
use super::chat::ChatKey;
use super::wire::Line;

/// How many lines the page can scroll back.
const LOG_LIMIT: usize = 5_000;

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The account itself.
    Me,
    /// Anybody else, by name.
    Person(String),
}

/// A message on its way to the client, still by names: the numbers are those of the login that fetches it.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) chat: ChatKey,
    pub(crate) speaker: Speaker,
    pub(crate) content: Vec<Value>,
    pub(crate) msg_id: u16,
    /// Unix time in seconds.
    pub(crate) time: i64,
}

/// What waits for a poll.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Said(Said),
    /// Items that go out as they are, in a reply of their own.
    Raw(Vec<Value>),
}

/// Something that the client said and the service accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heard {
    /// Counts from 1, in the order of acceptance.
    pub n: u64,
    /// `friend:<name>`, `group:<name>` or `discussion:<name>`.
    pub chat: String,
    /// The text, faces as `[微笑]`.
    pub text: String,
    /// The elements as they were sent, with the font.
    pub content: Vec<Value>,
    /// The pictures and files in it.
    pub attached: Vec<Attached>,
    /// The client's own number for it.
    pub msg_id: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// A line of the log that the page shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spoken {
    /// Counts from 1.
    pub n: u64,
    /// `friend:<name>`, `group:<name>` or `discussion:<name>`.
    pub chat: String,
    /// Name of the speaker.
    pub who: String,
    /// Whether the speaker is the account.
    pub mine: bool,
    /// Whether it came from the client.
    pub from_client: bool,
    /// The text, faces as `[微笑]`.
    pub text: String,
    /// The pictures and files in it.
    pub attached: Vec<Attached>,
    /// The font as it was sent: `{"name", "size", "style": [bold, italic, underline], "color"}`; null when there was none.
    pub font: Value,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Messages between service and client.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    queue: VecDeque<Event>,
    handed_out: Option<HandedOut>,
}

/// The last poll reply with events. The service has no acknowledgement but its own connection.
#[derive(Debug)]
struct HandedOut {
    events: Vec<Event>,
    line: Line,
    /// The reply was written when the connection has written this many bytes.
    written_at: u64,
    broken: bool,
}

impl Mail {
    pub(crate) fn push(&mut self, event: Event, limit: usize) {
        if self.queue.len() >= limit {
            tracing::warn!(limit, "nobody polls: the oldest message is dropped");
            self.queue.pop_front();
        }
        self.queue.push_back(event);
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Decides what became of the last reply: written, or to be sent again. With `after_hangup` it is sent again also
    /// when its connection has ended since. Source: protocol dossier 7.7.
    pub(crate) fn settle(&mut self, after_hangup: bool) {
        let Some(last) = self.handed_out.take() else { return };
        let hung_up = after_hangup && last.line.has_ended();
        if last.broken || hung_up || last.line.written() < last.written_at {
            for event in last.events.into_iter().rev() {
                self.queue.push_front(event);
            }
        }
    }

    /// Marks the last reply as broken: its events go out again, with the same ids.
    pub(crate) fn break_last(&mut self) {
        if let Some(last) = &mut self.handed_out {
            last.broken = true;
        }
    }

    /// The events of the next reply, at most `most`, oldest first.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Event> {
        let mut batch = Vec::new();
        while let Some(next) = self.queue.front() {
            let alone = matches!(next, Event::Raw(_));
            if batch.len() >= most.max(1) || (alone && !batch.is_empty()) {
                break;
            }
            batch.extend(self.queue.pop_front());
            if alone {
                break;
            }
        }
        batch
    }

    /// Remembers `events`, which go out on `line` in a reply of `bytes` bytes.
    pub(crate) fn hand_out(&mut self, events: Vec<Event>, line: Line, bytes: usize) {
        let written_at = line.written().saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.handed_out = Some(HandedOut { events, line, written_at, broken: false });
    }
}

/// The lines that the page shows; old ones fall out.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<Spoken>,
    last: u64,
}

impl Log {
    /// Appends `line` and gives it its number.
    pub(crate) fn push(&mut self, mut line: Spoken) {
        self.last += 1;
        line.n = self.last;
        if self.lines.len() >= LOG_LIMIT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub(crate) fn after(&self, n: u64) -> impl DoubleEndedIterator<Item = &Spoken> {
        let start = self.lines.partition_point(|line| line.n <= n);
        self.lines.range(start..)
    }
}

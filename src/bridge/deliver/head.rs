//! The rows whose turn it is in a lane towards Matrix: looked at and marked in one commit, the one that puts them there or closes those before
//! them.

use super::until_due;
use crate::bridge::departure::{self, ToRoom};
use crate::store::{self, OutboxRow, OutboxState, Tx};

/// How many rows of one lane share the two commits around their sending.
const BATCH: u32 = 32;

/// Rows that are marked as on the wire.
pub(in crate::bridge) struct Marked {
    /// Each as it was before that, with what is in it; never none.
    pub rows: Vec<(OutboxRow, ToRoom)>,
    /// Whether nothing else waited in their lane then.
    pub is_all: bool,
}

/// What stands at the head of a lane.
pub(in crate::bridge) enum Head {
    /// Nothing.
    Empty,
    /// Rows that may leave as they are, in order.
    Marked(Marked),
    /// A row that is not due, cannot be read, or lacks something.
    Odd(Box<OutboxRow>),
}

/// Looks at the head of `lane` and marks what may leave.
pub(in crate::bridge) async fn mark(tx: &mut Tx, lane: &str, now_ms: i64) -> Result<Head, store::Error> {
    let mut marked = Vec::new();
    let waiting = tx.lane_head(lane, BATCH).await?;
    let count = waiting.len();
    for row in waiting {
        match complete(&row) {
            // What waits for its time holds up what comes after it, and is looked at as the first alone.
            Some(to_room) if !marked.is_empty() || until_due(row.due_at_ms, now_ms).is_none() => {
                marked.push((row, to_room));
            }
            _ if marked.is_empty() => return Ok(Head::Odd(Box::new(row))),
            _ => break,
        }
    }
    if marked.is_empty() {
        return Ok(Head::Empty);
    }
    let fresh = marked.iter().filter(|(row, _)| row.state != OutboxState::Sending);
    let fresh: Vec<i64> = fresh.map(|(row, _)| row.seq).collect();
    tx.mark_sending(&fresh).await?;
    let is_all = marked.len() == count && u32::try_from(count).is_ok_and(|count| count < BATCH);
    Ok(Head::Marked(Marked { rows: marked, is_all }))
}

/// What is in `row`, if it can leave as it is. What must be fetched first, or cannot be read, waits until it is the head.
fn complete(row: &OutboxRow) -> Option<ToRoom> {
    departure::read(row).ok().filter(|to_room: &ToRoom| to_room.fetch.is_none())
}

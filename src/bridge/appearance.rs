//! What the bridge says of its rooms in state events: remembered by hash, on disk, so that it is said again only when it is
//! another. State takes a turn behind messages.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use matrix_sdk::ruma::RoomId;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::{Bridge, Error, Verdict};
use crate::matrix::{Intent, NewState};
use crate::store::AppearanceRow;

/// What was last said of which room.
#[derive(Debug, Default)]
pub(super) struct Appearances {
    known: Mutex<HashMap<String, Said>>,
}

/// What was said of one room, sorted by type and key.
type Said = Vec<Piece>;

#[derive(Debug)]
struct Piece {
    kind: Box<str>,
    key: Box<str>,
    hash: Hash,
}

/// Of a content, whatever the order of its fields.
type Hash = [u8; 32];

impl Appearances {
    /// Takes in rows as they are on disk.
    pub(super) fn load(&self, rows: Vec<AppearanceRow>) {
        for row in rows {
            self.note(row);
        }
    }

    /// Whether `state` is what was last said of `room`.
    pub(super) fn is(&self, room: &RoomId, state: &NewState) -> bool {
        let hash = digest(&state.content);
        self.with(|known| {
            let said = known.get(room.as_str()).map_or(&[][..], Vec::as_slice);
            find(said, &state.kind, &state.key).ok().and_then(|at| said.get(at)).is_some_and(|piece| piece.hash == hash)
        })
    }

    /// The keys under which state of this `kind` was said of `room`.
    pub(super) fn keys(&self, room: &RoomId, kind: &str) -> Vec<String> {
        self.with(|known| {
            let said = known.get(room.as_str()).into_iter().flatten();
            said.filter(|piece| *piece.kind == *kind).map(|piece| piece.key.to_string()).collect()
        })
    }

    fn note(&self, row: AppearanceRow) {
        let mut hash = Hash::default();
        // One that cannot be read is like that of something else: it is said once more.
        hex::decode_to_slice(row.hash, &mut hash).unwrap_or_default();
        self.with(|known| {
            let said = known.entry(row.room_id).or_default();
            match find(said, &row.kind, &row.state_key) {
                Ok(at) => {
                    if let Some(piece) = said.get_mut(at) {
                        piece.hash = hash;
                    }
                }
                Err(at) => said.insert(at, Piece { kind: row.kind.into(), key: row.state_key.into(), hash }),
            }
        });
    }

    /// Forgets what was said of `room` under this `kind` and `key`, for this process.
    pub(super) fn forget(&self, room: &RoomId, kind: &str, key: &str) {
        self.with(|known| {
            let Some(said) = known.get_mut(room.as_str()) else { return };
            if let Ok(at) = find(said, kind, key) {
                said.remove(at);
            }
        });
    }

    /// Forgets all that was said of `room`.
    pub(super) fn forget_room(&self, room: &RoomId) {
        self.with(|known| known.remove(room.as_str()));
    }

    fn with<T>(&self, look: impl FnOnce(&mut HashMap<String, Said>) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Bridge {
    /// Says `state` of `room` as `who`, unless that was said last.
    pub(super) async fn show_state(&self, who: &Intent, room: &RoomId, state: NewState) -> Result<(), Error> {
        if self.appearances.is(room, &state) {
            return Ok(());
        }
        {
            let (_behind, _turn) = (self.statuses.acquire().await, self.requests.acquire().await);
            who.set_state(room, &state.kind, &state.key, &state.content).await?;
        }
        self.note_states(room, &[state]).await
    }

    /// Takes back what was said of `room` under this `kind` and `key`.
    pub(super) async fn withdraw_state(
        &self,
        who: &Intent,
        room: &RoomId,
        (kind, key): (&str, &str),
    ) -> Result<(), Error> {
        {
            let (_behind, _turn) = (self.statuses.acquire().await, self.requests.acquire().await);
            who.set_state(room, kind, key, &json!({})).await?;
        }
        let (room_id, of, under) = (room.to_string(), kind.to_owned(), key.to_owned());
        self.store.write(move |tx| Box::pin(async move { tx.forget_appearance(&room_id, &of, &under).await })).await?;
        self.appearances.forget(room, kind, key);
        Ok(())
    }

    /// Remembers that `states` were said of `room`.
    pub(super) async fn note_states(&self, room: &RoomId, states: &[NewState]) -> Result<(), Error> {
        let row = |state: &NewState| AppearanceRow {
            room_id: room.to_string(),
            kind: state.kind.clone(),
            state_key: state.key.clone(),
            hash: hash(&state.content),
        };
        let rows: Vec<AppearanceRow> = states.iter().map(row).collect();
        let kept = rows.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    for row in &kept {
                        tx.put_appearance(row).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        self.appearances.load(rows);
        Ok(())
    }
}

/// A refusal for good is no reason to do nothing else: it is left alone until there is something new to say.
pub(super) fn unless_refused(room: &RoomId, done: Result<(), Error>) -> Result<(), Error> {
    match done {
        Err(error) if error.verdict() == Verdict::GiveUp => {
            warn!(%room, %error, "something could not be said of a room");
            Ok(())
        }
        done => done,
    }
}

/// Where something is, or belongs.
fn find(said: &[Piece], kind: &str, key: &str) -> Result<usize, usize> {
    said.binary_search_by(|piece| (&*piece.kind, &*piece.key).cmp(&(kind, key)))
}

/// Of `content`, as it is kept on disk.
pub(super) fn hash(content: &Value) -> String {
    hex::encode(digest(content))
}

fn digest(content: &Value) -> Hash {
    Sha256::digest(content.to_string()).into()
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::room_id;

    use super::*;

    #[test]
    fn what_was_said_is_known_until_it_is_another_or_taken_back() {
        let appearances = Appearances::default();
        let room = room_id!("!room:hs.test");
        let state = |text: &str| NewState { kind: "k".into(), key: "a".into(), content: json!({ "text": text }) };
        assert!(!appearances.is(room, &state("x")));
        let row = AppearanceRow {
            room_id: room.to_string(),
            kind: "k".into(),
            state_key: "a".into(),
            hash: hash(&state("x").content),
        };
        appearances.load(vec![row]);
        assert!(appearances.is(room, &state("x")) && !appearances.is(room, &state("y")));
        assert_eq!(appearances.keys(room, "k"), ["a"]);
        let of = |kind: &str, state_key: &str, hash: &str| AppearanceRow {
            room_id: room.to_string(),
            kind: kind.into(),
            state_key: state_key.into(),
            hash: hash.into(),
        };
        appearances.load(vec![of("k", "c", "odd"), of("j", "z", "odd"), of("k", "b", "odd"), of("k", "c", "odd")]);
        assert_eq!(appearances.keys(room, "k"), ["a", "b", "c"]);
        assert!(appearances.is(room, &state("x")));
        let y = state("y");
        appearances.load(vec![of("k", "a", &hash(&y.content))]);
        assert!(appearances.is(room, &y) && !appearances.is(room, &state("x")));
        appearances.load(vec![of("k", "a", &hash(&state("x").content))]);
        appearances.forget(room, "k", "b");
        appearances.forget(room, "k", "c");
        assert_eq!(appearances.keys(room, "k"), ["a"]);
        assert_eq!(appearances.keys(room, "other"), [""; 0]);
        appearances.forget(room, "k", "a");
        assert!(!appearances.is(room, &state("x")));
    }
}

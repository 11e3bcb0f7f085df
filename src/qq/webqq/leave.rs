//! Remembers for a while the leave to speak to fellow members who are no friends.
//!
//! Source: protocol dossier 9.3.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::number::Uin;
use super::roster::PlaceKind;
use crate::base::clock::is_recent;

/// As long as real clients kept it.
pub(crate) const GOOD_FOR_MS: i64 = 300_000;

/// The place and the member that a leave is for.
pub(crate) type For = (PlaceKind, u64, Uin);

/// Leaves by place and member, and when they were given.
#[derive(Default)]
pub(crate) struct Leaves {
    given: Mutex<HashMap<For, (i64, String)>>,
}

impl Leaves {
    /// The leave for this member, if it is still good.
    pub(crate) fn of(&self, whom: For, now_ms: i64) -> Option<String> {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(&whom).filter(|(at_ms, _)| is_recent(*at_ms, now_ms, GOOD_FOR_MS)).map(|(_, leave)| leave.clone())
    }

    /// It was given now.
    pub(crate) fn keep(&self, whom: For, leave: String, now_ms: i64) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.retain(|_, (at_ms, _)| is_recent(*at_ms, now_ms, GOOD_FOR_MS));
        given.insert(whom, (now_ms, leave));
    }

    /// It was refused: the next one has to be asked for.
    pub(crate) fn drop(&self, whom: For) {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).remove(&whom);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leave_is_good_for_five_minutes_and_for_one_member_of_one_place() {
        let (leaves, whom) = (Leaves::default(), (PlaceKind::Group, 1, Uin(2)));
        leaves.keep(whom, "sig".to_owned(), 0);
        assert_eq!(leaves.of(whom, 299_999).as_deref(), Some("sig"));
        for now_ms in [300_000, -1] {
            assert_eq!(leaves.of(whom, now_ms), None, "{now_ms}");
        }
        assert_eq!(leaves.of((PlaceKind::Discussion, 1, Uin(2)), 0), None);
        leaves.drop(whom);
        assert_eq!(leaves.of(whom, 0), None);
    }
}

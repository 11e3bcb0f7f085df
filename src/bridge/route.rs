//! Where things go: the names of origins and lanes, and the keys under which each part of a message leaves once.

use sha2::{Digest as _, Sha256};

use crate::base::metrics::Way;
use crate::qq::AccountId;

/// Inbox rows that the homeserver pushed.
pub const FROM_MATRIX: &str = "matrix";

/// Lanes towards Matrix begin with this.
pub const TO_MATRIX: &str = "m/";

/// Lanes towards QQ begin with this.
pub const TO_QQ: &str = "q/";

/// The last part of lanes of answers.
const ANSWERS: &str = "answers";

/// Inbox rows that QQ pushed to `account`.
#[must_use]
pub fn from_qq(account: &AccountId) -> String {
    format!("qq/{account}")
}

/// The lane of a portal's room.
#[must_use]
pub fn lane_to_portal_room(portal: i64) -> String {
    format!("{TO_MATRIX}portal/{portal}")
}

/// The lane of a room that is no portal, such as a control room.
#[must_use]
pub fn lane_to_room(room: &str) -> String {
    format!("{TO_MATRIX}room/{room}")
}

/// The lane of what clients show beside the messages of a room.
#[must_use]
pub fn lane_of_statuses(room: &str) -> String {
    format!("{TO_MATRIX}status/{room}")
}

/// The lane of a portal's chat.
#[must_use]
pub fn lane_to_chat(account: &AccountId, portal: i64) -> String {
    format!("{}{portal}", lanes_of(account))
}

/// The lane of a person's control room, whichever that is.
#[must_use]
pub fn lane_to_control(user: &str) -> String {
    format!("{TO_MATRIX}control/{user}")
}

/// The lane of the answers that an account gives to requests.
#[must_use]
pub fn lane_of_answers(account: &AccountId) -> String {
    format!("{}{ANSWERS}", lanes_of(account))
}

/// Whether `lane` is one of [`lane_of_answers`].
#[must_use]
pub fn is_of_answers(lane: &str) -> bool {
    lane.rsplit('/').next() == Some(ANSWERS)
}

/// What all lanes to QQ of one account begin with.
#[must_use]
pub fn lanes_of(account: &AccountId) -> String {
    format!("{TO_QQ}{account}/")
}

/// Which way `lane` leads.
#[must_use]
pub fn way_of(lane: &str) -> Way {
    if lane.starts_with(TO_QQ) { Way::ToQq } else { Way::ToMatrix }
}

/// The key of one part of what was written in `event` and goes to QQ.
#[must_use]
pub fn key_to_qq(event: &str, part: usize) -> String {
    key(&["to_qq", event, &part.to_string()])
}

/// A key that is the same for the same parts, also after a restart, and different for any others. As a Matrix
/// transaction id it is unique over all rooms and ghosts, which homeservers want: they share transaction ids between
/// all users of an appservice.
#[must_use]
pub fn key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(40);
    format!("qq.{text}")
}

/// The same, beginning like `near`: keys of what was said at about the same time lie together on disk if what they are made from
/// does.
#[must_use]
pub fn key_beside(near: &str, parts: &[&str]) -> String {
    let near: String = near.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    key(parts).replacen("qq.", &format!("qq.{near}."), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_lies_beside_another_begins_like_it() {
        let beside = key_beside("5f3a01b2c4e6", &["a"]);
        assert_eq!(beside.split_once("5f3a01b2.").map(|(before, after)| [before, after].concat()), Some(key(&["a"])));
        assert_eq!(key_beside("{\"/", &["a"]).len(), 44, "what may not stand in a path does not");
    }

    #[test]
    fn keys_tell_apart_what_only_looks_the_same_when_joined() {
        assert_eq!(key(&["a", "b"]), key(&["a", "b"]));
        assert_ne!(key(&["ab", ""]), key(&["a", "b"]));
        assert_eq!(key(&["a"]).len(), 43);
    }

    #[test]
    fn lanes_of_one_account_do_not_begin_like_those_of_another() {
        let short = lanes_of(&AccountId::new("1000"));
        assert!(!lane_to_chat(&AccountId::new("10001"), 7).starts_with(&short));
    }
}

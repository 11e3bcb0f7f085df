//! What speaks for and against somebody of a new login being somebody known.

use serde::{Deserialize, Serialize};

/// One point of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The nick is the same.
    SameNick,
    /// It is another.
    OtherNick,
    /// The markname is the same.
    SameMarkname,
    /// It is another.
    OtherMarkname,
    /// There was a markname, and now there is none.
    NoMarkname,
    /// There was none, and now there is one.
    NewMarkname,
    /// They are in the same category.
    SameCategory,
    /// They are in another.
    OtherCategory,
    /// They were missing from the last list.
    WasGone,
    /// The group's name is the same.
    SameName,
    /// It is another.
    OtherName,
    /// The group was made at the same second.
    SameBirth,
    /// It was made at another time.
    OtherBirth,
    /// The owner has the same nick.
    SameOwner,
    /// The owner has another nick.
    OtherOwner,
    /// Mostly the same people are in it.
    SamePeople,
    /// Mostly other people are in it.
    OtherPeople,
}

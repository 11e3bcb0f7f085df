//! Whose names may be others than they were.

use std::collections::BTreeSet;

use super::{ChatId, ContactId};

/// Contacts and chats that may be called otherwise, or tell something else of themselves, than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Any of them.
    pub everything: bool,
    /// These contacts.
    pub contacts: BTreeSet<ContactId>,
    /// These chats.
    pub chats: BTreeSet<ChatId>,
}

impl Changed {
    /// All of them: none need be named.
    #[must_use]
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Adds what has changed besides.
    pub fn add(&mut self, other: Self) {
        self.everything |= other.everything;
        self.contacts.extend(other.contacts);
        self.chats.extend(other.chats);
    }
}

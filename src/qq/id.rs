//! Ids that last. They are texts made by a backend; nobody else takes them apart.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes `text` as it is.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A QQ number of one of our logins, in decimal.
    AccountId
}
id! {
    /// A person, unique over all logins of the bridge. Characters `a-z 0-9 . _ = -` only: it becomes part of a Matrix
    /// user id.
    ContactId
}
id! {
    /// A friend chat, group or discussion, unique within its login.
    ChatId
}
id! {
    /// A QQ message, unique within its login.
    MessageKey
}

impl From<&AccountId> for ContactId {
    /// The account as a person: what ghosts of the user's own words are made of.
    fn from(account: &AccountId) -> Self {
        Self::new(account.as_str())
    }
}

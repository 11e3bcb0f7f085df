//! Places at which a test lets the process die as by kill -9. A release build has none of them.

use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the process is to die: `<name>`, or `<name>:<n>` for the n-th time that it comes there.
pub const VARIABLE: &str = "MATRIX_WEBQQ_DIE_AT";

macro_rules! failpoints {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// A place to die at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Failpoint {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Failpoint {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// How [`VARIABLE`] names it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

failpoints! {
    /// The writer has done its work, and nothing is committed.
    BeforeCommit = "before-commit",
    /// Something is committed, and whoever waits for it does not know.
    AfterCommit = "after-commit",
    /// A migration has run, and those after it have not.
    BetweenMigrations = "between-migrations",
    /// A transaction of the homeserver has come, and nothing of it is on disk.
    TransactionCame = "transaction-came",
    /// A transaction of the homeserver is on disk, and it got no answer.
    TransactionKept = "transaction-kept",
    /// A poll has brought something that is not on disk.
    BatchCame = "batch-came",
    /// What a poll has brought is on disk, and nobody was told.
    BatchKept = "batch-kept",
    /// What came from QQ is opened, and its translation is not begun.
    QqOpened = "qq-opened",
    /// An echo has claimed its message, and that is not committed.
    EchoMatched = "echo-matched",
    /// What came from QQ is in the outbox, and its lanes were not woken.
    QqTranslated = "qq-translated",
    /// What came from Matrix is read, and its translation is not begun.
    MatrixRead = "matrix-read",
    /// What came from Matrix is in the outbox, and its lanes were not woken.
    MatrixTranslated = "matrix-translated",
    /// A room was made, and nothing of it is on disk.
    RoomMade = "room-made",
    /// A portal has let go of its room, and nobody has left that.
    RoomLetGo = "room-let-go",
    /// A ghost has left a room that is left by all, and the next has not.
    RoomLeftByOne = "room-left-by-one",
    /// A portal is to follow to another room, in which the bot is; its room is still the old one.
    RoomFollowed = "room-followed",
    /// A portal has moved to a room that people made, which is on disk; nothing else knows of it.
    RoomAdopted = "room-adopted",
    /// A space was made, and that is not on disk.
    SpaceMade = "space-made",
    /// A ghost was registered, and that is not on disk.
    GhostRegistered = "ghost-registered",
    /// A ghost was invited, and has not joined.
    GhostInvited = "ghost-invited",
    /// A ghost has come into a room into which somebody asked it, and nothing else knows of it.
    GhostCame = "ghost-came",
    /// A ghost has joined a room, and that is not on disk.
    GhostJoined = "ghost-joined",
    /// Rows towards Matrix are marked as under way, and none has left.
    ToMatrixMarked = "to-matrix-marked",
    /// A row has left towards Matrix, and the next of its batch has not.
    ToMatrixBetween = "to-matrix-between",
    /// Rows have left towards Matrix, and that is not on disk.
    ToMatrixSent = "to-matrix-sent",
    /// A message towards QQ is marked as under way, and has not left.
    ToQqMarked = "to-qq-marked",
    /// A message has left towards QQ, and what came of it is not on disk.
    ToQqSent = "to-qq-sent",
    /// It is on disk that a message has left towards QQ; its next part has not.
    ToQqBetween = "to-qq-between",
    /// An uncertain message is about to be said once more.
    ToQqAgain = "to-qq-again",
    /// A login was confirmed, and its session is not on disk.
    LoginConfirmed = "login-confirmed",
    /// A session is on disk, and is not taken up.
    LoginKept = "login-kept",
    /// QQ gave a session in the place of one that ended, and it is not on disk.
    SessionRenewed = "session-renewed",
    /// A session is over; its owner was not told.
    SessionEnded = "session-ended",
}

impl FromStr for Failpoint {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|point| point.name() == name).ok_or(())
    }
}

/// Where to die, and how often that place may be passed before.
struct Fate {
    at: Failpoint,
    left: AtomicU32,
}

impl Fate {
    fn parse(text: &str) -> Option<Self> {
        let (name, times) = text.split_once(':').unwrap_or((text, "1"));
        Some(Self { at: name.parse().ok()?, left: AtomicU32::new(times.parse().ok()?) })
    }

    fn has_come(&self, at: Failpoint) -> bool {
        self.at == at && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Dies here, if that was ordered.
#[expect(clippy::disallowed_methods, reason = "no setting of the bridge: nobody is to write it into a configuration")]
pub fn reach(at: Failpoint) {
    static FATE: OnceLock<Option<Fate>> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return;
    }
    let fate = FATE.get_or_init(|| std::env::var(VARIABLE).ok().and_then(|text| Fate::parse(&text)));
    if fate.as_ref().is_some_and(|fate| fate.has_come(at)) {
        // Nothing is flushed and nothing dropped, as by SIGKILL.
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_by_its_name_and_no_name_means_two() {
        for point in Failpoint::ALL {
            assert_eq!(point.name().parse(), Ok(*point));
        }
        assert_eq!("nowhere".parse::<Failpoint>(), Err(()));
    }

    #[test]
    fn one_dies_at_the_place_and_time_that_were_named_and_at_no_other() {
        let fate = Fate::parse("to-qq-sent:2").unwrap();
        let deaths = [Failpoint::ToQqSent, Failpoint::ToQqMarked, Failpoint::ToQqSent, Failpoint::ToQqSent]
            .map(|point| fate.has_come(point));
        assert_eq!(deaths, [false, false, true, false]);
        assert!(Fate::parse("to-qq-sent").unwrap().has_come(Failpoint::ToQqSent));
        for nonsense in ["", "nowhere", "to-qq-sent:", "to-qq-sent:x"] {
            assert!(Fate::parse(nonsense).is_none(), "{nonsense}");
        }
    }
}

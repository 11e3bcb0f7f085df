//! What the roster keeps on disk: one note per person and place, and one for the last logins.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::evidence::{FriendEvidence, PlaceEvidence};
use crate::qq::webqq::number::{Account, Uin};
use crate::qq::{ChatKind, Error, Likeness, MemoryError, Muting, Note};

/// How many logins are remembered even when nothing of them waits to be opened: doubts can be settled, and what was
/// held back may still come.
const LOGINS_KEPT: usize = 3;

/// The key of [`Logins`].
const LOGINS: &str = "logins";

/// The numbers of one person or place, one for each login that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Numbers(Vec<Number>);

/// What something is called during one login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Number {
    pub(crate) epoch: String,
    /// uin, gid or did.
    pub(crate) value: u64,
    /// The group code of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u64>,
}

impl Numbers {
    /// The number of `epoch`.
    pub(crate) fn of(&self, epoch: &str) -> Option<&Number> {
        self.0.iter().find(|number| number.epoch == epoch)
    }

    /// Sets the number of an epoch.
    pub(crate) fn set(&mut self, number: Number) {
        self.unset(&number.epoch);
        // Most have one: room for four would be half of what a contact takes.
        self.0.reserve_exact(1);
        self.0.push(number);
    }

    /// Forgets the numbers of all logins but those for which `is_kept` says so.
    fn keep(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.0.retain(|number| is_kept(&number.epoch));
    }

    /// Forgets the number of `epoch`.
    pub(crate) fn unset(&mut self, epoch: &str) {
        self.0.retain(|number| number.epoch != epoch);
    }

    /// Whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that are kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Number> {
        self.0.iter()
    }
}

/// A real number as QQ told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Real {
    pub(crate) account: Account,
    /// The login in which QQ told it last.
    pub(crate) told_in: String,
    /// Whether QQ told it of others, too, or told another one as well: then it tells nothing.
    #[serde(default)]
    pub(crate) is_void: bool,
}

impl Real {
    pub(crate) fn told(account: Account, epoch: &str) -> Self {
        Self { account, told_in: epoch.to_owned(), is_void: false }
    }

    /// It tells nothing any more.
    pub(crate) fn void(self) -> Self {
        Self { is_void: true, ..self }
    }
}

/// The places in which somebody was heard, and their card there (empty for none). A list: most were heard in one, and a tree has room for
/// eleven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<u64, String>", into = "BTreeMap<u64, String>")]
pub(crate) struct HeardIn(Vec<(u64, String)>);

impl HeardIn {
    /// The card in `place`; `None` where they were not heard.
    pub(crate) fn card(&self, place: u64) -> Option<&str> {
        self.iter().find(|(known, _)| *known == place).map(|(_, card)| card)
    }

    /// They were heard in `place`, where they have this card.
    pub(crate) fn note(&mut self, place: u64, card: String) {
        self.0.retain(|(known, _)| *known != place);
        self.0.reserve_exact(1);
        self.0.insert(self.0.partition_point(|(known, _)| *known < place), (place, card));
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &str)> {
        self.0.iter().map(|(place, card)| (*place, card.as_str()))
    }

    /// The places.
    pub(crate) fn places(&self) -> impl Iterator<Item = u64> {
        self.iter().map(|(place, _)| place)
    }
}

impl From<BTreeMap<u64, String>> for HeardIn {
    fn from(heard_in: BTreeMap<u64, String>) -> Self {
        Self(heard_in.into_iter().collect())
    }
}

impl From<HeardIn> for BTreeMap<u64, String> {
    fn from(HeardIn(heard_in): HeardIn) -> Self {
        heard_in.into_iter().collect()
    }
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// What lasts.
    pub(crate) n: u64,
    pub(crate) numbers: Numbers,
    /// Empty when not known.
    pub(crate) nick: String,
    /// Set once they were a friend.
    pub(crate) friend: Option<FriendEvidence>,
    /// Whether they were in the last friend list.
    pub(crate) listed: bool,
    /// Whether nobody in the last friend list can be them: whoever has their nick later may well be somebody else.
    #[serde(default)]
    pub(crate) gone: bool,
    #[serde(default)]
    pub(crate) heard_in: HeardIn,
    /// Once QQ told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) real: Option<Real>,
}

impl Person {
    /// Somebody of whom nothing is known.
    pub(crate) fn nobody(n: u64) -> Self {
        let (numbers, nick, heard_in) = (Numbers::default(), String::new(), HeardIn::default());
        Self { n, numbers, nick, friend: None, listed: false, gone: false, heard_in, real: None }
    }

    /// The real number, if it tells anything.
    pub(crate) fn account(&self) -> Option<Account> {
        self.real.as_ref().filter(|real| !real.is_void).map(|real| real.account)
    }
}

/// Which of the two kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlaceKind {
    Group,
    Discussion,
}

impl From<PlaceKind> for ChatKind {
    fn from(kind: PlaceKind) -> Self {
        match kind {
            PlaceKind::Group => Self::Group,
            PlaceKind::Discussion => Self::Discussion,
        }
    }
}

/// A group or discussion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// What lasts.
    pub(crate) n: u64,
    pub(crate) kind: PlaceKind,
    pub(crate) numbers: Numbers,
    pub(crate) evidence: PlaceEvidence,
    /// The account's remark.
    pub(crate) markname: Option<String>,
    /// Whether it was in the last list.
    pub(crate) listed: bool,
    /// The login in which the evidence from within was last compared.
    pub(crate) checked_in: Option<String>,
    #[serde(default)]
    pub(crate) muting: Muting,
    /// Once QQ told it; groups only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) real: Option<Real>,
}

impl Place {
    /// What the account calls it.
    pub(crate) fn name(&self) -> &str {
        self.markname.as_deref().unwrap_or(&self.evidence.name)
    }
}

/// What the matching of one login came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoginNote {
    pub(crate) epoch: String,
    pub(crate) kept: usize,
    pub(crate) new: usize,
    pub(crate) doubts: Vec<DoubtNote>,
}

/// Somebody of one login who could not be matched for certain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DoubtNote {
    /// Unlike that of any other doubt that is kept.
    #[serde(default)]
    pub(crate) id: u32,
    pub(crate) kind: ChatKind,
    pub(crate) number: u64,
    pub(crate) name: String,
    /// What QQ says of them: to be learned when it is settled.
    #[serde(default)]
    pub(crate) seen: Evidence,
    /// Whom it may be, the likeliest first.
    #[serde(default)]
    pub(crate) candidates: Vec<CandidateNote>,
    /// Whom "somebody new" means, once that was said: said again after it was taken back, it is the same person.
    #[serde(default)]
    pub(crate) made: Option<u64>,
    #[serde(default)]
    pub(crate) settled: Option<SettledNote>,
}

/// A known one that somebody in doubt may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CandidateNote {
    pub(crate) n: u64,
    /// Out of 100.
    pub(crate) score: u8,
    pub(crate) reasons: Vec<Likeness>,
}

/// How a doubt was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettledNote {
    pub(crate) n: u64,
    pub(crate) at_ms: i64,
    /// What was known of `n` before: what taking it back restores.
    pub(crate) before: Evidence,
}

/// What QQ told about somebody or something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Evidence {
    #[default]
    Nothing,
    Friend(FriendEvidence),
    Place {
        evidence: PlaceEvidence,
        code: Option<u64>,
        markname: Option<String>,
    },
}

/// The last logins, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Logins(Vec<LoginNote>);

impl Logins {
    /// The login of `epoch`.
    pub(crate) fn of(&self, epoch: &str) -> Option<&LoginNote> {
        self.0.iter().find(|login| login.epoch == epoch)
    }

    /// All that are kept, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &LoginNote> {
        self.0.iter()
    }

    /// Adds or replaces a login. Forgets those too long ago of which nothing is `awaited`.
    pub(crate) fn set(&mut self, login: LoginNote, awaited: &BTreeSet<String>) {
        match self.0.iter_mut().find(|known| known.epoch == login.epoch) {
            Some(known) => *known = login,
            None => self.0.push(login),
        }
        let mut newer = self.0.len();
        self.0.retain(|login| {
            newer -= 1;
            newer < LOGINS_KEPT || awaited.contains(&login.epoch)
        });
    }
}

/// Everything that was kept.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) people: Vec<Person>,
    pub(crate) places: Vec<Place>,
    pub(crate) logins: Logins,
}

impl Kept {
    /// Reads the notes; one that cannot be read is an error, since forgetting somebody would give them a second room.
    pub(crate) fn read(notes: &[Note]) -> Result<Self, Error> {
        let mut kept = Self::default();
        for Note { key, body } in notes {
            let read = match key.split_once('.') {
                Some(("person", _)) => serde_json::from_str(body).map(|person| kept.people.push(person)),
                Some(("place", _)) => serde_json::from_str(body).map(|place| kept.places.push(place)),
                None if key == LOGINS => serde_json::from_str(body).map(|logins| kept.logins = logins),
                _ => Ok(()),
            };
            read.map_err(|why| MemoryError(format!("note {key} cannot be read ({:?} error)", why.classify())))?;
        }
        Ok(kept)
    }
}

/// What is about to be kept.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) people: BTreeMap<u64, Person>,
    pub(crate) places: BTreeMap<u64, Place>,
    pub(crate) login: Option<LoginNote>,
}

impl Changes {
    /// Forgets, of everybody and everything that is written anyway, the numbers of logins that are not kept.
    pub(crate) fn forget_numbers(&mut self, is_kept: impl Fn(&str) -> bool) {
        let people = self.people.values_mut().map(|person| &mut person.numbers);
        let places = self.places.values_mut().map(|place| &mut place.numbers);
        people.chain(places).for_each(|numbers| numbers.keep(&is_kept));
    }

    /// The notes to write; `logins` is the note of logins with the change in it.
    pub(crate) fn notes(&self, logins: Option<&Logins>) -> Result<Vec<Note>, MemoryError> {
        let people = self.people.values().map(|person| note(format!("person.{}", person.n), person));
        let places = self.places.values().map(|place| note(format!("place.{}", place.n), place));
        let logins = logins.map(|logins| note(LOGINS.to_owned(), logins));
        people.chain(places).chain(logins).collect()
    }
}

fn note(key: String, body: &impl Serialize) -> Result<Note, MemoryError> {
    match serde_json::to_string(body) {
        Ok(body) => Ok(Note { key, body }),
        Err(why) => Err(MemoryError(format!("note {key} cannot be written ({why})"))),
    }
}

/// A number of `epoch`.
pub(crate) fn numbered(epoch: &str, Uin(number): Uin) -> Number {
    Number { epoch: epoch.to_owned(), value: number, code: None }
}

//! Lasting ids: who and what the numbers of a login are.
//!
//! WebQQ renumbers everybody and everything at every login. The roster gives them ids of its own, keeps those on disk
//! before it hands them out, and finds everybody again after the next login by what lasts ([`matching`]).
//!
//! A person is `<account>.<n>`, the account itself `<account>`; a chat is `friend:<person>`, `group:<n>` or
//! `discussion:<n>`. Nobody outside takes these apart.

mod chats;
mod doubts;
mod evidence;
mod friends;
mod matching;
mod note;
#[cfg(test)]
mod place_worlds;
mod places;
mod real;
mod speakers;
mod state;
mod temporary;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worlds;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Mutex;

use self::note::{Changes, Kept};
use self::state::State;
use super::api::get_user_friends2::Friends;
use super::members::Members;
use super::number::Uin;
use crate::base::Pile;
use crate::qq::{AccountId, Changed, ChatId, ChatKind, Contact, ContactId, Error, Matching, Memory, Muting};

pub(crate) use self::evidence::PlaceEvidence;
pub(crate) use self::note::PlaceKind;
pub(crate) use self::places::SeenPlace;

/// The roster of one account.
pub(crate) struct Roster {
    account: AccountId,
    own: Uin,
    epoch: String,
    memory: Arc<dyn Memory>,
    state: RwLock<State>,
    changed: Pile<Changed>,
    /// Held while something is decided, written and taken over: one change at a time.
    changing: Mutex<()>,
}

/// Who or what a number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named<T> {
    /// It has a lasting id.
    Known(T),
    /// It could be more than one of those known before; the number of the doubt.
    Doubtful(u32),
    /// It is in no list that was seen.
    Unknown,
}

/// The lists of a login; those that were not asked for are absent.
#[derive(Default)]
pub(crate) struct Lists {
    pub(crate) friends: Option<Friends>,
    pub(crate) groups: Option<Vec<SeenPlace>>,
    pub(crate) discussions: Option<Vec<SeenPlace>>,
}

/// Where a message to a chat goes in this login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Friend(u64),
    Group(u64),
    Discussion(u64),
    /// With a member of a place who is no friend.
    Temporary {
        uin: u64,
        kind: PlaceKind,
        number: u64,
    },
}

impl Address {
    /// The group or discussion that it is, with its gid or did.
    pub(crate) const fn place(self) -> Option<(PlaceKind, u64)> {
        match self {
            Self::Group(gid) => Some((PlaceKind::Group, gid)),
            Self::Discussion(did) => Some((PlaceKind::Discussion, did)),
            Self::Friend(_) | Self::Temporary { .. } => None,
        }
    }
}

impl Roster {
    /// Reads what was kept. `epoch` is the login of now.
    pub(crate) async fn load(
        account: AccountId,
        own: Uin,
        epoch: String,
        memory: Arc<dyn Memory>,
    ) -> Result<Self, Error> {
        let (notes, awaited) = (memory.recall().await?, memory.awaited_epochs().await?);
        let state = RwLock::new(State::new(Kept::read(&notes)?, awaited));
        let (changed, changing) = (Pile::default(), Mutex::default());
        Ok(Self { account, own, epoch, memory, state, changed, changing })
    }

    /// Whether the lists of this login were never seen.
    pub(crate) fn is_new_login(&self) -> bool {
        self.state().login(&self.epoch).is_none()
    }

    /// The friends whose real numbers would help to tell them, now or after the next login.
    pub(crate) fn unclear(&self, list: &Friends) -> Vec<Uin> {
        self.state().unclear(&self.epoch, list)
    }

    /// The numbers of those groups or discussions that have to be looked at from within before they are absorbed.
    pub(crate) fn wanting(&self, kind: PlaceKind, list: &[SeenPlace]) -> Vec<u64> {
        self.state().wanting(kind, &self.epoch, list)
    }

    /// Takes lists of this login in: all of them or none.
    pub(crate) async fn absorb(&self, lists: Lists) -> Result<(), Error> {
        self.change(|state, changes| {
            // Even a login without any list is one whose lists were seen.
            state.login_in(changes, &self.epoch);
            if let Some(friends) = &lists.friends {
                state.absorb_friends(&self.epoch, friends, changes);
            }
            for (kind, list) in [(PlaceKind::Group, &lists.groups), (PlaceKind::Discussion, &lists.discussions)] {
                if let Some(list) = list {
                    state.absorb_places(kind, &self.epoch, list, changes);
                }
            }
        })
        .await
    }

    /// Compares a place with what its members say about it; a match by name that they contradict is taken back.
    pub(crate) async fn look_within(&self, kind: PlaceKind, number: u64, members: &Members) -> Result<(), Error> {
        self.change(|state, changes| state.look_within(kind, &self.epoch, number, members, changes)).await
    }

    /// Gives ids to the members `uins` of a place.
    pub(crate) async fn name_members(
        &self,
        kind: PlaceKind,
        number: u64,
        members: &Members,
        uins: &[Uin],
    ) -> Result<(), Error> {
        let place = (kind, self.epoch.as_str(), number);
        self.change(|state, changes| state.name_members(place, members, (self.own, uins), changes)).await
    }

    /// The person with a number that is in no list: made if there is none.
    pub(crate) async fn stranger(&self, epoch: &str, uin: Uin, nick: &str) -> Result<ContactId, Error> {
        self.change(|state, changes| {
            if state.person(epoch, uin).is_none() {
                state.add_stranger(epoch, uin, nick, changes);
            }
        })
        .await?;
        match self.person(epoch, uin) {
            Named::Known(contact) => Ok(contact),
            _ => Err(Error::Unmatched("a stranger".to_owned())),
        }
    }

    /// The place with a number that is in no list: made if there is none.
    pub(crate) async fn stray_place(&self, kind: PlaceKind, number: u64) -> Result<(), Error> {
        self.change(|state, changes| {
            if state.place(kind, &self.epoch, number).is_none() {
                state.add_place(kind, &self.epoch, number, changes);
            }
        })
        .await
    }

    /// Decides on changes, writes them, and only then takes them over.
    async fn change(&self, decide: impl FnOnce(&State, &mut Changes)) -> Result<(), Error> {
        let _one_at_a_time = self.changing.lock().await;
        let mut changes = Changes::default();
        let notes = {
            let state = self.state();
            decide(&state, &mut changes);
            // A login that stays as it was need not be written again.
            changes.login = changes.login.filter(|login| state.login(&login.epoch) != Some(login));
            let logins = changes.login.clone().map(|login| state.logins_with(login));
            changes.forget_numbers(|epoch| epoch == self.epoch || state.is_kept(logins.as_ref(), epoch));
            changes.notes(logins.as_ref())?
        };
        if !notes.is_empty() {
            self.memory.remember(notes).await?;
            let concerned = self.concerned(&changes);
            self.state.write().unwrap_or_else(PoisonError::into_inner).apply(changes);
            self.changed.add(|piled| piled.add(concerned));
        }
        Ok(())
    }

    /// Waits until something has changed since the last call ended, and gives what.
    pub(crate) async fn changed(&self) -> Changed {
        self.changed.taken().await
    }

    /// Who `uin` of `epoch` is. The account itself is known as such.
    pub(crate) fn person(&self, epoch: &str, uin: Uin) -> Named<ContactId> {
        if uin == self.own {
            return Named::Known(ContactId::from(&self.account));
        }
        let state = self.state();
        match (state.person(epoch, uin), state.doubt(epoch, ChatKind::Friend, uin.0)) {
            (Some(person), _) => Named::Known(self.contact_id(person.n)),
            (None, Some(doubt)) => Named::Doubtful(doubt.id),
            (None, None) => Named::Unknown,
        }
    }

    /// Which chat with a friend `uin` of `epoch` stands for. A friend in doubt stays so even when known as a member.
    pub(crate) fn friend_chat(&self, epoch: &str, uin: Uin) -> Named<ChatId> {
        let state = self.state();
        if let Some(doubt) = state.doubt(epoch, ChatKind::Friend, uin.0) {
            return Named::Doubtful(doubt.id);
        }
        state.person(epoch, uin).map_or(Named::Unknown, |person| Named::Known(self.friend_chat_id(person.n)))
    }

    /// Which chat the place `number` of `epoch` is.
    pub(crate) fn place_chat(&self, kind: PlaceKind, epoch: &str, number: u64) -> Named<ChatId> {
        let state = self.state();
        match (state.place(kind, epoch, number), state.doubt(epoch, kind.into(), number)) {
            (Some(place), _) => Named::Known(place_chat_id(kind, place.n)),
            (None, Some(doubt)) => Named::Doubtful(doubt.id),
            (None, None) => Named::Unknown,
        }
    }

    /// Whether `uin` was in the last friend list of this login, or is in doubt because of it.
    pub(crate) fn is_friend(&self, uin: Uin) -> bool {
        let state = self.state();
        state.person(&self.epoch, uin).is_some_and(|person| person.listed)
            || state.doubt(&self.epoch, ChatKind::Friend, uin.0).is_some()
    }

    /// Whether the numbers of `epoch` are still known.
    pub(crate) fn knows_login(&self, epoch: &str) -> bool {
        self.state().login(epoch).is_some()
    }

    /// The group code of a group of this login.
    pub(crate) fn code(&self, gid: u64) -> Option<u64> {
        self.state().place(PlaceKind::Group, &self.epoch, gid)?.numbers.of(&self.epoch)?.code
    }

    /// Whether a place was compared with its members in this login.
    pub(crate) fn is_checked(&self, kind: PlaceKind, number: u64) -> bool {
        let state = self.state();
        state.place(kind, &self.epoch, number).is_some_and(|place| place.checked_in.as_deref() == Some(&self.epoch))
    }

    /// The number of `contact`, who may be the account itself, in this login.
    pub(crate) fn uin(&self, contact: &ContactId) -> Option<Uin> {
        if *contact == ContactId::from(&self.account) {
            return Some(self.own);
        }
        let state = self.state();
        let person = state.person_n(self.n_of(contact.as_str())?)?;
        person.numbers.of(&self.epoch).map(|number| Uin(number.value))
    }

    /// What the account set `chat` to, by the last list.
    pub(crate) fn muting(&self, chat: &ChatId) -> Muting {
        let muting = |id: &str| Some(self.state().place_n(PlaceKind::Group, id.parse().ok()?)?.muting);
        chat.as_str().strip_prefix("group:").and_then(muting).unwrap_or_default()
    }

    /// What `contact` was called within `chat` when its members were last listed.
    pub(crate) fn card(&self, chat: &ChatId, contact: &ContactId) -> Option<String> {
        let place = chat.as_str().strip_prefix("group:")?.parse().ok()?;
        let state = self.state();
        let card = state.person_n(self.n_of(contact.as_str())?)?.heard_in.card(place)?;
        Some(card.to_owned()).filter(|card| !card.is_empty())
    }

    /// Where `chat` is in this login; `None` when it is not matched.
    pub(crate) fn address(&self, chat: &ChatId) -> Option<Address> {
        if chat.as_str().starts_with("temporary:") {
            return self.temporary_address(chat);
        }
        let state = self.state();
        let (kind, n) = self.chat_n(chat)?;
        if kind == ChatKind::Friend {
            let person = state.person_n(n)?;
            let number = person.numbers.of(&self.epoch)?.value;
            let doubtful = state.doubt(&self.epoch, ChatKind::Friend, number).is_some();
            return (!doubtful).then_some(Address::Friend(number));
        }
        let (place_kind, address): (_, fn(u64) -> Address) = match kind {
            ChatKind::Group => (PlaceKind::Group, Address::Group),
            ChatKind::Discussion => (PlaceKind::Discussion, Address::Discussion),
            _ => return None,
        };
        let place = state.place_n(place_kind, n)?;
        place.numbers.of(&self.epoch).map(|number| address(number.value))
    }

    /// A person by lasting id; `None` for ids that were never given out.
    pub(crate) fn contact(&self, id: &ContactId) -> Option<Contact> {
        let state = self.state();
        let person = state.person_n(self.n_of(id.as_str())?)?;
        let markname = person.friend.as_ref().and_then(|friend| friend.markname.clone());
        Some(Contact { id: id.clone(), nick: person.nick.clone(), markname, card: None })
    }

    /// How this login was matched.
    pub(crate) fn matching(&self) -> Matching {
        let state = self.state();
        let (kept, new) = state.login(&self.epoch).map_or((0, 0), |login| (login.kept, login.new));
        Matching { kept, new, doubts: self.doubts(&state) }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn contact_id(&self, n: u64) -> ContactId {
        ContactId::new(format!("{}.{n}", self.account))
    }

    fn friend_chat_id(&self, n: u64) -> ChatId {
        ChatId::new(format!("friend:{}.{n}", self.account))
    }

    /// The chat of this kind with this lasting id.
    fn chat_id(&self, kind: ChatKind, n: u64) -> ChatId {
        match kind {
            ChatKind::Group => place_chat_id(PlaceKind::Group, n),
            ChatKind::Discussion => place_chat_id(PlaceKind::Discussion, n),
            ChatKind::Friend | ChatKind::Temporary => self.friend_chat_id(n),
        }
    }

    /// What [`Roster::chat_id`] was made of.
    fn chat_n(&self, chat: &ChatId) -> Option<(ChatKind, u64)> {
        match chat.as_str().split_once(':')? {
            ("friend", id) => Some((ChatKind::Friend, self.n_of(id)?)),
            ("group", n) => Some((ChatKind::Group, n.parse().ok()?)),
            ("discussion", n) => Some((ChatKind::Discussion, n.parse().ok()?)),
            _ => None,
        }
    }

    /// The `<n>` of `<account>.<n>`.
    fn n_of(&self, id: &str) -> Option<u64> {
        id.strip_prefix(self.account.as_str())?.strip_prefix('.')?.parse().ok()
    }
}

fn place_chat_id(kind: PlaceKind, n: u64) -> ChatId {
    match kind {
        PlaceKind::Group => ChatId::new(format!("group:{n}")),
        PlaceKind::Discussion => ChatId::new(format!("discussion:{n}")),
    }
}

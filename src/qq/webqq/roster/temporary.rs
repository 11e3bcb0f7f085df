//! Chats with fellow members who are no friends: a person, and the place in which they were met.
//!
//! Such a chat is `temporary:<person>@<place>`; both parts last, so the roster keeps nothing for it.

use super::note::PlaceKind;
use super::{Address, Roster, place_chat_id};
use crate::qq::ChatId;
use crate::qq::webqq::number::Uin;

impl Roster {
    /// The chat with the person `uin`, met in the place `number`; `None` while one of them has no lasting id.
    pub(crate) fn temporary_chat(&self, kind: PlaceKind, epoch: &str, number: u64, uin: Uin) -> Option<ChatId> {
        let state = self.state();
        let (person, place) = (state.person(epoch, uin)?, state.place(kind, epoch, number)?);
        Some(ChatId::new(format!("temporary:{}@{}", self.contact_id(person.n), place_chat_id(kind, place.n))))
    }

    /// In which place of this login the other person of a temporary chat was met.
    pub(crate) fn met_in(&self, chat: &ChatId) -> Option<(PlaceKind, u64)> {
        let (_, place) = chat.as_str().strip_prefix("temporary:")?.split_once('@')?;
        self.address(&ChatId::new(place))?.place()
    }

    /// Where a temporary chat is in this login; `None` while the person has not been found again.
    pub(super) fn temporary_address(&self, chat: &ChatId) -> Option<Address> {
        let (kind, number) = self.met_in(chat)?;
        let (person, _) = chat.as_str().strip_prefix("temporary:")?.split_once('@')?;
        let state = self.state();
        let uin = state.person_n(self.n_of(person)?)?.numbers.of(&self.epoch)?.value;
        Some(Address::Temporary { uin, kind, number })
    }

    /// The gid of the group whose code in this login is `code`.
    pub(crate) fn gid(&self, code: u64) -> Option<u64> {
        let state = self.state();
        let of_now = state.places().filter_map(|place| place.numbers.of(&self.epoch));
        of_now.filter(|number| number.code == Some(code)).map(|number| number.value).next()
    }

    /// What the account calls a group or discussion.
    pub(crate) fn chat_name(&self, chat: &ChatId) -> Option<String> {
        let (kind, n) = chat.as_str().split_once(':')?;
        let kind = if kind == "group" { PlaceKind::Group } else { PlaceKind::Discussion };
        let state = self.state();
        let place = state.place_n(kind, n.parse().ok()?)?;
        Some(place.name().to_owned())
    }
}

//! What is of no worth when it is late: who is there, and who is typing. It is never written down and may be lost.
//!
//! Homeservers take somebody who says nothing about themselves for offline after half a minute, so whoever is there has
//! to be shown again and again; one request at a time, so that a thousand friends are no burst.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::debug;

use super::login::Live;
use super::{Bridge, Error};
use crate::matrix::{Intent, Presence};
use crate::qq::{AccountId, ChatId, ContactId, Passing, Status};

/// The least time between two presences.
const PACE: Duration = Duration::from_millis(200);
/// How often whoever is there is shown again.
const AGAIN: Duration = Duration::from_secs(20);
/// QQ says once that somebody began to type.
const TYPING: Duration = Duration::from_secs(10);

/// Who is there, as far as it was told, and whose turn it is to be shown.
#[derive(Debug, Default)]
pub(super) struct Presences {
    known: Mutex<Known>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Known {
    people: HashMap<ContactId, Person>,
    turns: VecDeque<ContactId>,
}

#[derive(Debug)]
struct Person {
    account: AccountId,
    status: Option<Status>,
    /// Whether they are among those who wait for their turn.
    waits: bool,
}

impl Presences {
    /// Somebody shows this status now. Whoever is waiting for their turn keeps it, with the newer status.
    fn note(&self, account: &AccountId, contact: ContactId, status: Option<Status>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = known.people.get(&contact).is_some_and(|person| person.waits);
        known.people.insert(contact.clone(), Person { account: account.clone(), status, waits: true });
        if !waited {
            known.turns.push_back(contact);
        }
        self.bell.notify_one();
    }

    /// Whose turn it is. Whoever is offline is forgotten once that was shown.
    fn next(&self) -> Option<(ContactId, AccountId, Option<Status>)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let contact = known.turns.pop_front()?;
        let person = known.people.get_mut(&contact)?;
        person.waits = false;
        let (account, status) = (person.account.clone(), person.status);
        if status.is_none() {
            known.people.remove(&contact);
        }
        Some((contact, account, status))
    }

    /// Whoever waits for another turn already is remembered.
    fn forget(&self, contact: &ContactId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.people.get(contact).is_some_and(|person| !person.waits) {
            known.people.remove(contact);
        }
    }

    /// Gives everybody who is there a turn again.
    fn again(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { people, turns } = &mut *known;
        for (contact, person) in people.iter_mut().filter(|(_, person)| !person.waits) {
            person.waits = true;
            turns.push_back(contact.clone());
        }
    }
}

impl Bridge {
    /// Passes on what `live` was told just now.
    pub(super) fn pass_on(self: &Arc<Self>, live: &Arc<Live>, passing: Vec<Passing>) {
        for passing in passing {
            match passing {
                Passing::Presence { contact, status } if self.config.matrix.presence => {
                    self.presences.note(&live.account, contact, status);
                }
                Passing::Presence { .. } => {}
                Passing::Typing { chat, contact } => {
                    let (bridge, account) = (Arc::clone(self), live.account.clone());
                    self.shutdown.spawn(async move {
                        if let Err(error) = bridge.show_typing(&account, &chat, &contact).await {
                            debug!(%error, "nobody saw somebody type");
                        }
                    });
                }
            }
        }
    }

    /// Notes who is there already when a session is taken up: QQ tells changes only.
    pub(super) async fn begin_presences(&self, live: &Live) {
        if !self.config.matrix.presence {
            return;
        }
        for chat in live.network.chats().await.unwrap_or_default() {
            if let (Some(peer), Some(status)) = (chat.peer, live.network.standing(&chat.id).status) {
                self.presences.note(&live.account, peer, Some(status));
            }
        }
    }

    async fn show_typing(&self, account: &AccountId, chat: &ChatId, contact: &ContactId) -> Result<(), Error> {
        let portal = self.portals.by_chat(account, chat);
        let Some(room) = portal.as_ref().and_then(|portal| portal.room.as_ref()) else { return Ok(()) };
        let Some(ghost) = self.registered_ghost(contact).await? else { return Ok(()) };
        Ok(ghost.typing(room, Some(TYPING)).await?)
    }

    /// Shows who is there, one after the other, until shutdown.
    pub(super) async fn show_presences(self: Arc<Self>) {
        while !self.shutdown.is_asked() {
            let Some((contact, account, status)) = self.presences.next() else {
                tokio::select! {
                    () = self.shutdown.asked() => return,
                    () = self.presences.bell.notified() => {}
                    () = tokio::time::sleep(AGAIN) => self.presences.again(),
                }
                continue;
            };
            match self.show_presence(&contact, &account, status).await {
                Ok(true) => {}
                Ok(false) => {
                    self.presences.forget(&contact);
                    continue;
                }
                Err(error) => debug!(%error, "a status could not be shown"),
            }
            self.shutdown.unless_asked(tokio::time::sleep(PACE)).await;
        }
    }

    /// `false` when there is nobody to be shown: nobody was ever heard of them, or their account is logged out.
    async fn show_presence(
        &self,
        contact: &ContactId,
        account: &AccountId,
        status: Option<Status>,
    ) -> Result<bool, Error> {
        if self.logins.live(account).is_none() {
            return Ok(false);
        }
        let Some(ghost) = self.registered_ghost(contact).await? else { return Ok(false) };
        let (presence, words) = shown(status);
        ghost.set_presence(presence, words).await?;
        Ok(true)
    }

    /// The ghost of `contact`, if it exists.
    async fn registered_ghost(&self, contact: &ContactId) -> Result<Option<Intent>, Error> {
        let id = contact.as_str().to_owned();
        let ghost = self.store.read(move |tx| Box::pin(async move { tx.ghost(&id).await })).await?;
        if !ghost.is_some_and(|ghost| ghost.registered) {
            return Ok(None);
        }
        Ok(Some(self.homeserver.intent(&self.homeserver.ghost_id(contact.as_str())?)))
    }
}

/// A status in Matrix's words; where those are poorer, in QQ's too.
fn shown(status: Option<Status>) -> (Presence, Option<&'static str>) {
    match status {
        None | Some(Status::Hidden) => (Presence::Offline, None),
        Some(Status::Online) => (Presence::Online, None),
        Some(Status::CallMe) => (Presence::Online, Some("Q我吧")),
        Some(Status::Away) => (Presence::Unavailable, None),
        Some(Status::Busy) => (Presence::Unavailable, Some("忙碌")),
        Some(Status::Silent) => (Presence::Unavailable, Some("请勿打扰")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_turn_with_their_newest_status_and_whoever_is_there_gets_it_again() {
        let (presences, account) = (Presences::default(), AccountId::new("10001"));
        let note = |n: &str, status| presences.note(&account, ContactId::new(n), status);
        let next = || presences.next().map(|(contact, _, status)| (contact.to_string(), status));
        note("a", Some(Status::Online));
        note("b", Some(Status::Online));
        note("a", None);
        assert_eq!(next(), Some(("a".to_owned(), None)));
        assert_eq!(next(), Some(("b".to_owned(), Some(Status::Online))));
        assert_eq!(next(), None);
        presences.again();
        assert_eq!(next(), Some(("b".to_owned(), Some(Status::Online))));
        presences.forget(&ContactId::new("b"));
        presences.again();
        assert_eq!(next(), None);
    }

    #[test]
    fn every_status_is_shown_as_matrix_knows_it() {
        for (status, presence) in [
            (None, Presence::Offline),
            (Some(Status::Hidden), Presence::Offline),
            (Some(Status::Online), Presence::Online),
            (Some(Status::CallMe), Presence::Online),
            (Some(Status::Away), Presence::Unavailable),
            (Some(Status::Busy), Presence::Unavailable),
            (Some(Status::Silent), Presence::Unavailable),
        ] {
            assert_eq!(shown(status).0, presence, "{status:?}");
        }
    }
}

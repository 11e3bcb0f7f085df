//! Asks for lists and members, and lets the roster take them in.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::api::get_discus_list::{self, Discussion};
use super::api::get_group_name_list_mask2::{self, Group};
use super::api::get_user_friends2::{self, Friends};
use super::api::{get_discu_info, get_friend_uin2, get_group_info_ext2};
use super::members::Members;
use super::network::WebQq;
use super::number::{Account, Did, GroupCode, Uin};
use super::roster::{Address, Lists, Named, PlaceEvidence, PlaceKind, SeenPlace};
use crate::base::clock::is_recent;
use crate::qq::{ChatId, Contact, ContactId, Error, Muting, Verdict};

/// How often the friend list is asked for when it comes without marknames. Source: protocol dossier 6.2.
const MARKNAME_ATTEMPTS: usize = 3;

/// How often one list is asked for because of strangers within ten minutes, whoever they are: the account must not be
/// made conspicuous by people who come and go. A guess.
const MOST_BECAUSE_OF_STRANGERS: usize = 5;

/// Of how many people real numbers are asked for at a login: the account must not be made conspicuous. A guess.
const MOST_LOOKED_UP: usize = 20;

/// What somebody unknown makes the client ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    /// The friend list, because of a person.
    Friends(Uin),
    /// The list of groups or discussions, because of one of them.
    Places(PlaceKind, u64),
    /// The members of a place, because of a person.
    Members(PlaceKind, u64, Uin),
    /// The members of a place, which QQ did not tell.
    Within(PlaceKind, u64),
}

impl Question {
    /// Whether both ask for the same list, because of the same person or of another one.
    fn is_about_the_same_list(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Friends(_), Self::Friends(_)) => true,
            (Self::Places(kind, _), Self::Places(other, _)) => kind == other,
            (Self::Members(kind, number, _), Self::Members(other_kind, other, _)) => {
                (kind, number) == (other_kind, other)
            }
            (one, other) => one == other,
        }
    }
}

impl WebQq {
    /// What a session needs before its first poll: after a new login all lists, always a sign that it still holds.
    ///
    /// Source: protocol dossier 5.2 (the order of the official page).
    pub(super) async fn take_up(&self) -> Result<(), Error> {
        if self.roster.is_new_login() {
            let mut friends = self.friends().await?;
            self.tell_apart(&mut friends).await?;
            let groups = self.places(PlaceKind::Group).await?;
            let discussions = self.places(PlaceKind::Discussion).await?;
            self.roster
                .absorb(Lists { friends: Some(friends), groups: Some(groups), discussions: Some(discussions) })
                .await?;
        }
        self.ask_standing().await
    }

    /// Lists everything anew when the time has come. Only the end of the session is an error: names can wait.
    ///
    /// Source: protocol dossier 11 (every ten minutes).
    pub(super) async fn list_anew_in_time(&self) -> Result<(), Error> {
        let (now_ms, listed_at_ms) = (self.clock.now_ms(), self.listed_at_ms.load(Ordering::Relaxed));
        let period_ms = i64::try_from(self.settings.list_refresh_ms).unwrap_or(i64::MAX);
        if period_ms == 0 || is_recent(listed_at_ms, now_ms, period_ms) {
            return Ok(());
        }
        match self.list_now().await {
            Err(error) if error.verdict() == Verdict::LogIn => Err(error),
            Err(error) => {
                tracing::info!(%error, "the lists could not be had; they are asked for again later");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Asks for every list.
    pub(super) async fn list_now(&self) -> Result<(), Error> {
        self.listed_at_ms.store(self.clock.now_ms(), Ordering::Relaxed);
        self.reload_friends().await?;
        self.reload_places(PlaceKind::Group).await?;
        self.reload_places(PlaceKind::Discussion).await?;
        self.ask_standing().await
    }

    /// The friend list, with marknames if QQ can be brought to tell them.
    async fn friends(&self) -> Result<Friends, Error> {
        let mut friends = Friends::default();
        for _ in 0..MARKNAME_ATTEMPTS {
            friends = self.pace.insist(|| get_user_friends2::ask(&self.link)).await?;
            if friends.marknames_told {
                break;
            }
        }
        Ok(friends)
    }

    /// Asks for the real numbers of those friends whom the list does not tell apart. After the first refusal nobody else
    /// is asked about: since April 2017 QQ tells none.
    async fn tell_apart(&self, list: &mut Friends) -> Result<(), Error> {
        let unclear = self.roster.unclear(list);
        for friend in list.friends.iter_mut().filter(|friend| unclear.contains(&friend.uin)).take(MOST_LOOKED_UP) {
            match get_friend_uin2::ask(&self.link, friend.uin).await {
                Ok(account) => friend.account = account,
                Err(error) if error.verdict() == Verdict::LogIn => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "QQ does not tell real numbers");
                    break;
                }
            }
        }
        // What two have is no number of either.
        let told: Vec<Account> = list.friends.iter().filter_map(|friend| friend.account).collect();
        let is_shared = |account: &Account| told.iter().filter(|other| *other == account).count() > 1;
        for friend in &mut list.friends {
            friend.account = friend.account.filter(|account| !is_shared(account));
        }
        Ok(())
    }

    /// The list of groups or discussions; those that their names do not tell are looked at from within.
    async fn places(&self, kind: PlaceKind) -> Result<Vec<SeenPlace>, Error> {
        let mut list: Vec<SeenPlace> = match kind {
            PlaceKind::Group => {
                let groups = self.pace.insist(|| get_group_name_list_mask2::ask(&self.link)).await?;
                groups.into_iter().map(SeenPlace::from).collect()
            }
            PlaceKind::Discussion => {
                let discussions = self.pace.insist(|| get_discus_list::ask(&self.link)).await?;
                discussions.into_iter().map(SeenPlace::from).collect()
            }
        };
        let wanting = self.roster.wanting(kind, &list);
        for seen in list.iter_mut().filter(|seen| wanting.contains(&seen.number)) {
            if let Some(members) = self.ask_members(kind, seen.number, seen.code).await? {
                seen.look_within(&members);
            }
        }
        Ok(list)
    }

    /// Asks for the friend list because of `uin`, unless that was done lately.
    pub(super) async fn refresh_friends(&self, uin: Uin) -> Result<(), Error> {
        self.once(Question::Friends(uin), self.reload_friends()).await
    }

    /// Asks for the list of groups or discussions because of `number`, unless that was done lately.
    pub(super) async fn refresh_places(&self, kind: PlaceKind, number: u64) -> Result<(), Error> {
        self.once(Question::Places(kind, number), self.reload_places(kind)).await
    }

    /// Asks for the list of groups or discussions.
    pub(super) async fn reload_places(&self, kind: PlaceKind) -> Result<(), Error> {
        let list = Some(self.places(kind).await?);
        self.roster
            .absorb(match kind {
                PlaceKind::Group => Lists { groups: list, ..Lists::default() },
                PlaceKind::Discussion => Lists { discussions: list, ..Lists::default() },
            })
            .await
    }

    /// Asks for the friend list.
    pub(super) async fn reload_friends(&self) -> Result<(), Error> {
        let friends = Some(self.friends().await?);
        self.roster.absorb(Lists { friends, ..Lists::default() }).await
    }

    /// Asks unless it was asked lately. A refusal for good is an answer; other errors are the caller's.
    async fn once(&self, question: Question, ask: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
        let now_ms = self.clock.now_ms();
        let same = |asked: &Question| asked.is_about_the_same_list(&question);
        if self.asked.lately(&question, now_ms) || self.asked.how_many(same, now_ms) >= MOST_BECAUSE_OF_STRANGERS {
            return Ok(());
        }
        match ask.await {
            Err(error) if error.verdict() != Verdict::GiveUp => return Err(error),
            Err(error) => tracing::warn!(%error, "a list could not be had"),
            Ok(()) => {}
        }
        self.asked.note(question, now_ms);
        Ok(())
    }

    /// The members that QQ last listed; asks when there are none. `None` when QQ does not tell them.
    pub(super) async fn members_of(&self, kind: PlaceKind, number: u64) -> Result<Option<Arc<Members>>, Error> {
        if let Some(members) = self.listed_members(kind, number) {
            return Ok(Some(members));
        }
        let _one_at_a_time = self.looking_within.lock().await;
        match self.listed_members(kind, number) {
            Some(members) => Ok(Some(members)),
            None if self.asked.lately(&Question::Within(kind, number), self.clock.now_ms()) => Ok(None),
            None => self.look_within(kind, number).await,
        }
    }

    /// The members as they were last listed in this process.
    pub(super) fn listed_members(&self, kind: PlaceKind, number: u64) -> Option<Arc<Members>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).get(&(kind, number)).cloned()
    }

    /// Asks for the members because of `uin`, unless that was done lately.
    async fn refresh_members(&self, kind: PlaceKind, number: u64, uin: Uin) -> Result<(), Error> {
        self.once(Question::Members(kind, number, uin), async { self.look_within(kind, number).await.map(|_| ()) })
            .await
    }

    /// Gives an id to `uin` if they are a member of a place; asks anew for members listed before that are without them.
    /// `false` when QQ does not tell who the members are.
    pub(super) async fn name_member(&self, kind: PlaceKind, number: u64, uin: Uin) -> Result<bool, Error> {
        let was_listed = self.listed_members(kind, number).is_some();
        let Some(mut members) = self.members_of(kind, number).await? else { return Ok(false) };
        if was_listed && members.find(uin).is_none() {
            self.refresh_members(kind, number, uin).await?;
            members = self.listed_members(kind, number).unwrap_or(members);
        }
        self.roster.name_members(kind, number, &members, &[uin]).await?;
        if let Some(account) = members.find(uin).and_then(|member| member.account) {
            self.roster.note_account(uin, account, self.clock.now_ms()).await?;
        }
        Ok(true)
    }

    /// Gives ids to all members of a place; `None` when QQ does not tell who they are.
    pub(super) async fn name_all_members(&self, kind: PlaceKind, number: u64) -> Result<Option<Arc<Members>>, Error> {
        let Some(members) = self.members_of(kind, number).await? else { return Ok(None) };
        let uins: Vec<Uin> = members.list.iter().map(|member| member.uin).collect();
        self.roster.name_members(kind, number, &members, &uins).await?;
        Ok(Some(members))
    }

    /// Changes the member list of a group as QQ told: no list needs to be asked for.
    pub(super) fn change_members(&self, gid: u64, change: impl FnOnce(&mut Members)) {
        let mut listed = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(members) = listed.get_mut(&(PlaceKind::Group, gid)) {
            change(Arc::make_mut(members));
        }
    }

    /// Asks for the members, and compares them with what was known of the place.
    pub(super) async fn look_within(&self, kind: PlaceKind, number: u64) -> Result<Option<Arc<Members>>, Error> {
        let code = self.roster.code(number).filter(|_| kind == PlaceKind::Group);
        let Some(members) = self.ask_members(kind, number, code).await? else {
            self.asked.note(Question::Within(kind, number), self.clock.now_ms());
            return Ok(None);
        };
        let by_name = self.roster.place_chat(kind, self.link.epoch(), number);
        self.roster.look_within(kind, number, &members).await?;
        let from_within = self.roster.place_chat(kind, self.link.epoch(), number);
        if from_within != by_name && matches!(from_within, Named::Known(_)) {
            // Two that exchanged their names: the other one has to be found again as well.
            self.reload_places(kind).await?;
        }
        let members = Arc::new(members);
        let mut listed = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        listed.insert((kind, number), Arc::clone(&members));
        Ok(Some(members))
    }

    async fn ask_members(&self, kind: PlaceKind, number: u64, code: Option<u64>) -> Result<Option<Members>, Error> {
        let asked = match (kind, code) {
            (PlaceKind::Group, None) => return Ok(None),
            (PlaceKind::Group, Some(code)) => {
                self.pace.insist(|| get_group_info_ext2::ask(&self.link, GroupCode(code))).await
            }
            (PlaceKind::Discussion, _) => self.pace.insist(|| get_discu_info::ask(&self.link, Did(number))).await,
        };
        match asked {
            Ok(members) => Ok(Some(members)),
            Err(error @ (Error::Busy { .. } | Error::Unintelligible { .. } | Error::Refused { .. })) => {
                tracing::warn!(%error, "QQ does not tell the members of a chat");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The members of `chat` with lasting ids.
    pub(super) async fn members_of_chat(&self, chat: &ChatId) -> Result<Vec<Contact>, Error> {
        let unmatched = || Error::Unmatched(chat.to_string());
        let address = self.roster.address(chat).ok_or_else(unmatched)?;
        if let Address::Friend(uin) | Address::Temporary { uin, .. } = address {
            return Ok(self.contact_of(Uin(uin)).into_iter().collect());
        }
        let (kind, number) = address.place().ok_or_else(unmatched)?;
        let members = self.name_all_members(kind, number).await?.ok_or_else(unmatched)?;
        let contact = |uin: Uin, card: &Option<String>| Some(Contact { card: card.clone(), ..self.contact_of(uin)? });
        Ok(members.list.iter().filter_map(|member| contact(member.uin, &member.card)).collect())
    }

    /// What `chat` calls `contact`: the card, else the nick.
    pub(super) fn name_of(&self, chat: &ChatId, contact: &ContactId) -> Option<String> {
        let uin = self.roster.uin(contact)?;
        let place = match self.roster.address(chat)? {
            Address::Temporary { kind, number, .. } => Some((kind, number)),
            address => address.place(),
        };
        let members = place.and_then(|(kind, number)| self.listed_members(kind, number));
        let card = members.and_then(|members| members.find(uin)?.card.clone());
        card.or_else(|| Some(self.contact_of(uin)?.nick)).filter(|name| !name.is_empty())
    }

    pub(super) fn contact_of(&self, uin: Uin) -> Option<Contact> {
        if uin == self.link.uin() {
            let id = ContactId::from(self.link.account());
            return Some(Contact { id, nick: self.link.nick().to_owned(), markname: None, card: None });
        }
        match self.roster.person(self.link.epoch(), uin) {
            Named::Known(id) => self.roster.contact(&id),
            _ => None,
        }
    }
}

impl From<Group> for SeenPlace {
    fn from(group: Group) -> Self {
        let evidence = PlaceEvidence { name: group.name, ..PlaceEvidence::default() };
        let (number, code, markname, muting) = (group.gid.0, Some(group.code.0), group.markname, group.muting);
        Self { number, code, markname, muting, evidence, from_within: false }
    }
}

impl From<Discussion> for SeenPlace {
    fn from(discussion: Discussion) -> Self {
        let evidence = PlaceEvidence { name: discussion.name, ..PlaceEvidence::default() };
        let (number, muting) = (discussion.did.0, Muting::Loud);
        Self { number, code: None, markname: None, muting, evidence, from_within: false }
    }
}

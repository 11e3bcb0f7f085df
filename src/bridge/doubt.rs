//! Chats that a login could not match for certain: their messages wait in the inbox, in order, until the owner says who
//! is who.
//!
//! Whoever settles a doubt holds the translator up: what waited is due again before anything newer is opened, so that
//! nothing overtakes it. A process that dies in between has the same effect, since every start makes all of it due.

use std::sync::Arc;

use tracing::warn;

use super::login::Live;
use super::text::escape;
use super::{Bridge, Error, route};
use crate::qq::{AccountId, Candidate, ChatId, ChatKind, Doubt, Likeness};

/// What became of messages before a decision was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Already {
    /// From QQ, in the room.
    pub shown: u64,
    /// From QQ, on the way to the room.
    pub leaving: u64,
    /// From the room, on QQ.
    pub said: u64,
}

/// What a message that waits for doubt `number` is filed under.
#[must_use]
pub fn waits_for(number: u32) -> String {
    format!("match {number}: it is not certain which chat this is")
}

/// The letter of the candidate at `place`, by which commands name it; a number beyond z.
#[must_use]
pub fn letter(place: usize) -> String {
    let letter = u8::try_from(place).ok().filter(|place| *place < 26).map(|place| char::from(b'a' + place));
    letter.map_or_else(|| (place + 1).to_string(), String::from)
}

impl Bridge {
    /// Ends a doubt of `live`, and lets go what waited for it.
    pub async fn settle(
        self: &Arc<Self>,
        live: &Arc<Live>,
        number: u32,
        known: Option<&ChatId>,
    ) -> Result<ChatId, Error> {
        let _nothing_overtakes = live.translating.lock().await;
        let chat = live.network.settle(number, known).await?;
        self.wake_parked(&live.account).await?;
        live.arrived.notify_one();
        self.wake_lanes(route::lanes_of(&live.account)).await?;
        Ok(chat)
    }

    /// Takes back what ended a doubt; gives the chat that it had been, and what cannot be taken back.
    pub async fn unsettle(self: &Arc<Self>, live: &Arc<Live>, number: u32) -> Result<(ChatId, Already), Error> {
        let _nothing_follows = live.translating.lock().await;
        let settled = live.network.unsettle(number).await?;
        let Some(portal) = self.portals.by_chat(&live.account, &settled.chat) else {
            return Ok((settled.chat, Already::default()));
        };
        let (to_room, to_chat) = (route::lane_to_portal_room(portal.id), Self::lane_of(&portal));
        let since = settled.at_ms;
        let already = self.store.read(move |tx| {
            Box::pin(async move {
                Ok(Already {
                    shown: tx.count_sent(&to_room, since).await?,
                    leaving: tx.count_unfinished(&to_room).await?,
                    said: tx.count_sent(&to_chat, since).await?,
                })
            })
        });
        Ok((settled.chat, already.await?))
    }

    /// Asks the owner of `live` who `doubt` is, once. When that fails it is tried again with the next message that waits.
    pub(super) async fn ask_owner(self: &Arc<Self>, live: &Live, doubt: &Doubt) {
        let text = [self.texts_for(&live.owner).say("match.waits", &[]), self.question(live, doubt)].join("\n\n");
        let epoch = &live.network.session().epoch;
        let key = route::key(&["match", live.account.as_str(), epoch, &doubt.number.to_string()]);
        if let Err(error) = self.tell_owner_in_markdown(&live.owner, &text, &key).await {
            warn!(account = %live.account, doubt = doubt.number, %error, "the owner could not be asked who is who");
        }
    }

    /// Makes everything due that was parked for `account`.
    pub(super) async fn wake_parked(&self, account: &AccountId) -> Result<(), Error> {
        let origin = route::from_qq(account);
        self.store.write(move |tx| Box::pin(async move { tx.wake_arrivals(&origin).await })).await?;
        Ok(())
    }

    /// How many messages wait for doubt `number`.
    pub async fn waiting_for(&self, account: &AccountId, number: u32) -> Result<u64, Error> {
        let (origin, error) = (route::from_qq(account), waits_for(number));
        Ok(self.store.read(move |tx| Box::pin(async move { tx.count_postponed(&origin, &error).await })).await?)
    }

    /// The question who `doubt` is, with whom it may be and what to write, as markdown.
    #[must_use]
    pub fn question(&self, live: &Live, doubt: &Doubt) -> String {
        let number = doubt.number.to_string();
        let kind = self.texts_for(&live.owner).say(kind_key(doubt.kind), &[]);
        let values = [("number", &*number), ("kind", &kind), ("name", &escape(&doubt.name))];
        let mut lines = vec![self.texts_for(&live.owner).say("match.who", &values)];
        // With several accounts a number alone may mean two.
        let several = self.logins.of_owner(&live.owner).len() > 1;
        let account = if several { format!(" {}", live.account) } else { String::new() };
        let free = doubt.candidates.iter().enumerate().filter(|(_, candidate)| !candidate.is_taken);
        for (place, candidate) in free {
            let call = format!("match {number} {}{account}", letter(place));
            lines.push(format!("- {}", self.choice(live, &call, candidate)));
        }
        let call = format!("match new {number}{account}");
        lines.push(format!("- {}", self.texts_for(&live.owner).say("match.choice.new", &[("call", &call)])));
        lines.join("\n")
    }

    fn choice(&self, live: &Live, call: &str, candidate: &Candidate) -> String {
        let room = self.portals.by_chat(&live.account, &candidate.chat).and_then(|portal| portal.room.clone());
        let name = escape(&candidate.name);
        let name = match room {
            Some(room) => format!("[{name}]({})", room.matrix_to_uri()),
            None => self.texts_for(&live.owner).say("match.roomless", &[("name", &name)]),
        };
        let reason = |likeness: &Likeness| self.texts_for(&live.owner).say(because_key(*likeness), &[]);
        let reasons: Vec<String> = candidate.reasons.iter().map(reason).collect();
        let (score, reasons) = (candidate.score.to_string(), reasons.join(", "));
        self.texts_for(&live.owner)
            .say("match.choice", &[("call", call), ("name", &name), ("score", &score), ("reasons", &reasons)])
    }
}

fn kind_key(kind: ChatKind) -> &'static str {
    match kind {
        ChatKind::Friend | ChatKind::Temporary => "match.kind.friend",
        ChatKind::Group => "match.kind.group",
        ChatKind::Discussion => "match.kind.discussion",
    }
}

fn because_key(likeness: Likeness) -> &'static str {
    match likeness {
        Likeness::SameNick => "match.because.same_nick",
        Likeness::OtherNick => "match.because.other_nick",
        Likeness::SameMarkname => "match.because.same_markname",
        Likeness::OtherMarkname => "match.because.other_markname",
        Likeness::NoMarkname => "match.because.no_markname",
        Likeness::NewMarkname => "match.because.new_markname",
        Likeness::SameCategory => "match.because.same_category",
        Likeness::OtherCategory => "match.because.other_category",
        Likeness::WasGone => "match.because.was_gone",
        Likeness::SameName => "match.because.same_name",
        Likeness::OtherName => "match.because.other_name",
        Likeness::SameBirth => "match.because.same_birth",
        Likeness::OtherBirth => "match.because.other_birth",
        Likeness::SameOwner => "match.because.same_owner",
        Likeness::OtherOwner => "match.because.other_owner",
        Likeness::SamePeople => "match.because.same_people",
        Likeness::OtherPeople => "match.because.other_people",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_have_letters_and_then_numbers() {
        assert_eq!((letter(0), letter(25), letter(26)), ("a".into(), "z".into(), "27".into()));
    }
}

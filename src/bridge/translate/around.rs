//! What happens around an account: groups change, people want something, kinds of events that nobody knows.

use crate::base::clock::is_recent;
use crate::bridge::departure::{self, Act, Speaker, Target, ToRoom};
use crate::bridge::levels::{ADMINISTRATOR, OWNER};
use crate::bridge::login::Live;
use crate::bridge::{Bridge, Texts, notice, route};
use crate::qq::{Change, ContactId, GroupNews, News, Passing, Request, Wanted};
use crate::store::{self, Tx};

use super::Outcome;

/// How long news of a moment is worth passing on, in milliseconds.
const WORTH_MS: i64 = 30_000;

impl Bridge {
    /// `passing`, unless it came too long ago.
    pub(super) fn still_worth(&self, passing: &Passing, received_at_ms: i64) -> Option<Passing> {
        is_recent(received_at_ms, self.clock.now_ms(), WORTH_MS).then(|| passing.clone())
    }

    /// Shows a change in a group in its room. Without a room there is nobody to show it to.
    pub(super) async fn translate_group(
        &self,
        tx: &mut Tx,
        live: &Live,
        seq: i64,
        (news, people): (&GroupNews, &[(ContactId, String)]),
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let own = ContactId::from(&live.account);
        let key = |part: &str| route::key(&["group", live.account.as_str(), &seq.to_string(), part]);
        let (name, texts) = (news.name.as_str(), self.texts_for(&live.owner));
        let gone = match &news.change {
            Change::Gone { by } if by.is_empty() => Some(texts.say("group.left", &[("group", name)])),
            Change::Gone { by } => Some(texts.say("group.removed", &[("group", name), ("by", by)])),
            Change::Dissolved => Some(texts.say("group.dissolved", &[("group", name)])),
            _ => None,
        };
        if let Some(text) = &gone {
            out.lanes.push(notice::put_in_control(tx, &live.owner, text, &key("control")).await?);
        }
        let portal = self.portals.by_chat(&live.account, &news.chat);
        let Some(portal) = portal.filter(|portal| !self.is_left_out(&portal.account, &portal.chat, portal.kind)) else {
            return Ok(());
        };
        if let Some(text) = gone {
            out.lanes.push(notice::put_in_portal(tx, portal.id, &text, &key("portal")).await?);
            return Ok(());
        }
        for (at, (who, act)) in acts(&news.change, texts).into_iter().enumerate() {
            if who == own {
                let text = if matches!(act, Act::Level(0)) { "group.no_office" } else { "group.office" };
                let text = texts.say(text, &[("group", name)]);
                out.lanes.push(notice::put_in_portal(tx, portal.id, &text, &key(&at.to_string())).await?);
                continue;
            }
            if let (Act::Enter, Some((_, nick))) = (&act, people.iter().find(|(contact, _)| *contact == who)) {
                self.keep_ghost(tx, &who, nick, out).await?;
            }
            let to_room = ToRoom::new(Target::Portal(portal.id), Speaker::Ghost(who), serde_json::Value::Null);
            let (to_room, key) = (ToRoom { act: Some(act), ..to_room }, key(&at.to_string()));
            let lane = route::lane_to_portal_room(portal.id);
            out.lanes.push(departure::put_on(tx, lane, live.account.as_str(), &to_room, &key, Some(seq)).await?);
        }
        Ok(())
    }

    /// Keeps what somebody wants, and asks the owner of the account for an answer.
    pub(super) async fn translate_asked(
        &self,
        tx: &mut Tx,
        live: &Live,
        request: &Request,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let account = live.account.as_str();
        let who = if request.who.is_empty() { "?" } else { &request.who };
        let what = match &request.wanted {
            Wanted::Friendship => {
                self.texts_for(&live.owner).say("request.friendship", &[("who", who), ("account", account)])
            }
            Wanted::Membership(group) => {
                self.texts_for(&live.owner).say("request.membership", &[("who", who), ("group", group)])
            }
        };
        let Some(row) = tx.add_request(account, &request.key, &what, who, &request.ticket).await? else {
            return Ok(());
        };
        let n = row.id.to_string();
        let words: String = request.words.lines().flat_map(|line| ["\n> ", line]).collect();
        let hint = self.texts_for(&live.owner).say("request.hint", &[("n", &n)]);
        let text = format!("{what}{words}\n{hint}");
        let key = route::key(&["request", account, &n]);
        out.lanes.push(notice::put_in_control(tx, &live.owner, &text, &key).await?);
        Ok(())
    }

    /// Tells the owner of the account.
    pub(super) async fn translate_told(
        &self,
        tx: &mut Tx,
        live: &Live,
        seq: i64,
        news: &News,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let text = match news {
            News::Added(who) => self.texts_for(&live.owner).say("news.added", &[("who", who)]),
            News::Befriended(who) => self.texts_for(&live.owner).say("news.befriended", &[("who", who)]),
            News::Rejected { who, why } => {
                self.texts_for(&live.owner).say("news.rejected", &[("who", who), ("why", why)])
            }
            News::LetIn(group) => self.texts_for(&live.owner).say("news.let_in", &[("group", group)]),
            News::KeptOut { group, why } => {
                self.texts_for(&live.owner).say("news.kept_out", &[("group", group), ("why", why)])
            }
        };
        let key = route::key(&["news", live.account.as_str(), &seq.to_string()]);
        out.lanes.push(notice::put_in_control(tx, &live.owner, &text, &key).await?);
        Ok(())
    }

    /// Keeps an event of an unknown kind, and tells the owner of the account once for each kind.
    pub(super) async fn translate_unknown(
        &self,
        tx: &mut Tx,
        live: &Live,
        seq: i64,
        kind: &str,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let account = live.account.as_str();
        tracing::warn!(account, seq, kind, "QQ pushed something of an unknown kind; it is kept in the inbox");
        let text = self.texts_for(&live.owner).say("event.unsupported", &[("kind", kind), ("n", &seq.to_string())]);
        let key = route::key(&["unsupported", account, kind]);
        out.lanes.push(notice::put_in_control(tx, &live.owner, &text, &key).await?);
        tx.bury_arrival(seq, &format!("not carried yet: {kind}")).await.map(drop)
    }
}

/// Who does what in the room because of `change`.
fn acts(change: &Change, texts: Texts) -> Vec<(ContactId, Act)> {
    match change {
        Change::Joined(who) => vec![(who.clone(), Act::Enter)],
        Change::Left(who) => vec![(who.clone(), Act::Leave(None))],
        Change::PutOut { who, by } => {
            let reason = texts.say("group.put_out", &[("by", by)]);
            vec![(who.clone(), Act::Leave(Some(reason)))]
        }
        Change::Administrator { who, now } => {
            vec![(who.clone(), Act::Level(if *now { ADMINISTRATOR } else { 0 }))]
        }
        Change::Owner { from, to } => {
            let from = from.iter().map(|from| (from.clone(), Act::Level(0)));
            from.chain([(to.clone(), Act::Level(OWNER))]).collect()
        }
        Change::Gone { .. } | Change::Dissolved => Vec::new(),
    }
}

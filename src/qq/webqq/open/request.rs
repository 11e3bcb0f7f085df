//! Opens what people want of the account and what became of what it wanted, and answers it.
//!
//! Source: protocol dossier 7.5, 7.6 (`system_message`, `group_request_join`), 10.5 (the answers).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Stop, account, named, number, text, uin, unreadable};
use crate::qq::webqq::api::{
    allow_added_request2, allow_and_add2, deny_added_request2, get_friend_info2, op_group_join_req,
};
use crate::qq::webqq::content::name;
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::{Gid, Uin};
use crate::qq::{Answer, Envelope, Error, Event, News, Request, Wanted};

/// What answering a request takes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ticket {
    /// The real number of whoever wants to be a friend; it outlasts the login.
    Friend { account: u64 },
    /// Numbers of one login.
    Member { epoch: String, gid: u64, uin: u64 },
}

impl Ticket {
    fn seal(&self) -> String {
        // Texts and numbers always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl WebQq {
    /// Friend requests, and the answers to those of the account.
    pub(super) async fn open_system_message(&self, envelope: &Envelope, value: &Value) -> Result<Event, Stop> {
        let kind = text(value, "type").unwrap_or_default();
        if !matches!(
            kind,
            "verify_required"
                | "verify_pass"
                | "verify_pass_add"
                | "verify_rejected"
                | "added_buddy_sig"
                | "added_buddy_nosig"
        ) {
            return Ok(Event::Unsupported { kind: format!("system_message {}", name::decode(kind)).trim().to_owned() });
        }
        let from = uin(value, "from_uin").ok_or_else(|| Stop::from(unreadable("it does not say who asks")))?;
        let number = number(value, "account").and_then(|account| u64::try_from(account).ok());
        if let Some(real) = account(value, "account", from.0).filter(|_| self.is_now(&envelope.epoch)) {
            self.roster.note_account(from, real, self.clock.now_ms()).await?;
        }
        let who = self.somebody(&envelope.epoch, from, number, "").await;
        let words = named(value, "msg");
        Ok(match (kind, number) {
            ("verify_required", Some(account)) => Event::Asked(Request {
                key: envelope.dedup_key.clone(),
                wanted: Wanted::Friendship,
                who,
                words,
                ticket: Ticket::Friend { account }.seal(),
            }),
            ("verify_required", None) => unreadable("it does not tell the number of who asks"),
            ("verify_rejected", _) => Event::Told(News::Rejected { who, why: words }),
            ("verify_pass" | "verify_pass_add", _) => {
                self.open_list_change(envelope).await?;
                Event::Told(News::Befriended(who))
            }
            _ => Event::Told(News::Added(who)),
        })
    }

    /// Somebody wants to enter a group of which the account is an administrator.
    pub(super) async fn open_join_request(&self, envelope: &Envelope, gid: u64, value: &Value) -> Result<Event, Stop> {
        let from = uin(value, "request_uin").ok_or_else(|| Stop::from(unreadable("it does not say who asks")))?;
        let group = self.group_heard_of((&envelope.epoch, gid)).await?;
        let number = number(value, "t_request_uin").and_then(|number| u64::try_from(number).ok());
        let code = format!("group_request_join-{gid}");
        let who = self.somebody(&envelope.epoch, from, number, &code).await;
        Ok(Event::Asked(Request {
            key: envelope.dedup_key.clone(),
            wanted: Wanted::Membership(group),
            who,
            words: named(value, "msg"),
            ticket: Ticket::Member { epoch: envelope.epoch.clone(), gid, uin: from.0 }.seal(),
        }))
    }

    /// What to call somebody: nick and number, as far as they can be had. Not knowing them stops nothing.
    async fn somebody(&self, epoch: &str, who: Uin, number: Option<u64>, code: &str) -> String {
        let nick = if self.is_now(epoch) {
            let card = get_friend_info2::ask_stranger(&self.link, who, code).await;
            let unknown = |error| {
                tracing::debug!(%error, "QQ does not tell who somebody is");
                String::new()
            };
            card.map_or_else(unknown, |card| card.nick)
        } else {
            String::new()
        };
        match (nick.is_empty(), number) {
            (true, Some(number)) => number.to_string(),
            (false, Some(number)) => format!("{nick} ({number})"),
            (_, None) => nick,
        }
    }

    /// Answers the request that `ticket` is of.
    pub(in crate::qq::webqq) async fn answer_request(&self, ticket: &str, answer: &Answer) -> Result<(), Error> {
        let refused = |meaning| Error::Refused { endpoint: "answer", retcode: 0, meaning };
        let ticket: Ticket = serde_json::from_str(ticket).map_err(|_| refused("the request cannot be read"))?;
        match (ticket, answer) {
            (Ticket::Friend { account }, Answer::Accept) => match allow_and_add2::ask(&self.link, account).await {
                // Somebody who is a friend already cannot be added.
                Err(Error::Refused { .. }) => allow_added_request2::ask(&self.link, account).await,
                done => done,
            },
            (Ticket::Friend { account }, Answer::Deny(why)) => deny_added_request2::ask(&self.link, account, why).await,
            (Ticket::Member { epoch, .. }, _) if !self.is_now(&epoch) => {
                Err(refused("QQ gave new numbers since: they have to ask again"))
            }
            (Ticket::Member { gid, uin, .. }, answer) => {
                op_group_join_req::ask(&self.link, Gid(gid), Uin(uin), answer).await
            }
        }
    }
}

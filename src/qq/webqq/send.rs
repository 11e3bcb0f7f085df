//! Says something, exactly once or nobody knows.
//!
//! Source: protocol dossier 9.4 (answers). What QQ certainly did not take may be said again; what it may have taken is
//! [`Sent::Uncertain`] and is never repeated here.

use super::api::get_gface_sig2::GfaceSig;
use super::api::{
    get_c2cmsg_sig2, get_online_buddies2, send_buddy_msg2, send_discu_msg2, send_offfile2, send_qun_msg2,
    send_sess_msg2,
};
use super::content::encode::encode;
use super::http::{Answer, Fault};
use super::media::Uploaded;
use super::network::WebQq;
use super::number::{Did, Gid, GroupCode, Uin};
use super::reply::Reply;
use super::retcode::{OnSend, Retcode};
use super::roster::{Address, PlaceKind};
use crate::qq::{ChatId, Error, Outgoing, Sent};

/// What was tried already to make QQ take a message that it certainly did not take.
#[derive(Default)]
struct Tried {
    rotated: bool,
    rejoined: bool,
    refetched: bool,
}

/// What is said, in the shapes in which it may have to be said.
struct Saying {
    content: String,
    gface_sig: Option<GfaceSig>,
    /// Path and name of a file that is all there is to say.
    file: Option<(String, String)>,
    msg_id: u64,
}

/// What became of one request.
#[derive(Debug)]
enum Outcome {
    /// The answer has this code.
    Code { retcode: i64, p: Option<String> },
    /// The request may have been taken.
    Unknown,
    /// It certainly was not.
    Unsent(Error),
}

impl WebQq {
    /// Says `message` in `chat`.
    pub(super) async fn say(&self, chat: &ChatId, message: &Outgoing) -> Result<Sent, Error> {
        let nothing = Error::Refused { endpoint: "send", retcode: 0, meaning: "there is nothing to say" };
        let content = encode(&message.pieces, &message.style).ok_or(nothing)?;
        let gface_sig = self.gface_sig_for(&message.pieces).await?;
        let file = Uploaded::file_in(&message.pieces);
        let saying = Saying { content, gface_sig, file, msg_id: self.msg_ids.next() };
        let mut tried = Tried::default();
        loop {
            let address = self.checked_address(chat).await?;
            let leave = self.leave_for(address).await?;
            let (endpoint, answer) = self.request(address, &leave, &saying).await;
            let (retcode, p) = match outcome(endpoint, answer) {
                Outcome::Code { retcode, p } => (retcode, p),
                Outcome::Unknown => return Ok(Sent::Uncertain),
                Outcome::Unsent(error) => return Err(error),
            };
            let row = Retcode::of(retcode);
            match (row.send, p) {
                (OnSend::Accepted, _) => return Ok(Sent::Accepted(None)),
                (OnSend::Uncertain, _) => return Ok(Sent::Uncertain),
                (OnSend::Rotate, Some(ptwebqq)) if !tried.rotated => {
                    tried.rotated = true;
                    self.link.rotate(&ptwebqq);
                }
                (OnSend::Rejoin, _) if !tried.rejoined => {
                    tried.rejoined = true;
                    get_online_buddies2::ask(&self.link).await?;
                }
                (OnSend::Refetch, _) if !tried.refetched => {
                    tried.refetched = true;
                    self.reload(address).await?;
                    let has_leave = matches!(address, Address::Temporary { .. });
                    if !has_leave && self.roster.address(chat) == Some(address) {
                        return Err(Error::Refused { endpoint, retcode, meaning: row.meaning });
                    }
                }
                (OnSend::Rejoin | OnSend::LogIn, _) => return Err(Error::SessionEnded { endpoint, retcode }),
                (OnSend::Later | OnSend::Rotate, _) => return Err(Error::Busy { endpoint, retcode }),
                (OnSend::Refetch | OnSend::GiveUp, _) => {
                    return Err(Error::Refused { endpoint, retcode, meaning: row.meaning });
                }
            }
        }
    }

    /// Where `chat` is. A group or discussion that was found again by its name is first seen from within: what is said
    /// must not reach other people of the same name.
    async fn checked_address(&self, chat: &ChatId) -> Result<Address, Error> {
        let unmatched = || Error::Unmatched(chat.to_string());
        if let (None, Some((kind, number))) = (self.roster.address(chat), self.roster.met_in(chat)) {
            // The other person of a temporary session is found again among the members.
            self.name_all_members(kind, number).await?;
        }
        let address = self.roster.address(chat).ok_or_else(unmatched)?;
        let Some((kind, number)) = address.place() else { return Ok(address) };
        if !self.roster.is_checked(kind, number) {
            self.members_of(kind, number).await?;
        }
        self.roster.address(chat).ok_or_else(unmatched)
    }

    /// The leave to speak to a fellow member; nothing is needed elsewhere.
    async fn leave_for(&self, address: Address) -> Result<String, Error> {
        let Address::Temporary { uin, kind, number } = address else { return Ok(String::new()) };
        let whom = (kind, number, Uin(uin));
        if let Some(leave) = self.leaves.of(whom, self.clock.now_ms()) {
            return Ok(leave);
        }
        let leave = get_c2cmsg_sig2::ask(&self.link, (kind, number), Uin(uin)).await?;
        self.leaves.keep(whom, leave.clone(), self.clock.now_ms());
        Ok(leave)
    }

    async fn request(&self, to: Address, leave: &str, saying: &Saying) -> (&'static str, Result<Answer, Fault>) {
        let Saying { content, gface_sig, file, msg_id } = saying;
        let (gface_sig, msg_id) = (gface_sig.as_ref(), *msg_id);
        let link = &self.link;
        match to {
            Address::Friend(uin) => match file {
                Some((path, name)) => (send_offfile2::ENDPOINT, send_offfile2::ask(link, Uin(uin), path, name).await),
                None => (send_buddy_msg2::ENDPOINT, send_buddy_msg2::ask(link, Uin(uin), content, msg_id).await),
            },
            Address::Group(gid) => {
                let code = self.roster.code(gid).map(GroupCode);
                let picture = gface_sig.map(|sig| (sig, code.unwrap_or(GroupCode(gid))));
                (send_qun_msg2::ENDPOINT, send_qun_msg2::ask(link, Gid(gid), content, msg_id, picture).await)
            }
            Address::Discussion(did) => {
                (send_discu_msg2::ENDPOINT, send_discu_msg2::ask(link, Did(did), content, msg_id, gface_sig).await)
            }
            Address::Temporary { uin, kind, .. } => {
                let answer = send_sess_msg2::ask(link, (Uin(uin), kind), leave, (content, msg_id)).await;
                (send_sess_msg2::ENDPOINT, answer)
            }
        }
    }

    async fn reload(&self, address: Address) -> Result<(), Error> {
        match address {
            Address::Friend(_) => self.reload_friends().await,
            Address::Group(_) => self.reload_places(PlaceKind::Group).await,
            Address::Discussion(_) => self.reload_places(PlaceKind::Discussion).await,
            Address::Temporary { uin, kind, number } => {
                self.leaves.drop((kind, number, Uin(uin)));
                Ok(())
            }
        }
    }
}

/// Reads an answer. Whatever is not certainly a refusal may have been taken: a gateway's 502 comes after the request
/// went through it, and half an answer is an answer that was lost.
fn outcome(endpoint: &'static str, answer: Result<Answer, Fault>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault @ Fault::NotSent(_)) => return Outcome::Unsent(fault.unreachable(endpoint)),
        Err(Fault::Lost(_) | Fault::TimedOut) => return Outcome::Unknown,
    };
    if let status @ 300..500 = answer.status {
        return Outcome::Unsent(Error::Status { endpoint, status });
    }
    match Reply::read(endpoint, Ok(answer)) {
        Ok(reply) => match reply.code() {
            Some(retcode) => Outcome::Code { retcode, p: reply.text("p").map(str::to_owned) },
            None if reply.text("msg") == Some("send ok") => Outcome::Code { retcode: 0, p: None },
            None => Outcome::Unknown,
        },
        Err(_) => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str, torn: bool) -> String {
        let torn = torn.then(|| "cut".to_owned());
        let answer = Answer { status, location: None, body: body.into(), torn };
        match outcome("send", Ok(answer)) {
            Outcome::Code { retcode, .. } => retcode.to_string(),
            Outcome::Unknown => "unknown".to_owned(),
            Outcome::Unsent(_) => "unsent".to_owned(),
        }
    }

    #[test]
    fn both_shapes_of_an_answer_are_read_and_what_cannot_be_read_is_uncertain() {
        let table = [
            (200, "{\"retcode\":0,\"result\":\"ok\"}\n", false, "0"),
            (200, "{\"errCode\":0,\"msg\":\"send ok\"}", false, "0"),
            (200, "{\"msg\":\"send ok\"}", false, "0"),
            (200, "{\"errmsg\":\"error!!!\",\"retcode\":1202}\n", false, "1202"),
            (200, "{\"errMsg\":\"ERROR\"}", false, "unknown"),
            (200, "{\"retcode\":0", true, "unknown"),
            (200, "", false, "unknown"),
            (200, "<html>", false, "unknown"),
            (502, "", false, "unknown"),
            (504, "", false, "unknown"),
            (404, "", false, "unsent"),
            (302, "", false, "unsent"),
        ];
        for (status, body, torn, expected) in table {
            assert_eq!(answered(status, body, torn), expected, "{status} {body}");
        }
    }

    #[test]
    fn only_a_request_that_never_left_is_certainly_unsent() {
        assert!(matches!(outcome("send", Err(Fault::NotSent(String::new()))), Outcome::Unsent(_)));
        assert!(matches!(outcome("send", Err(Fault::Lost(String::new()))), Outcome::Unknown));
        assert!(matches!(outcome("send", Err(Fault::TimedOut)), Outcome::Unknown));
    }
}

//! One login as the service knows it: its tickets, its numbers, its poll.

use std::collections::HashMap;

use rand::Rng;
use rand::rngs::StdRng;

use super::chat::ChatKey;
use super::numbers::Numbers;
use super::people::People;
use super::token;
use super::world::World;

/// Tells sessions apart within one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionId(pub(crate) u64);

/// Everything that a successful QR login started.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Cookies.
    pub(crate) ptwebqq: String,
    pub(crate) skey: String,
    pub(crate) p_skey: String,
    /// What the `check_sig` link carries.
    pub(crate) ptsigx: String,
    /// The list ticket of getvfwebqq.
    pub(crate) vfwebqq: Option<String>,
    /// When login2 was called last.
    pub(crate) logged_in_at_ms: i64,
    /// What login2 gave.
    pub(crate) channel: Option<Channel>,
    /// What messages with pictures show in groups: key and signature.
    pub(crate) gface: Option<(String, String)>,
    /// Counts polls; only the newest one is served.
    pub(crate) poll_turn: u64,
    /// Polls that are held right now.
    pub(crate) held_polls: u32,
    /// A `kick_message` waits for the next poll; nothing else is served any more.
    pub(crate) kicked: Option<String>,
    /// For whom `get_c2cmsg_sig2` gave which leave.
    pub(crate) leaves: HashMap<String, ChatKey>,
}

/// A session after login2.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) psessionid: String,
    /// As the client chose it: a number or a string.
    pub(crate) clientid: String,
    pub(crate) status: String,
    pub(crate) numbers: Numbers,
    /// Whether `get_online_buddies2` was called.
    pub(crate) asked_for_buddies: bool,
}

impl Session {
    pub(crate) fn new(id: SessionId, rng: &mut StdRng) -> Self {
        Self {
            id,
            ptwebqq: token::hex(rng, 32),
            skey: token::skey(rng),
            p_skey: token::letters(rng, 44),
            ptsigx: token::hex(rng, 80),
            vfwebqq: None,
            logged_in_at_ms: 0,
            channel: None,
            gface: None,
            poll_turn: 0,
            held_polls: 0,
            kicked: None,
            leaves: HashMap::new(),
        }
    }

    /// login2: a new channel with new numbers. Returns the vfwebqq of login2, which the list calls do not accept.
    ///
    /// Source: protocol dossier 5.1.
    pub(crate) fn open_channel(
        &mut self,
        rng: &mut StdRng,
        world: &World,
        people: &People,
        clientid: String,
        status: String,
    ) -> String {
        let ticket: [u8; 40] = rng.random();
        self.channel = Some(Channel {
            psessionid: token::psessionid(rng, world.account.number, &self.skey, &ticket),
            clientid,
            status,
            numbers: Numbers::deal(rng, world, people),
            asked_for_buddies: false,
        });
        self.kicked = None;
        hex::encode(ticket)
    }

    pub(crate) fn psessionid(&self) -> Option<&str> {
        self.channel.as_ref().map(|channel| channel.psessionid.as_str())
    }
}

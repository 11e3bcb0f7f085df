//! How the pretend homeserver misbehaves.

use std::time::Duration;

/// A part of the client API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Versions,
    Whoami,
    Register,
    DisplayName,
    AvatarUrl,
    CreateRoom,
    Join,
    Invite,
    Leave,
    Forget,
    Kick,
    Send,
    Redact,
    SetState,
    GetState,
    JoinedRooms,
    JoinedMembers,
    Messages,
    Event,
    Upload,
    Download,
    Receipt,
    Typing,
    Presence,
    SetAccountData,
    GetAccountData,
    SetPushRule,
    DeletePushRule,
    Ping,
}

/// What happens instead of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing is done, and this status is answered, without a Matrix error, as a proxy does.
    Status(u16),
    /// Nothing is done, and it is refused with this code.
    Refuse(&'static str),
    /// It is done, and the connection is lost before the answer.
    Drop,
    /// The connection is lost before anything is done.
    DropBefore,
    /// `M_LIMIT_EXCEEDED`, with this many milliseconds to wait.
    Limit(u64),
    /// The answer comes this late.
    Delay(Duration),
}

/// What was ordered.
#[derive(Default)]
pub(crate) struct Faults(Vec<(Endpoint, usize, Fault)>);

impl Faults {
    pub(super) fn order(&mut self, endpoint: Endpoint, times: usize, fault: Fault) {
        self.0.push((endpoint, times, fault));
    }

    /// Whether all that was ordered has happened.
    pub(super) fn are_spent(&self) -> bool {
        self.0.iter().all(|(_, left, _)| *left == 0)
    }

    /// The fault for this request, if there is one.
    pub(super) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let (_, left, fault) = self.0.iter_mut().find(|(at, left, _)| *at == endpoint && *left > 0)?;
        *left -= 1;
        Some(*fault)
    }
}

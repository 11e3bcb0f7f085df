//! What can go wrong with QQ, and what to do next.

use std::time::Duration;

use super::memory::MemoryError;

/// What to do after an error; nobody above this room matches on retcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try the same again after this wait.
    Retry(Duration),
    /// The session is over: a person has to log in.
    LogIn,
    /// It will never work.
    GiveUp,
}

/// What went wrong, with the evidence.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No answer, or none that HTTP understands; the request certainly had no effect, or may be repeated.
    #[error("{endpoint}: no answer from QQ ({why})")]
    Unreachable {
        /// The call.
        endpoint: &'static str,
        /// The cause, without addresses that hold secrets.
        why: String,
    },
    /// An answer with a status that says nothing about the session.
    #[error("{endpoint}: QQ answered HTTP {status}")]
    Status {
        /// The call.
        endpoint: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// An answer that could not be understood.
    #[error("{endpoint}: QQ's answer was not understood ({why}): {evidence}")]
    Unintelligible {
        /// The call.
        endpoint: &'static str,
        /// What is wrong with it.
        why: String,
        /// The first 200 bytes, without secrets and message texts.
        evidence: String,
    },
    /// QQ refused, and may not refuse later.
    #[error("{endpoint}: QQ refused for now (retcode {retcode})")]
    Busy {
        /// The call.
        endpoint: &'static str,
        /// QQ's code.
        retcode: i64,
    },
    /// QQ refused, for good.
    #[error("{endpoint}: QQ refused (retcode {retcode}): {meaning}")]
    Refused {
        /// The call.
        endpoint: &'static str,
        /// QQ's code.
        retcode: i64,
        /// What the code means.
        meaning: &'static str,
    },
    /// The session is over.
    #[error("{endpoint}: the QQ session has ended (retcode {retcode})")]
    SessionEnded {
        /// The call.
        endpoint: &'static str,
        /// QQ's code.
        retcode: i64,
    },
    /// The saved session cannot be read.
    #[error("the saved QQ session cannot be read ({0}); log in again")]
    SessionUnreadable(String),
    /// The configured network has no such login.
    #[error("the configured network has no such login")]
    NoSuchLogin,
    /// The person said no on the phone, or QQ said no to the person.
    #[error("QQ refused the login (code {code}): {text}")]
    LoginRefused {
        /// What that means.
        why: Refusal,
        /// QQ's code.
        code: String,
        /// QQ's words.
        text: String,
    },
    /// The bounded number of QR codes expired unscanned.
    #[error("{0} QR codes expired without being scanned")]
    TooManyCodes(u32),
    /// QQ does not hand a picture or file out, for now or because it is gone.
    #[error("{endpoint}: QQ does not hand it out ({why})")]
    NoMedia {
        /// The call.
        endpoint: &'static str,
        /// What QQ did instead.
        why: String,
    },
    /// A picture or file is larger than we take.
    #[error("it is larger than {0} bytes")]
    MediaTooLarge(usize),
    /// QQ sent us for a picture or file to an address that we do not go to.
    #[error("QQ named an address that we do not go to ({0})")]
    MediaUnsafe(&'static str),
    /// The chat or person is not among those that this login matched.
    #[error("{0} is not matched in this QQ session")]
    Unmatched(String),
    /// Lasting ids could not be read or written.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The configuration cannot work.
    #[error("network.webqq: {0}")]
    Settings(String),
}

/// Why QQ does not let somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Password and number do not belong together.
    WrongPassword,
    /// The picture was misread too often.
    WrongCaptcha,
    /// The account is frozen, locked or looks stolen to QQ: its owner has to free it there first.
    Frozen,
    /// Too many logins from this address.
    TooMany,
    /// QQ wants a QR code to be scanned instead.
    ScanInstead,
    /// QQ is busy: later it may say yes.
    Busy,
    /// Something else, which QQ's own words explain, if anything.
    Other,
}

impl Error {
    /// What to do next. The wait of a [`Verdict::Retry`] is the shortest that makes sense; back off from there.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Unreachable { .. } | Self::Status { .. } | Self::Memory(_) => Verdict::Retry(Duration::from_secs(1)),
            Self::Unintelligible { .. } => Verdict::Retry(Duration::from_secs(5)),
            Self::NoMedia { .. } => Verdict::Retry(Duration::ZERO),
            Self::Busy { .. } => Verdict::Retry(Duration::from_secs(10)),
            Self::Unmatched(_) => Verdict::Retry(Duration::from_mins(1)),
            Self::SessionEnded { .. } | Self::SessionUnreadable(_) => Verdict::LogIn,
            Self::Refused { .. }
            | Self::LoginRefused { .. }
            | Self::NoSuchLogin
            | Self::TooManyCodes(_)
            | Self::MediaTooLarge(_)
            | Self::MediaUnsafe(_)
            | Self::Settings(_) => Verdict::GiveUp,
        }
    }
}

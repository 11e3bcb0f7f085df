//! How the process ends when it does not end well: a number for scripts and a sentence for people.

use std::process::ExitCode;

/// Why the process ended. The numbers that mautrix bridges have too mean the same here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something that has no number of its own.
    Failure,
    /// The command line was not understood.
    Usage,
    /// The configuration could not be read.
    ConfigUnreadable,
    /// The configuration holds mistakes.
    ConfigInvalid,
    /// Logging could not be started.
    Logging,
    /// The homeserver cannot reach the bridge.
    UnreachableForHomeserver,
    /// The database could not be opened.
    Database,
    /// The homeserver refuses the `as_token`, or does not speak the client API.
    TokenRefused,
    /// The `as_token` belongs to another application service.
    WrongAccount,
    /// The homeserver lacks a version of the specification that the bridge needs.
    HomeserverTooOld,
    /// `homeserver.domain` is not set or still the example.
    DomainUnset,
    /// The registration could not be written.
    RegistrationUnwritable,
    /// The configuration could not be written.
    ConfigUnwritable,
    /// The bridge cannot listen on its address.
    NoListener,
    /// The registration and the configuration disagree.
    RegistrationDiffers,
    /// The bridge cannot reach the homeserver.
    HomeserverUnreachable,
}

impl Exit {
    /// Every one, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Failure,
        Self::Usage,
        Self::ConfigUnreadable,
        Self::ConfigInvalid,
        Self::Logging,
        Self::UnreachableForHomeserver,
        Self::Database,
        Self::TokenRefused,
        Self::WrongAccount,
        Self::HomeserverTooOld,
        Self::DomainUnset,
        Self::RegistrationUnwritable,
        Self::ConfigUnwritable,
        Self::NoListener,
        Self::RegistrationDiffers,
        Self::HomeserverUnreachable,
    ];

    /// The number, and what it means.
    #[must_use]
    pub const fn explained(self) -> (u8, &'static str) {
        match self {
            Self::Failure => (1, "something that has no number of its own"),
            Self::Usage => (2, "the command line was not understood"),
            Self::ConfigUnreadable => (10, "the configuration could not be read"),
            Self::ConfigInvalid => (11, "the configuration holds mistakes"),
            Self::Logging => (12, "logging could not be started"),
            Self::UnreachableForHomeserver => (13, "the homeserver cannot reach the bridge"),
            Self::Database => (14, "the database could not be opened"),
            Self::TokenRefused => (16, "the homeserver refuses the as_token, or does not speak the client API"),
            Self::WrongAccount => (17, "the as_token belongs to another application service"),
            Self::HomeserverTooOld => (18, "the homeserver is too old"),
            Self::DomainUnset => (20, "homeserver.domain is not set or still the example"),
            Self::RegistrationUnwritable => (21, "the registration could not be written"),
            Self::ConfigUnwritable => (22, "the configuration could not be written"),
            Self::NoListener => (23, "the bridge cannot listen on its address"),
            Self::RegistrationDiffers => (24, "the registration and the configuration disagree"),
            Self::HomeserverUnreachable => (25, "the bridge cannot reach the homeserver"),
        }
    }

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.explained().0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What ends the process.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fatal {
    /// For scripts.
    pub exit: Exit,
    /// For people: what is wrong and what to do about it.
    pub message: String,
}

impl Fatal {
    /// The process cannot go on because of `message`.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_has_a_number_of_its_own() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    }
}

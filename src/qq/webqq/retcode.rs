//! QQ's codes: what each means and what to do about it, in one table.
//!
//! Source: protocol dossier 7.4 (all calls), 5.2 (login2), 9.4 (sends); era C where the eras disagree.

/// What to do about an answer of poll2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnPoll {
    /// Nothing is wrong: hand out what came and listen again.
    Listen,
    /// A failure like any other: several in a row mean that the link is lost.
    Count,
    /// Not a failure, but wait before listening again.
    Wait,
    /// Harmless once; the session is over when it stays.
    Tolerate,
    /// Take the new `ptwebqq` in `p`.
    Rotate,
    /// Take up the link again with login2.
    Relink,
    /// Ask `get_online_buddies2`, once.
    Rejoin,
    /// QQ asks for patience.
    Later,
    /// The session is over.
    LogIn,
    /// It will never work.
    GiveUp,
}

/// What to do about an answer of a list or of login2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnCall {
    /// As wanted.
    Fine,
    /// QQ may answer later.
    Later,
    /// Seen to pass; the session is over when it stays.
    LaterOrLogIn,
    /// The session is over.
    LogIn,
    /// It will never work.
    GiveUp,
}

/// What to do about an answer of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnSend {
    /// QQ took it.
    Accepted,
    /// QQ may have taken it.
    Uncertain,
    /// Certainly not taken; QQ may take it later.
    Later,
    /// Certainly not taken: say it again with the new `ptwebqq` in `p`.
    Rotate,
    /// Certainly not taken: ask `get_online_buddies2` and say it again, once.
    Rejoin,
    /// Certainly not taken: the number is stale.
    Refetch,
    /// Certainly not taken: the session is over.
    LogIn,
    /// Certainly not taken, nor ever will be.
    GiveUp,
}

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retcode {
    /// QQ's number.
    pub(crate) code: i64,
    /// In our words.
    pub(crate) meaning: &'static str,
    /// From poll2.
    pub(crate) poll: OnPoll,
    /// From a list or login2.
    pub(crate) call: OnCall,
    /// From a send.
    pub(crate) send: OnSend,
}

impl Retcode {
    const fn new(code: i64, meaning: &'static str, poll: OnPoll, call: OnCall, send: OnSend) -> Self {
        Self { code, meaning, poll, call, send }
    }

    /// The row of `code`. A code that nobody documented counts as a failure; a send that got it may have been taken.
    pub(crate) fn of(code: i64) -> Self {
        let unknown = Self::new(code, "not documented", OnPoll::Count, OnCall::Later, OnSend::Uncertain);
        TABLE.iter().find(|row| row.code == code).copied().unwrap_or(unknown)
    }
}

#[rustfmt::skip]
const TABLE: [Retcode; 30] = [
    //           code     meaning                                   poll2              lists, login2          sends
    Retcode::new(0,       "done",                                   OnPoll::Listen,    OnCall::Fine,          OnSend::Accepted),
    Retcode::new(6,       "refused for now",                        OnPoll::Later,     OnCall::Later,         OnSend::Later),
    Retcode::new(50,      "wrong hash or vfwebqq",                  OnPoll::LogIn,     OnCall::LaterOrLogIn,  OnSend::LogIn),
    Retcode::new(60,      "the account has to be unlocked",         OnPoll::GiveUp,    OnCall::GiveUp,        OnSend::GiveUp),
    Retcode::new(100,     "not logged in (NotReLogin)",             OnPoll::LogIn,     OnCall::LogIn,         OnSend::LogIn),
    Retcode::new(101,     "failed",                                 OnPoll::Count,     OnCall::Later,         OnSend::Uncertain),
    Retcode::new(102,     "nothing happened",                       OnPoll::Listen,    OnCall::Later,         OnSend::Uncertain),
    Retcode::new(103,     "not logged in, or not quite yet",        OnPoll::Rejoin,    OnCall::LaterOrLogIn,  OnSend::Rejoin),
    Retcode::new(106,     "the account is not on QQ's white list",  OnPoll::GiveUp,    OnCall::GiveUp,        OnSend::GiveUp),
    Retcode::new(108,     "a cookie is missing",                    OnPoll::LogIn,     OnCall::LogIn,         OnSend::LogIn),
    Retcode::new(109,     "offline",                                OnPoll::Wait,      OnCall::Later,         OnSend::Uncertain),
    Retcode::new(110,     "offline",                                OnPoll::Wait,      OnCall::Later,         OnSend::Uncertain),
    Retcode::new(111,     "the account is on QQ's black list",      OnPoll::GiveUp,    OnCall::GiveUp,        OnSend::GiveUp),
    Retcode::new(112,     "overloaded",                             OnPoll::Later,     OnCall::Later,         OnSend::Later),
    Retcode::new(113,     "ask later",                              OnPoll::Later,     OnCall::Later,         OnSend::Later),
    Retcode::new(114,     "failed",                                 OnPoll::Count,     OnCall::Later,         OnSend::Uncertain),
    Retcode::new(115,     "blocked for a while",                    OnPoll::Later,     OnCall::Later,         OnSend::Later),
    Retcode::new(116,     "a new ptwebqq",                          OnPoll::Rotate,    OnCall::Later,         OnSend::Rotate),
    Retcode::new(120,     "the link is lost",                       OnPoll::Relink,    OnCall::Later,         OnSend::Later),
    Retcode::new(121,     "the link is lost, or logged in twice",   OnPoll::Relink,    OnCall::Later,         OnSend::Later),
    Retcode::new(122,     "the wrong kind of client",               OnPoll::LogIn,     OnCall::LogIn,         OnSend::LogIn),
    Retcode::new(1202,    "QQ itself does not know",                OnPoll::Listen,    OnCall::Later,         OnSend::Uncertain),
    Retcode::new(100_000, "the ticket has expired",                 OnPoll::LogIn,     OnCall::LaterOrLogIn,  OnSend::LogIn),
    Retcode::new(100_001, "a wrong number",                         OnPoll::Count,     OnCall::GiveUp,        OnSend::Refetch),
    Retcode::new(100_002, "the ticket has expired",                 OnPoll::Count,     OnCall::LaterOrLogIn,  OnSend::Uncertain),
    Retcode::new(100_003, "harmless",                               OnPoll::Listen,    OnCall::Later,         OnSend::Uncertain),
    Retcode::new(100_006, "the request was malformed",              OnPoll::GiveUp,    OnCall::GiveUp,        OnSend::GiveUp),
    Retcode::new(100_012, "harmless at times, or the login is gone", OnPoll::Tolerate, OnCall::LaterOrLogIn,  OnSend::LogIn),
    Retcode::new(100_100, "harmless",                               OnPoll::Listen,    OnCall::Fine,          OnSend::Accepted),
    Retcode::new(100_101, "headers or cookies are missing",         OnPoll::GiveUp,    OnCall::GiveUp,        OnSend::GiveUp),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The dossier's tables once more, by verdict instead of by code.
    const POLL: [(OnPoll, &[i64]); 10] = [
        (OnPoll::Listen, &[0, 102, 1202, 100_003, 100_100]),
        (OnPoll::Count, &[101, 114, 100_001, 100_002, 4711]),
        (OnPoll::Wait, &[109, 110]),
        (OnPoll::Tolerate, &[100_012]),
        (OnPoll::Rotate, &[116]),
        (OnPoll::Relink, &[120, 121]),
        (OnPoll::Rejoin, &[103]),
        (OnPoll::Later, &[6, 112, 113, 115]),
        (OnPoll::LogIn, &[50, 100, 108, 122, 100_000]),
        (OnPoll::GiveUp, &[60, 106, 111, 100_006, 100_101]),
    ];
    const CALL: [(OnCall, &[i64]); 5] = [
        (OnCall::Fine, &[0, 100_100]),
        (OnCall::Later, &[6, 101, 102, 109, 110, 112, 113, 114, 115, 116, 120, 121, 1202, 100_003, 4711]),
        (OnCall::LaterOrLogIn, &[50, 103, 100_000, 100_002, 100_012]),
        (OnCall::LogIn, &[100, 108, 122]),
        (OnCall::GiveUp, &[60, 106, 111, 100_001, 100_006, 100_101]),
    ];
    const SEND: [(OnSend, &[i64]); 8] = [
        (OnSend::Accepted, &[0, 100_100]),
        (OnSend::Uncertain, &[101, 102, 109, 110, 114, 1202, 100_002, 100_003, 4711]),
        (OnSend::Later, &[6, 112, 113, 115, 120, 121]),
        (OnSend::Rotate, &[116]),
        (OnSend::Rejoin, &[103]),
        (OnSend::Refetch, &[100_001]),
        (OnSend::LogIn, &[50, 100, 108, 122, 100_000, 100_012]),
        (OnSend::GiveUp, &[60, 106, 111, 100_006, 100_101]),
    ];

    #[test]
    fn every_code_has_the_verdicts_of_the_dossier() {
        for (verdict, codes) in POLL {
            assert!(codes.iter().all(|code| Retcode::of(*code).poll == verdict), "{verdict:?}");
        }
        for (verdict, codes) in CALL {
            assert!(codes.iter().all(|code| Retcode::of(*code).call == verdict), "{verdict:?}");
        }
        for (verdict, codes) in SEND {
            assert!(codes.iter().all(|code| Retcode::of(*code).send == verdict), "{verdict:?}");
        }
    }

    #[test]
    fn no_row_is_forgotten_by_the_test_nor_given_twice() {
        let codes: std::collections::BTreeSet<i64> = TABLE.iter().map(|row| row.code).collect();
        assert_eq!(codes.len(), TABLE.len());
        for (place, told) in [
            ("poll", POLL.iter().flat_map(|(_, codes)| codes.iter()).collect::<Vec<_>>()),
            ("call", CALL.iter().flat_map(|(_, codes)| codes.iter()).collect()),
            ("send", SEND.iter().flat_map(|(_, codes)| codes.iter()).collect()),
        ] {
            assert_eq!(told.len(), TABLE.len() + 1, "{place}: each row once, and one code that is not in the table");
            assert!(codes.iter().all(|code| told.contains(&code)), "{place}");
        }
    }
}

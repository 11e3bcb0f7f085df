//! One turn of poll2: what its answer means for the link, and what to do about it.
//!
//! Source: protocol dossier 7.4 (codes), 5.3 (relink), 5.4 (rotation), 7.2 (how idle polls end), 7.7 (repetitions).

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::api::{get_msg_tip, get_online_buddies2, login2, poll2};
use super::batch::Batch;
use super::held::Held;
use super::http::{Answer, Fault};
use super::pace::Pace;
use super::reply::unintelligible;
use super::retcode::{OnPoll, Retcode};
use super::session::Link;
use crate::base::Clock;
use crate::qq::{Envelope, Error};

const ENDPOINT: &str = poll2::ENDPOINT;
/// Failures in a row that mean a lost link. Source: protocol dossier 7.4 (the official page).
const MOST_FAILURES: u32 = 8;
/// Relinks in a row that mean a lost session.
const MOST_RELINKS: u32 = 3;
/// 100012 in a row that mean a lost session. Guess: the dossier says "a few".
const MOST_TOLERATED: u32 = 3;
/// The longest wait that a 121 may ask for.
const LONGEST_ASKED_WAIT: i64 = 60;

/// Polls, one at a time.
pub(crate) struct Poller {
    pace: Pace,
    clock: Clock,
    state: Mutex<State>,
    /// When the last heartbeat was, and how many there were.
    heartbeat: std::sync::Mutex<Option<(Instant, u32)>>,
    /// Since when QQ, asked again and again, has had nothing to tell.
    quiet_since: std::sync::Mutex<Option<Instant>>,
}

struct State {
    pulse: Pulse,
    held: Held,
}

/// What went wrong in a row.
#[derive(Debug, Default)]
struct Pulse {
    failures: u32,
    relinks: u32,
    tolerated: u32,
    rejoined: bool,
    hasty: u32,
}

/// What to do after an answer without events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Listen,
    Wait,
    Rotate,
    Relink,
    Rejoin,
    /// Ask again later.
    Busy,
    LogIn,
    GiveUp,
}

impl Pulse {
    /// The link works.
    fn beat(&mut self) {
        *self = Self { hasty: self.hasty, ..Self::default() };
    }

    /// Counts `code`.
    fn next(&mut self, code: i64) -> Next {
        match Retcode::of(code).poll {
            OnPoll::Listen => {
                self.beat();
                Next::Listen
            }
            OnPoll::Wait => Next::Wait,
            OnPoll::Rotate => Next::Rotate,
            OnPoll::Later => Next::Busy,
            OnPoll::LogIn => Next::LogIn,
            OnPoll::GiveUp => Next::GiveUp,
            OnPoll::Relink => self.relink(),
            OnPoll::Rejoin if self.rejoined => Next::LogIn,
            OnPoll::Rejoin => {
                self.rejoined = true;
                Next::Rejoin
            }
            OnPoll::Tolerate => {
                self.tolerated += 1;
                if self.tolerated > MOST_TOLERATED { Next::LogIn } else { Next::Listen }
            }
            OnPoll::Count => {
                self.failures += 1;
                if self.failures > MOST_FAILURES { self.relink() } else { Next::Busy }
            }
        }
    }

    fn relink(&mut self) -> Next {
        self.relinks += 1;
        self.failures = 0;
        if self.relinks > MOST_RELINKS { Next::LogIn } else { Next::Relink }
    }

    /// How long to wait after an empty poll that took `took`: a server that answers at once must not be hammered.
    fn idle(&mut self, took: Duration, pace: &Pace) -> Duration {
        self.hasty = if took < pace.hasty { self.hasty + 1 } else { 0 };
        if self.hasty > 1 { pace.idle.base(self.hasty - 1) } else { Duration::ZERO }
    }
}

impl Poller {
    /// A poller that has not polled yet, with what was `held` back before.
    pub(crate) fn new(pace: Pace, clock: Clock, held: Held) -> Self {
        let state = Mutex::new(State { pulse: Pulse::default(), held });
        let (heartbeat, quiet_since) = <(std::sync::Mutex<_>, std::sync::Mutex<_>)>::default();
        Self { pace, clock, state, heartbeat, quiet_since }
    }

    /// One turn: sealed events, oldest first; none when the wait timed out, the link had to be mended, or a torn answer
    /// waits for its repetition.
    pub(crate) async fn turn(&self, link: &Link) -> Result<Vec<Envelope>, Error> {
        let State { pulse, held } = &mut *self.state.lock().await;
        let left = held.begin().await?;
        if !left.is_empty() {
            return Ok(left);
        }
        let asked_at = Instant::now();
        self.quiet().get_or_insert(asked_at);
        let (answer, ()) = tokio::join!(poll2::ask(link), self.heartbeat(link));
        // Until this answer turns out to have nothing to tell.
        let quiet_since = self.quiet().take();
        let batch = match answer {
            Ok(answer) => read(&answer)?,
            Err(Fault::TimedOut) => None,
            Err(fault) => return Err(fault.unreachable(ENDPOINT)),
        };
        let took = asked_at.elapsed();
        let mut next = Next::Listen;
        if let Some(batch) = &batch {
            if let Some(p) = batch.p.as_deref().filter(|_| batch.code == Some(116)) {
                link.rotate(p);
            }
            if batch.is_empty() {
                next = pulse.next(batch.code.unwrap_or(0));
                if next == Next::Wait && link.era().offline_ends {
                    next = Next::LogIn;
                }
            }
        }
        match batch {
            Some(batch) if !batch.is_empty() => {
                pulse.beat();
                Ok(if batch.torn { held.hold(batch).await } else { held.give_out(batch) })
            }
            batch => {
                let is_quiet = self.says_nothing_again(batch.as_ref(), next, took);
                if is_quiet {
                    *self.quiet() = quiet_since;
                }
                if is_quiet && !held.is_empty() {
                    return Ok(held.give_out(Batch::default()));
                }
                if next == Next::Listen {
                    sleep(pulse.idle(took, &self.pace)).await;
                }
                self.act(pulse, link, next, &batch.unwrap_or_default()).await.map(|()| Vec::new())
            }
        }
    }

    /// For how long QQ has been asked and has had nothing to tell.
    pub(crate) fn quiet_for(&self) -> Option<Duration> {
        self.quiet().map(|since| since.elapsed())
    }

    fn quiet(&self) -> MutexGuard<'_, Option<Instant>> {
        self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an answer without events shows that QQ has nothing to say again, unlike a server in front of it that fails.
    fn says_nothing_again(&self, batch: Option<&Batch>, next: Next, took: Duration) -> bool {
        match batch {
            None => took >= self.pace.hasty,
            Some(batch) => !batch.torn && matches!(next, Next::Listen | Next::LogIn | Next::GiveUp),
        }
    }

    /// Asks what the page of old eras asked once a minute, beside a poll.
    async fn heartbeat(&self, link: &Link) {
        if !link.era().heartbeat {
            return;
        }
        let count = {
            let mut last = self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|(at, _)| at.elapsed() < self.pace.heartbeat) {
                return;
            }
            let count = last.map_or(1, |(_, count)| count + 1);
            *last = Some((Instant::now(), count));
            count
        };
        get_msg_tip::ask(link, count, self.clock.now_ms()).await;
    }

    async fn act(&self, pulse: &mut Pulse, link: &Link, next: Next, batch: &Batch) -> Result<(), Error> {
        let retcode = batch.code.unwrap_or(0);
        match next {
            Next::Listen => Ok(()),
            Next::Wait => {
                sleep(self.pace.offline).await;
                Ok(())
            }
            Next::Rotate if batch.p.is_some() => Ok(()),
            Next::Rotate | Next::Busy => Err(Error::Busy { endpoint: ENDPOINT, retcode }),
            Next::Relink => {
                sleep(self.wait_for_relink(batch.t)).await;
                let relinked = login2::relink(link).await;
                // A network that is down says nothing about the session.
                if matches!(relinked, Err(Error::Unreachable { .. } | Error::Status { .. })) {
                    pulse.relinks -= 1;
                }
                relinked
            }
            Next::Rejoin => match get_online_buddies2::ask(link).await {
                Err(error @ (Error::Unreachable { .. } | Error::Status { .. })) => {
                    pulse.rejoined = false;
                    Err(error)
                }
                // Whatever it says, the next poll tells whether it helped.
                _ => Ok(()),
            },
            Next::LogIn => Err(Error::SessionEnded { endpoint: ENDPOINT, retcode }),
            Next::GiveUp => Err(Error::Refused { endpoint: ENDPOINT, retcode, meaning: Retcode::of(retcode).meaning }),
        }
    }

    fn wait_for_relink(&self, t: Option<i64>) -> Duration {
        let seconds = t.map(|seconds| seconds.clamp(0, LONGEST_ASKED_WAIT));
        seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(self.pace.relink, Duration::from_secs)
    }
}

/// The batch of an answer; `None` when it is one of the ways in which an idle poll ends.
fn read(answer: &Answer) -> Result<Option<Batch>, Error> {
    match answer.status {
        200 => {}
        404 | 502 | 504 => return Ok(None),
        status => return Err(Error::Status { endpoint: ENDPOINT, status }),
    }
    let batch = Batch::read(&answer.body);
    match (batch, &answer.torn) {
        (Some(batch), None) => Ok(Some(batch)),
        (Some(batch), Some(_)) if !batch.is_empty() => Ok(Some(batch)),
        (_, Some(why)) => Err(Error::Unreachable { endpoint: ENDPOINT, why: why.clone() }),
        (None, None) if answer.body.trim_ascii().is_empty() => Ok(None),
        (None, None) => Err(unintelligible(ENDPOINT, "not an answer of poll2", &answer.body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::held::tests::nothing;

    fn after(codes: &[i64]) -> Next {
        let mut pulse = Pulse::default();
        codes.iter().map(|code| pulse.next(*code)).last().unwrap()
    }

    #[test]
    fn each_code_leads_on_as_the_dossier_says() {
        let cases: [(&[i64], Next); 22] = [
            (&[0], Next::Listen),
            (&[102], Next::Listen),
            (&[1202], Next::Listen),
            (&[116], Next::Rotate),
            (&[109], Next::Wait),
            (&[113], Next::Busy),
            (&[100], Next::LogIn),
            (&[100_000], Next::LogIn),
            (&[100_006], Next::GiveUp),
            (&[121], Next::Relink),
            (&[120, 120, 121], Next::Relink),
            (&[120, 120, 121, 121], Next::LogIn),
            (&[120, 120, 121, 0, 121], Next::Relink),
            (&[103], Next::Rejoin),
            (&[103, 103], Next::LogIn),
            (&[103, 102, 103], Next::Rejoin),
            (&[100_012, 100_012, 100_012], Next::Listen),
            (&[100_012, 100_012, 100_012, 100_012], Next::LogIn),
            (&[100_012, 100_012, 100_012, 0, 100_012], Next::Listen),
            (&[4711; 8], Next::Busy),
            (&[4711; 9], Next::Relink),
            (&[4711; 36], Next::LogIn),
        ];
        for (codes, next) in cases {
            assert_eq!(after(codes), next, "{codes:?}");
        }
    }

    #[test]
    fn empty_answers_that_come_at_once_are_slowed_from_the_second_on() {
        let (mut pulse, pace) = (Pulse::default(), Pace::default());
        let mut wait = |seconds: u64| pulse.idle(Duration::from_secs(seconds), &pace).as_millis();
        assert_eq!([wait(0), wait(0), wait(0), wait(0)], [0, 500, 1000, 2000]);
        assert_eq!([wait(60), wait(0), wait(0)], [0, 0, 500]);
    }

    async fn poller() -> Poller {
        Poller::new(Pace::default(), Clock::system(), nothing("e").await)
    }

    #[tokio::test]
    async fn only_qq_itself_shows_that_it_says_nothing_again() {
        let poller = poller().await;
        let whole = Batch { code: Some(0), ..Batch::default() };
        let torn = Batch { torn: true, ..whole.clone() };
        let (now, later) = (Duration::ZERO, Duration::from_mins(1));
        for (batch, next, took, nothing_again) in [
            (None, Next::Listen, now, false),
            (None, Next::Listen, later, true),
            (Some(&torn), Next::Listen, later, false),
            (Some(&whole), Next::Listen, now, true),
            (Some(&whole), Next::LogIn, now, true),
            (Some(&whole), Next::GiveUp, now, true),
            (Some(&whole), Next::Relink, now, false),
            (Some(&whole), Next::Rotate, now, false),
            (Some(&whole), Next::Busy, now, false),
        ] {
            assert_eq!(poller.says_nothing_again(batch, next, took), nothing_again, "{batch:?} {next:?} {took:?}");
        }
    }

    #[tokio::test]
    async fn the_wait_before_a_relink_is_what_qq_asked_for_within_reason() {
        let poller = poller().await;
        let wait = |t| poller.wait_for_relink(t).as_secs();
        assert_eq!([wait(Some(0)), wait(Some(7)), wait(Some(9999)), wait(Some(-1)), wait(None)], [0, 7, 60, 0, 10]);
    }

    #[test]
    fn the_ways_in_which_an_idle_poll_ends_are_told_from_failures() {
        let answer = |status, body: &str, torn: Option<&str>| {
            read(&Answer { status, location: None, body: body.into(), torn: torn.map(str::to_owned) })
        };
        for (status, body) in [(502, "<html>"), (504, ""), (404, ""), (200, ""), (200, "\n")] {
            assert_eq!(answer(status, body, None).unwrap(), None, "{status} {body}");
        }
        assert!(matches!(answer(500, "", None), Err(Error::Status { status: 500, .. })));
        assert!(matches!(answer(200, "<html>", None), Err(Error::Unintelligible { .. })));
        assert!(matches!(answer(200, "{\"retcode\":0,\"resu", Some("cut")), Err(Error::Unreachable { .. })));
        let torn = answer(200, "{\"retcode\":0,\"result\":[{\"poll_type\":1},{", Some("cut")).unwrap().unwrap();
        assert_eq!((torn.items.len(), torn.rest.as_deref()), (1, Some("{")));
    }
}

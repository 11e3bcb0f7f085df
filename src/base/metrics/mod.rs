//! What is counted while the bridge runs, in atomics, so that rooms can count without knowing each other.
//!
//! [`FAMILIES`] is all that there is to be seen, and docs/metrics.md is made from it. Labels are few words of ours: no
//! number of an account, no name of a room, nothing that somebody wrote.

mod histogram;
mod text;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub use histogram::Histogram;
pub use text::{Page, Sample};

/// Which way something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From QQ to Matrix.
    ToMatrix,
    /// From Matrix to QQ.
    ToQq,
}

impl Way {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::ToMatrix, Self::ToQq];

    /// Its label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ToMatrix => "to_matrix",
            Self::ToQq => "to_qq",
        }
    }
}

/// What kind of number something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It grows from the start of the process on.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often something was how large.
    Histogram,
}

/// Something that can be seen.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// What it is called.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// By what it is told apart.
    pub labels: &'static [&'static str],
    /// What it says, for people.
    pub help: &'static str,
}

macro_rules! families {
    ($($name:ident = $word:literal $kind:ident $labels:tt $help:literal,)+) => {
        $(
            #[doc = $help]
            pub const $name: Family = Family {
                name: concat!("matrix_webqq_", $word),
                kind: Kind::$kind,
                labels: &$labels,
                help: $help,
            };
        )+

        /// All of them.
        pub const FAMILIES: &[Family] = &[$($name),+];
    };
}

families! {
    BUILD = "build_info" Gauge ["version"] "Always 1: which version runs.",
    UPTIME = "uptime_seconds" Gauge [] "How long the process has been running.",
    RECEIVED = "received_total" Counter ["direction"] "What arrived and is on disk, repetitions left out.",
    BRIDGED = "bridged_total" Counter ["direction"] "What left and was taken on the other side, part by part: a picture with a caption is two. What the bot says counts as well.",
    PARKED = "parked_total" Counter ["direction"] "How often something was put aside: its chat is in doubt, or QQ did not say whether it took it.",
    FAILED = "failed_total" Counter ["direction"] "What was not understood, or refused on the other side for good.",
    LEDGER = "ledger" Gauge ["direction", "state"] "The books of what arrived in the last 14 days, by what became of it; taken every ten minutes. `lost` has to be 0: it is what arrived of which nothing is known.",
    QUEUE_DEPTH = "queue_depth" Gauge ["direction", "state"] "What is on its way: arrived, parked, ready, sending, uncertain; and dead, what was given up and nobody has dropped.",
    QUEUE_AGE = "queue_oldest_age_seconds" Gauge ["direction"] "How long the oldest has been on its way, what is parked or dead left out; 0 when there is nothing.",
    LOGINS = "logins" Gauge ["state"] "How many QQ accounts there are: `connected`, `lost` (somebody has to log in again), `logged_out`.",
    LOGIN_UP = "login_up" Gauge ["login"] "Whether the login polls QQ now. Its label is a number that the bridge gave it; the log says whose it is, when it is given.",
    LOGIN_POLL_AGE = "login_last_poll_age_seconds" Gauge ["login"] "How long ago a poll of the login last ended well; without one, since the login was taken up.",
    LOGIN_SESSION_AGE = "login_session_age_seconds" Gauge ["login"] "How old the session of the login is. QQ ends them after one or two days.",
    QQ_SECONDS = "qq_request_seconds" Histogram ["endpoint", "outcome"] "How long a request to QQ took. A poll that is held for a minute is as it should be. Outcome: ok, refused (an HTTP error), unsent, lost, timeout.",
    HOMESERVER_SECONDS = "homeserver_request_seconds" Histogram ["endpoint", "outcome"] "How long a request to the homeserver took. Outcome: ok, limited, refused, failed (5xx), unreachable, lost, odd.",
    PACE_SECONDS = "pace_wait_seconds" Histogram [] "How long a message towards QQ waited for its turn, so that the account does not send in bursts.",
    COMMITS = "store_commits_total" Counter [] "How many times the database was written to, each time for all that waited.",
    COMMIT_ROWS = "store_commit_rows" Histogram [] "How many rows one of those changed.",
    COMMIT_SECONDS = "store_commit_seconds" Histogram [] "How long the COMMIT of one of those took: the disk.",
}

/// Counts for both directions.
#[derive(Debug)]
pub struct ByWay {
    to_matrix: AtomicU64,
    to_qq: AtomicU64,
}

impl ByWay {
    const fn new() -> Self {
        Self { to_matrix: AtomicU64::new(0), to_qq: AtomicU64::new(0) }
    }

    fn of(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::ToMatrix => &self.to_matrix,
            Way::ToQq => &self.to_qq,
        }
    }

    /// So many more.
    pub fn add(&self, way: Way, count: u64) {
        self.of(way).fetch_add(count, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self, way: Way) -> u64 {
        self.of(way).load(Ordering::Relaxed)
    }
}

/// How many endpoints are told apart; there are fewer in the code.
const MOST_ENDPOINTS: usize = 100;

type Times = BTreeMap<(String, &'static str), Arc<Histogram>>;

/// How long requests took, by endpoint and outcome.
#[derive(Debug)]
pub struct Requests(RwLock<Times>);

impl Requests {
    const fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    /// A request to `endpoint`, which began at `begun`, has ended as `outcome`.
    pub fn ended(&self, endpoint: &str, outcome: &'static str, begun: Instant) {
        let took = begun.elapsed();
        self.histogram(endpoint, outcome).observe_time(took);
    }

    fn histogram(&self, endpoint: &str, outcome: &'static str) -> Arc<Histogram> {
        let key = (endpoint.to_owned(), outcome);
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let mut times = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let key = if times.len() < MOST_ENDPOINTS * 4 { key } else { ("other".to_owned(), outcome) };
        Arc::clone(times.entry(key).or_insert_with(|| Arc::new(Histogram::of_seconds())))
    }

    fn all(&self) -> Vec<((String, &'static str), Arc<Histogram>)> {
        let times = self.0.read().unwrap_or_else(PoisonError::into_inner);
        times.iter().map(|(key, histogram)| (key.clone(), Arc::clone(histogram))).collect()
    }
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// [`RECEIVED`].
    pub received: ByWay,
    /// [`BRIDGED`].
    pub bridged: ByWay,
    /// [`PARKED`].
    pub parked: ByWay,
    /// [`FAILED`].
    pub failed: ByWay,
    /// [`QQ_SECONDS`].
    pub qq: Requests,
    /// [`HOMESERVER_SECONDS`].
    pub homeserver: Requests,
    pace: Histogram,
    commit_rows: Histogram,
    commit_seconds: Histogram,
}

/// The counts of this process. There is one of them, as there is one process: whoever counts need not be handed it.
pub static METRICS: Metrics = Metrics::new();

impl Metrics {
    const fn new() -> Self {
        Self {
            received: ByWay::new(),
            bridged: ByWay::new(),
            parked: ByWay::new(),
            failed: ByWay::new(),
            qq: Requests::new(),
            homeserver: Requests::new(),
            pace: Histogram::of_seconds(),
            commit_rows: Histogram::of_things(),
            commit_seconds: Histogram::of_seconds(),
        }
    }

    /// A message waited so long for its turn.
    pub fn waited_for_turn(&self, wait: Duration) {
        self.pace.observe_time(wait);
    }

    /// A commit changed so many rows, and its COMMIT took so long.
    pub fn committed(&self, rows: u64, took: Duration) {
        self.commit_rows.observe(rows);
        self.commit_seconds.observe_time(took);
    }

    /// Puts all that is counted here on `page`.
    pub fn write(&self, page: &mut Page) {
        let ways =
            [(RECEIVED, &self.received), (BRIDGED, &self.bridged), (PARKED, &self.parked), (FAILED, &self.failed)];
        for (family, counts) in ways {
            page.family(&family);
            for way in Way::BOTH {
                page.sample(&family, &[way.label()], counts.get(way));
            }
        }
        for (family, requests) in [(QQ_SECONDS, &self.qq), (HOMESERVER_SECONDS, &self.homeserver)] {
            page.family(&family);
            for ((endpoint, outcome), histogram) in requests.all() {
                page.histogram(&family, &[&endpoint, outcome], &histogram);
            }
        }
        page.family(&COMMITS);
        page.sample(&COMMITS, &[], self.commit_rows.count());
        let lone =
            [(PACE_SECONDS, &self.pace), (COMMIT_ROWS, &self.commit_rows), (COMMIT_SECONDS, &self.commit_seconds)];
        for (family, histogram) in lone {
            page.family(&family);
            page.histogram(&family, &[], histogram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_told_apart_up_to_a_bound() {
        let requests = Requests::new();
        for n in 0..MOST_ENDPOINTS * 8 {
            requests.ended(&format!("endpoint{n}"), "ok", Instant::now());
        }
        let all = requests.all();
        assert_eq!(all.len(), MOST_ENDPOINTS * 4 + 1);
        assert!(all.iter().any(|((endpoint, _), histogram)| endpoint == "other" && histogram.count() > 1));
    }

    #[test]
    fn names_and_labels_are_as_prometheus_wants_them() {
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        for family in FAMILIES {
            assert!(plain(family.name) && family.labels.iter().all(|label| plain(label)), "{family:?}");
            assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{family:?}");
        }
    }
}

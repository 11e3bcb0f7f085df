//! The books: what arrived for an account against what became of it.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// What arrived for an account since some moment, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// All that arrived.
    pub received: u64,
    /// Carried on, and taken on the other side.
    pub bridged: u64,
    /// Answered with the reason why it is not carried.
    pub answered: u64,
    /// Meant for the bridge itself.
    pub obeyed: u64,
    /// Told to the owner.
    pub told: u64,
    /// Our own, come back.
    pub echoed: u64,
    /// Nothing to carry.
    pub quiet: u64,
    /// On its way.
    pub waiting: u64,
    /// In doubt: where it belongs, or whether it was taken.
    pub parked: u64,
    /// Not understood, or refused on the other side.
    pub failed: u64,
    /// Given up by a person.
    pub dropped: u64,
    /// The oldest that failed: rows of the inbox that were not understood.
    pub failed_arrivals: Vec<i64>,
    /// And rows of the outbox that were refused.
    pub failed_departures: Vec<i64>,
    /// The oldest of which nothing is known, if anything is lost: rows of the inbox.
    pub lost_arrivals: Vec<i64>,
}

impl Audit {
    /// All that is counted, under the words for it.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, u64); 11] {
        [
            ("received", self.received),
            ("bridged", self.bridged),
            ("answered", self.answered),
            ("obeyed", self.obeyed),
            ("told", self.told),
            ("echoed", self.echoed),
            ("quiet", self.quiet),
            ("waiting", self.waiting),
            ("parked", self.parked),
            ("failed", self.failed),
            ("dropped", self.dropped),
        ]
    }

    /// Adds what is counted in `other`; its rows are not named.
    pub fn add(&mut self, other: &Self) {
        for (place, (_, count)) in [
            &mut self.received,
            &mut self.bridged,
            &mut self.answered,
            &mut self.obeyed,
            &mut self.told,
            &mut self.echoed,
            &mut self.quiet,
            &mut self.waiting,
            &mut self.parked,
            &mut self.failed,
            &mut self.dropped,
        ]
        .into_iter()
        .zip(other.counts())
        {
            *place += count;
        }
    }

    /// How much arrived of which nothing is known: what it should have become is not there.
    #[must_use]
    pub fn lost(&self) -> i128 {
        let known = self.counts().into_iter().skip(1).map(|(_, count)| i128::from(count));
        i128::from(self.received) - known.sum::<i128>()
    }
}

/// How many ids are given.
const MOST: i64 = 10;

/// Which rows: what `$1` brought since `$3`, for the account `$2` where it brings for several. Rows that an earlier
/// version finished say nothing about how.
macro_rules! rows {
    () => {
        "i.origin = $1 AND ($2 = '' OR i.login = $2) AND i.received_at_ms >= $3 AND (i.state <> 'done' OR i.outcome IS NOT NULL)"
    };
}

/// Each of these rows once, under the worst that became of it; `missing` when less left than was written down.
macro_rules! ends {
    () => {
        concat!(
            "SELECT i.seq, CASE \
             WHEN i.state = 'dead' THEN 'failed' \
             WHEN i.state = 'new' AND i.error IS NOT NULL THEN 'parked' \
             WHEN i.state = 'new' THEN 'waiting' \
             WHEN i.outcome <> 'carried' THEN i.outcome \
             WHEN COUNT(CASE WHEN o.state = 'dead' THEN 1 END) > 0 THEN 'failed' \
             WHEN COUNT(CASE WHEN o.state = 'uncertain' THEN 1 END) > 0 THEN 'parked' \
             WHEN COUNT(CASE WHEN o.state IN ('ready', 'sending') THEN 1 END) > 0 THEN 'waiting' \
             WHEN COUNT(CASE WHEN o.state = 'dropped' THEN 1 END) > 0 THEN 'dropped' \
             WHEN COUNT(o.seq) >= i.departures THEN 'bridged' \
             ELSE 'missing' END AS word \
             FROM inbox AS i LEFT JOIN outbox AS o ON o.arrival = i.seq WHERE ",
            rows!(),
            " GROUP BY i.seq, i.state, i.error, i.outcome, i.departures"
        )
    };
}

impl Tx {
    /// What `origin` brought since `since_ms` (a moment, in milliseconds since 1970) and what became of it: for all, or,
    /// where it brings for several accounts, for `login`.
    pub async fn audit(&mut self, origin: &str, login: Option<&str>, since_ms: i64) -> Result<Audit, Error> {
        let login = login.unwrap_or_default();
        let received = concat!("SELECT COUNT(*) AS value FROM inbox AS i WHERE ", rows!());
        let received = self.count(sql(received).text(origin).text(login).number(since_ms)).await?;
        let mut audit = Audit { received, ..Audit::default() };
        for Tally { word, count } in self.tallies(origin, login, since_ms).await? {
            let place = match word.as_str() {
                "bridged" => &mut audit.bridged,
                "answered" => &mut audit.answered,
                "obeyed" => &mut audit.obeyed,
                "told" => &mut audit.told,
                "echoed" => &mut audit.echoed,
                "quiet" => &mut audit.quiet,
                "waiting" => &mut audit.waiting,
                "parked" => &mut audit.parked,
                "failed" => &mut audit.failed,
                "dropped" => &mut audit.dropped,
                // What is not in the books is lost.
                _ => continue,
            };
            *place = u64::from(count);
        }
        if audit.failed > 0 {
            let dead = concat!(
                "SELECT i.seq AS value FROM inbox AS i WHERE i.error IS NOT NULL AND i.state = 'dead' AND ",
                rows!(),
                " ORDER BY i.seq LIMIT $4"
            );
            audit.failed_arrivals = self.seqs(dead, (origin, login, since_ms)).await?;
            let dead = concat!(
                "SELECT o.seq AS value FROM outbox AS o JOIN inbox AS i ON i.seq = o.arrival \
                 WHERE o.state = 'dead' AND ",
                rows!(),
                " ORDER BY o.seq LIMIT $4"
            );
            audit.failed_departures = self.seqs(dead, (origin, login, since_ms)).await?;
        }
        if audit.lost() != 0 {
            let missing = concat!(
                "SELECT seq AS value FROM (",
                ends!(),
                ") AS ends WHERE word NOT IN ('bridged', 'answered', 'obeyed', 'told', 'echoed', 'quiet', 'waiting', \
                 'parked', 'failed', 'dropped') ORDER BY seq LIMIT $4"
            );
            audit.lost_arrivals = self.seqs(missing, (origin, login, since_ms)).await?;
        }
        Ok(audit)
    }

    async fn tallies(&mut self, origin: &str, login: &str, since_ms: i64) -> Result<Vec<Tally>, Error> {
        let tallies = concat!("SELECT word, COUNT(*) AS count FROM (", ends!(), ") AS ends GROUP BY word");
        self.all(sql(tallies).text(origin).text(login).number(since_ms)).await
    }

    async fn seqs(
        &mut self,
        select: &'static str,
        (origin, login, since_ms): (&str, &str, i64),
    ) -> Result<Vec<i64>, Error> {
        let found: Vec<Option<i64>> =
            self.all(sql(select).text(origin).text(login).number(since_ms).number(MOST)).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// How many rows ended in one way.
struct Tally {
    word: String,
    count: u32,
}

impl Record for Tally {
    const TABLE: &'static str = "inbox";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self { word: fields.text("word")?, count: fields.count("count")? })
    }
}

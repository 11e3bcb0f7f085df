//! What is on its way and what has failed, over all lanes and logins, for whoever watches the bridge.

use super::error::Error;
use super::queue::undelivered;
use super::tx::{Fields, Record, Tx, sql};

/// How many rows are on their way in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Whether they are those that were asked about; else they go the other way.
    pub matched: bool,
    /// `arrived` or `parked` in the inbox; `ready`, `sending`, `uncertain` or `dead` in the outbox.
    pub state: String,
    /// How many.
    pub count: u64,
    /// When the oldest came, in milliseconds since 1970.
    pub oldest_ms: i64,
}

/// Something that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its number in the inbox or the outbox.
    pub seq: i64,
    /// Where it came from, when it lies in the inbox; else its lane.
    pub place: String,
    /// Why; never what somebody wrote.
    pub why: String,
    /// When it came, in milliseconds since 1970.
    pub at_ms: i64,
}

impl Tx {
    /// What is on its way, by state: matched is what `origin` brought, and what leaves in lanes that begin with `prefix`. Looks
    /// at nothing that is done.
    pub async fn waiting(&mut self, origin: &str, prefix: &str) -> Result<Vec<Waiting>, Error> {
        let arrived = "SELECT CASE WHEN origin = $1 THEN 'yes' ELSE 'no' END AS matched, \
             CASE WHEN error IS NULL THEN 'arrived' ELSE 'parked' END AS word, \
             COUNT(*) AS count, MIN(received_at_ms) AS oldest FROM inbox WHERE state = 'new' GROUP BY 1, 2";
        let leaving = concat!(
            "SELECT CASE WHEN substr(lane, 1, length($1)) = $1 THEN 'yes' ELSE 'no' END AS matched, \
             state AS word, COUNT(*) AS count, MIN(created_at_ms) AS oldest FROM (",
            undelivered!("lane, state, created_at_ms"),
            ") AS undelivered GROUP BY 1, 2"
        );
        let mut waiting = self.all(sql(arrived).text(origin)).await?;
        waiting.extend(self.all::<Waiting>(sql(leaving).text(prefix)).await?);
        Ok(waiting)
    }

    /// The newest rows that were given up: those that arrived, then those that were to leave.
    pub async fn failures(&mut self, most: u32) -> Result<(Vec<Failure>, Vec<Failure>), Error> {
        let arrived = "SELECT seq, origin AS place, error, received_at_ms AS at_ms FROM inbox \
             WHERE error IS NOT NULL AND state = 'dead' ORDER BY +seq DESC LIMIT $1";
        let leaving = "SELECT seq, lane AS place, error, created_at_ms AS at_ms FROM outbox \
             WHERE state = 'dead' ORDER BY +seq DESC LIMIT $1";
        let arrived = self.all(sql(arrived).number(most.into())).await?;
        Ok((arrived, self.all(sql(leaving).number(most.into())).await?))
    }
}

impl Record for Waiting {
    const TABLE: &'static str = "outbox";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            matched: fields.text("matched")? == "yes",
            state: fields.text("word")?,
            count: fields.count("count")?.into(),
            oldest_ms: fields.number("oldest")?,
        })
    }
}

impl Record for Failure {
    const TABLE: &'static str = "outbox";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            seq: fields.number("seq")?,
            place: fields.text("place")?,
            why: fields.text_or_null("error")?.unwrap_or_default(),
            at_ms: fields.number("at_ms")?,
        })
    }
}

//! `inbox`: what arrived and is not lost any more, until it was turned into what leaves.

use std::fmt;
use std::sync::LazyLock;

use super::error::Error;
use super::tx::{Fields, Record, Tx, Word, sql, sql_of_size, values};

/// How many rows one INSERT has at most; `SQLite` takes 32,766 values.
const ROWS: usize = 500;

/// How many INSERTs are worth keeping prepared: of 1, 2, 4 rows and so on. Of those a handful of any size is put together.
const KEPT: u32 = 6;

static ADD: LazyLock<Vec<String>> = LazyLock::new(|| (0..KEPT).map(|power| add(1 << power)).collect());

/// Adds so many rows: the origin, when they arrived, then the key and the body of each.
fn add(rows: usize) -> String {
    let rows = values(rows, "($1, #, #, 'new', 0, 0, $2)", 3);
    format!(
        "INSERT INTO inbox (origin, dedup_key, body, state, attempts, due_at_ms, received_at_ms) \
         VALUES {rows} ON CONFLICT (origin, dedup_key) DO NOTHING"
    )
}

/// Something that arrives.
#[derive(Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The same for the same thing arriving again; unique within an origin.
    pub dedup_key: String,
    /// The thing itself.
    pub body: String,
}

/// Something that arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct InboxRow {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// Where it came from.
    pub origin: String,
    /// See [`Arrival::dedup_key`].
    pub dedup_key: String,
    /// See [`Arrival::body`].
    pub body: String,
    /// What became of it.
    pub state: InboxState,
    /// How many times it was postponed.
    pub attempts: u32,
    /// When to open it (again), in milliseconds since 1970; 0 is at once.
    pub due_at_ms: i64,
    /// Why it was postponed or buried.
    pub error: Option<String>,
    /// When it arrived, in milliseconds since 1970.
    pub received_at_ms: i64,
}

/// What became of something that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxState {
    /// Nothing yet.
    New,
    /// It was dealt with. The row is kept for a while, to know it when it arrives again.
    Done,
    /// It never will be dealt with.
    Dead,
}

/// How something that arrived ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It was carried on to the other side.
    Carried,
    /// It was not, and its sender was told why.
    Answered,
    /// It was meant for the bridge itself.
    Obeyed,
    /// The owner of the account was told of it.
    Told,
    /// It was something of our own that came back.
    Echoed,
    /// There was nothing to carry.
    #[default]
    Quiet,
}

impl Tx {
    /// Takes `arrivals` in, in their order, except those that are known already. Gives how many were new.
    pub async fn add_arrivals(&mut self, origin: &str, arrivals: &[Arrival]) -> Result<u64, Error> {
        let now_ms = self.now_ms();
        let mut new = 0;
        let mut left = arrivals;
        while let Some(power) = left.len().checked_ilog2() {
            let kept = usize::try_from(power).ok().and_then(|power| ADD.get(power));
            let (insert, count) = if let Some(insert) = kept {
                (sql(insert), 1 << power)
            } else {
                let count = left.len().min(ROWS);
                (sql_of_size(add(count)), count)
            };
            let (these, others) = left.split_at(count);
            let insert = these.iter().fold(insert.text(origin).number(now_ms), |insert, arrival| {
                insert.text(&arrival.dedup_key).text(&arrival.body)
            });
            new += self.change(insert).await?;
            left = others;
        }
        Ok(new)
    }

    /// Takes `arrival` in if it is unknown; if it is known and nothing came of it, it is new again. Gives its row.
    pub async fn take_up_again(&mut self, origin: &str, arrival: &Arrival) -> Result<i64, Error> {
        let again = "UPDATE inbox SET state = 'new', outcome = NULL \
             WHERE origin = $1 AND dedup_key = $2 AND state = 'done' AND outcome = 'quiet'";
        self.change(sql(again).text(origin).text(&arrival.dedup_key)).await?;
        self.add_arrivals(origin, std::slice::from_ref(arrival)).await?;
        let row = self.arrived_as(origin, &arrival.dedup_key).await?;
        row.ok_or_else(|| Error::Missing { table: "inbox", row: arrival.dedup_key.clone() })
    }

    /// The row of what arrived from `origin` under this key; `None` when nothing has, or it is forgotten.
    pub async fn arrived_as(&mut self, origin: &str, dedup_key: &str) -> Result<Option<i64>, Error> {
        let row = "SELECT seq AS value FROM inbox WHERE origin = $1 AND dedup_key = $2";
        Ok(self.one::<Option<i64>>(sql(row).text(origin).text(dedup_key)).await?.flatten())
    }

    /// The oldest new rows of `origin` after row `after_seq` whose time has come, oldest first.
    pub async fn due_arrivals(&mut self, origin: &str, after_seq: i64, limit: u32) -> Result<Vec<InboxRow>, Error> {
        let due = "SELECT * FROM inbox WHERE state = 'new' AND origin = $1 AND seq > $2 AND due_at_ms <= $3 ORDER BY seq LIMIT $4";
        let now_ms = self.now_ms();
        self.all(sql(due).text(origin).number(after_seq).number(now_ms).number(limit.into())).await
    }

    /// The oldest new rows of `origin` after row `after_seq`, due or not, oldest first.
    pub async fn new_arrivals(&mut self, origin: &str, after_seq: i64, limit: u32) -> Result<Vec<InboxRow>, Error> {
        let new = "SELECT * FROM inbox WHERE state = 'new' AND origin = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        self.all(sql(new).text(origin).number(after_seq).number(limit.into())).await
    }

    /// One row.
    pub async fn arrival(&mut self, seq: i64) -> Result<Option<InboxRow>, Error> {
        self.one(sql("SELECT * FROM inbox WHERE seq = $1").number(seq)).await
    }

    /// What the row `departure` of the outbox carries on; `None` when it is nothing that arrived, or that is forgotten.
    pub async fn arrival_of(&mut self, departure: i64) -> Result<Option<InboxRow>, Error> {
        let arrival = "SELECT i.* FROM inbox AS i JOIN outbox AS o ON o.arrival = i.seq WHERE o.seq = $1";
        self.one(sql(arrival).number(departure)).await
    }

    /// The oldest rows of `origin` that were postponed or buried, oldest first.
    pub async fn arrivals_with_error(&mut self, origin: &str, limit: u32) -> Result<Vec<InboxRow>, Error> {
        let odd = "SELECT * FROM inbox WHERE error IS NOT NULL AND origin = $1 ORDER BY seq LIMIT $2";
        self.all(sql(odd).text(origin).number(limit.into())).await
    }

    /// How many new rows of `origin` were postponed because of `error`.
    pub async fn count_postponed(&mut self, origin: &str, error: &str) -> Result<u64, Error> {
        let count = "SELECT COUNT(*) AS value FROM inbox WHERE error IS NOT NULL AND origin = $1 AND error = $2 AND state = 'new'";
        self.count(sql(count).text(origin).text(error)).await
    }

    /// The row, which concerned the account `login`, was dealt with: it was carried on if departures name it, else it
    /// ended as `fate`. `false` when it was not new any more: then somebody else dealt with it.
    pub async fn finish_arrival(&mut self, seq: i64, login: Option<&str>, fate: Fate) -> Result<bool, Error> {
        let left = self.count(sql("SELECT COUNT(*) AS value FROM outbox WHERE arrival = $1").number(seq)).await?;
        let fate = if left > 0 { Fate::Carried } else { fate };
        let finish = "UPDATE inbox SET state = 'done', error = NULL, login = $2, outcome = $3, departures = $4 \
             WHERE seq = $1 AND state = 'new'";
        let finish = sql(finish).number(seq).text_or_null(login).text(fate.as_str());
        Ok(self.change(finish.number(i64::try_from(left).unwrap_or(i64::MAX))).await? > 0)
    }

    /// The row will never be dealt with. `false` when it was not new any more.
    pub async fn bury_arrival(&mut self, seq: i64, error: &str) -> Result<bool, Error> {
        let bury = "UPDATE inbox SET state = 'dead', error = $2 WHERE seq = $1 AND state = 'new'";
        Ok(self.change(sql(bury).number(seq).text(error)).await? > 0)
    }

    /// Another try at `due_at_ms`. `false` when the row was not new any more.
    pub async fn postpone_arrival(&mut self, seq: i64, due_at_ms: i64, error: &str) -> Result<bool, Error> {
        let postpone =
            "UPDATE inbox SET attempts = attempts + 1, due_at_ms = $2, error = $3 WHERE seq = $1 AND state = 'new'";
        Ok(self.change(sql(postpone).number(seq).number(due_at_ms).text(error)).await? > 0)
    }

    /// All postponed rows of `origin` are due now. Gives how many.
    pub async fn wake_arrivals(&mut self, origin: &str) -> Result<u64, Error> {
        let wake = "UPDATE inbox SET due_at_ms = 0 WHERE state = 'new' AND origin = $1 AND due_at_ms > 0";
        self.change(sql(wake).text(origin)).await
    }
}

impl Record for InboxRow {
    const TABLE: &'static str = "inbox";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            seq: fields.number("seq")?,
            origin: fields.text("origin")?,
            dedup_key: fields.text("dedup_key")?,
            body: fields.text("body")?,
            state: fields.word("state")?,
            attempts: fields.count("attempts")?,
            due_at_ms: fields.number("due_at_ms")?,
            error: fields.text_or_null("error")?,
            received_at_ms: fields.number("received_at_ms")?,
        })
    }
}

impl Word for InboxState {
    const ALL: &'static [Self] = &[Self::New, Self::Done, Self::Dead];

    fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl Word for Fate {
    const ALL: &'static [Self] = &[Self::Carried, Self::Answered, Self::Obeyed, Self::Told, Self::Echoed, Self::Quiet];

    fn as_str(self) -> &'static str {
        match self {
            Self::Carried => "carried",
            Self::Answered => "answered",
            Self::Obeyed => "obeyed",
            Self::Told => "told",
            Self::Echoed => "echoed",
            Self::Quiet => "quiet",
        }
    }
}

/// Bodies hold what people wrote; they are never printed.
impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival").field("dedup_key", &self.dedup_key).finish_non_exhaustive()
    }
}

/// Bodies hold what people wrote; they are never printed.
impl fmt::Debug for InboxRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxRow")
            .field("seq", &self.seq)
            .field("origin", &self.origin)
            .field("dedup_key", &self.dedup_key)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .field("due_at_ms", &self.due_at_ms)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

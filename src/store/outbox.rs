//! `outbox`: what leaves, in lanes; a row stays until it is known what became of it.
//!
//! ```text
//!  ready ──▶ sending ──▶ sent
//!    ▲          ├──▶ uncertain ──▶ sent (its echo came) or ready (once more) or dead
//!    └──────────┴──▶ dead ──▶ ready (somebody asked for it)
//!
//!  ready, uncertain, dead ──▶ dropped (somebody asked for it)
//! ```
//!
//! One rule stands above the arrows: a row whose echo was seen has arrived, whatever was said about it later. So an echo that
//! overtakes the answer, or comes between two tries, cannot lead to a second delivery.

use std::fmt;

use super::error::Error;
use super::tx::{Fields, Record, Tx, Word, sql};

/// That a row is neither delivered nor given up: word for word the condition of the index that finds such rows.
macro_rules! unfinished {
    () => {
        "state <> 'sent' AND state <> 'dead' AND state <> 'dropped'"
    };
}
pub(super) use unfinished;

/// Something that is to leave.
#[derive(Clone, PartialEq, Eq)]
pub struct Departure {
    /// What leaves in order: rows of one lane wait for each other.
    pub lane: String,
    /// The login that it belongs to.
    pub login: String,
    /// The thing itself.
    pub body: String,
    /// The same for the same thing; a second one is not added.
    pub dedup_key: String,
    /// By what it is recognised when the network shows us our own words; `None` when it does not.
    pub echo: Option<String>,
    /// The inbox row that it carries on; `None` when it is nothing that arrived.
    pub arrival: Option<i64>,
}

/// Something that leaves or has left.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its place in the order of departure.
    pub seq: i64,
    /// See [`Departure::lane`].
    pub lane: String,
    /// See [`Departure::login`].
    pub login: String,
    /// See [`Departure::body`].
    pub body: String,
    /// See [`Departure::dedup_key`].
    pub dedup_key: String,
    /// How far it is.
    pub state: OutboxState,
    /// How many times it was made ready again.
    pub attempts: u32,
    /// How many times it went on the wire.
    pub sends: u32,
    /// When to send it (again), in milliseconds since 1970; 0 is at once.
    pub due_at_ms: i64,
    /// Why it was not delivered, or why that is not known.
    pub error: Option<String>,
    /// See [`Departure::echo`].
    pub echo: Option<String>,
    /// Whether its echo was seen.
    pub echoed: bool,
    /// What the receiver called it, such as an event id.
    pub result: Option<String>,
    /// When it was last sent, in milliseconds since 1970.
    pub sent_at_ms: Option<i64>,
    /// When it was added, in milliseconds since 1970.
    pub created_at_ms: i64,
    /// See [`Departure::arrival`].
    pub arrival: Option<i64>,
}

impl OutboxRow {
    /// Whether it waits for its turn: it may be marked for that, and is not on the wire.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.state == OutboxState::Ready || (self.state == OutboxState::Sending && self.sends == 0)
    }
}

/// How far something that leaves is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxState {
    /// It waits for its turn.
    Ready,
    /// It may be on the wire.
    Sending,
    /// It was delivered.
    Sent,
    /// It may have been delivered.
    Uncertain,
    /// It was not delivered and will not be.
    Dead,
    /// The same, because a person wanted it so: nobody has to look at it any more.
    Dropped,
}

impl Tx {
    /// Puts `departure` at the end of its lane. `false` when its key is known already.
    pub async fn add_departure(&mut self, departure: &Departure) -> Result<bool, Error> {
        let insert = "INSERT INTO outbox (lane, login, body, dedup_key, state, attempts, sends, due_at_ms, echo, echoed, created_at_ms, arrival) \
             VALUES ($1, $2, $3, $4, 'ready', 0, 0, 0, $5, 0, $6, $7) ON CONFLICT (dedup_key) DO NOTHING";
        let insert = sql(insert).text(&departure.lane).text(&departure.login).text(&departure.body);
        let insert = insert
            .text(&departure.dedup_key)
            .text_or_null(departure.echo.as_deref())
            .number(self.now_ms())
            .number_or_null(departure.arrival);
        Ok(self.change(insert).await? > 0)
    }

    /// One row.
    pub async fn departure(&mut self, seq: i64) -> Result<Option<OutboxRow>, Error> {
        self.one(sql("SELECT * FROM outbox WHERE seq = $1").number(seq)).await
    }

    /// The row with this key.
    pub async fn departure_by_key(&mut self, dedup_key: &str) -> Result<Option<OutboxRow>, Error> {
        self.one(sql("SELECT * FROM outbox WHERE dedup_key = $1").text(dedup_key)).await
    }

    /// The lanes that begin with `prefix` and have unfinished rows; the one that waits longest comes first.
    pub async fn waiting_lanes(&mut self, prefix: &str) -> Result<Vec<String>, Error> {
        let lanes = concat!(
            "SELECT lane AS value FROM outbox WHERE ",
            unfinished!(),
            " AND substr(lane, 1, length($1)) = $1 GROUP BY lane ORDER BY MIN(seq)"
        );
        self.all(sql(lanes).text(prefix)).await
    }

    /// The oldest unfinished rows (ready, sending, uncertain) of `lane`, oldest first, due or not.
    pub async fn lane_head(&mut self, lane: &str, limit: u32) -> Result<Vec<OutboxRow>, Error> {
        let head = concat!("SELECT * FROM outbox WHERE ", unfinished!(), " AND lane = $1 ORDER BY seq LIMIT $2");
        self.all(sql(head).text(lane).number(limit.into())).await
    }

    /// Marks what is about to go on the wire. Gives those of `seqs` that may go: not those that were finished meanwhile.
    pub async fn mark_sending(&mut self, seqs: &[i64]) -> Result<Vec<i64>, Error> {
        let mark = "UPDATE outbox SET state = 'sending', sends = sends + 1, sent_at_ms = $2 WHERE seq = $1 AND state IN ('ready', 'uncertain')";
        let now_ms = self.now_ms();
        let mut marked = Vec::with_capacity(seqs.len());
        for seq in seqs {
            if self.change(sql(mark).number(*seq).number(now_ms)).await? > 0 {
                marked.push(*seq);
            }
        }
        Ok(marked)
    }

    /// Marks one row that is about to go on the wire, and by what its echo will be recognised. `false` when it may not
    /// go: it was finished meanwhile.
    pub async fn mark_sending_as(&mut self, seq: i64, echo: &str) -> Result<bool, Error> {
        let mark = "UPDATE outbox SET state = 'sending', sends = sends + 1, sent_at_ms = $2, echo = $3 \
             WHERE seq = $1 AND state IN ('ready', 'uncertain')";
        let now_ms = self.now_ms();
        Ok(self.change(sql(mark).number(seq).number(now_ms).text(echo)).await? > 0)
    }

    /// Marks a row that leaves for the first time soon after those before it, and by what its echo will be recognised. It is not on the
    /// wire until [`Tx::mark_on_wire`].
    pub async fn mark_next(&mut self, seq: i64, echo: &str) -> Result<(), Error> {
        let mark = "UPDATE outbox SET state = 'sending', echo = $2 WHERE seq = $1 AND state = 'ready' AND sends = 0";
        self.change(sql(mark).number(seq).text(echo)).await.map(drop)
    }

    /// A row that was marked goes on the wire now. `false` when it may not: it was dropped meanwhile.
    pub async fn mark_on_wire(&mut self, seq: i64) -> Result<bool, Error> {
        let mark = "UPDATE outbox SET sends = 1, sent_at_ms = $2 WHERE seq = $1 AND state = 'sending' AND sends = 0";
        let now_ms = self.now_ms();
        Ok(self.change(sql(mark).number(seq).number(now_ms)).await? > 0)
    }

    /// Replaces what is to leave, while it waits for its turn.
    pub async fn set_departure_body(&mut self, seq: i64, body: &str) -> Result<(), Error> {
        let set = "UPDATE outbox SET body = $2, error = NULL WHERE seq = $1 AND state = 'ready'";
        self.change(sql(set).number(seq).text(body)).await.map(drop)
    }

    /// It was delivered, and the receiver calls it `result`.
    pub async fn mark_sent(&mut self, seq: i64, result: Option<&str>) -> Result<(), Error> {
        let mark = "UPDATE outbox SET state = 'sent', result = COALESCE($2, result), error = NULL, \
             sent_at_ms = COALESCE(sent_at_ms, $3) WHERE seq = $1";
        let now_ms = self.now_ms();
        self.change_row("outbox", seq, sql(mark).number(seq).text_or_null(result).number(now_ms)).await
    }

    /// It may have been delivered. Gives what it is now: `Sent` when its echo was here first, `None` when it had been finished.
    pub async fn mark_uncertain(&mut self, seq: i64, error: &str) -> Result<Option<OutboxState>, Error> {
        let mark = concat!(
            "UPDATE outbox SET state = CASE WHEN echoed = 1 THEN 'sent' ELSE 'uncertain' END, \
             error = CASE WHEN echoed = 1 THEN NULL ELSE $2 END, sent_at_ms = COALESCE(sent_at_ms, $3) \
             WHERE seq = $1 AND ",
            unfinished!(),
            " RETURNING seq, state"
        );
        let now_ms = self.now_ms();
        Ok(self.one::<Marked>(sql(mark).number(seq).text(error).number(now_ms)).await?.map(|row| row.state))
    }

    /// Another try at `due_at_ms`. Gives what it is now, as [`Tx::mark_uncertain`] does.
    pub async fn mark_ready(&mut self, seq: i64, due_at_ms: i64, error: &str) -> Result<Option<OutboxState>, Error> {
        let mark = concat!(
            "UPDATE outbox SET state = CASE WHEN echoed = 1 THEN 'sent' ELSE 'ready' END, \
             error = CASE WHEN echoed = 1 THEN NULL ELSE $3 END, attempts = attempts + 1, due_at_ms = $2 \
             WHERE seq = $1 AND ",
            unfinished!(),
            " RETURNING seq, state"
        );
        let mark = sql(mark).number(seq).number(due_at_ms).text(error);
        Ok(self.one::<Marked>(mark).await?.map(|row| row.state))
    }

    /// It was not delivered and will not be. Gives what it is now, as [`Tx::mark_uncertain`] does.
    pub async fn mark_dead(&mut self, seq: i64, error: &str) -> Result<Option<OutboxState>, Error> {
        let mark = "UPDATE outbox SET state = CASE WHEN echoed = 1 THEN 'sent' ELSE 'dead' END, \
             error = CASE WHEN echoed = 1 THEN NULL ELSE $2 END \
             WHERE seq = $1 AND state IN ('ready', 'sending', 'uncertain', 'dead') RETURNING seq, state";
        Ok(self.one::<Marked>(sql(mark).number(seq).text(error)).await?.map(|row| row.state))
    }

    /// At start: what was marked when the process died, in lanes that begin with `prefix`, and was not on the wire waits again; but for
    /// rows up to `unsynced_until`, of which that is not known.
    pub async fn unsent_to_ready(&mut self, prefix: &str, unsynced_until: i64) -> Result<u64, Error> {
        let change = concat!(
            "UPDATE outbox SET state = 'ready' WHERE ",
            unfinished!(),
            " AND state = 'sending' AND sends = 0 AND substr(lane, 1, length($1)) = $1 AND seq > $2"
        );
        self.change(sql(change).text(prefix).number(unsynced_until)).await
    }

    /// At start: what was on the wire when the process died, in lanes that begin with `prefix`, may have been delivered.
    /// Gives how many rows; those whose echo had come are sent.
    pub async fn sending_to_uncertain(&mut self, prefix: &str) -> Result<u64, Error> {
        let change = concat!(
            "UPDATE outbox SET sends = CASE WHEN sends = 0 THEN 1 ELSE sends END, \
             state = CASE WHEN echoed = 1 THEN 'sent' ELSE 'uncertain' END, \
             error = CASE WHEN echoed = 1 THEN NULL ELSE 'the bridge stopped while this was being sent' END \
             WHERE ",
            unfinished!(),
            " AND state = 'sending' AND substr(lane, 1, length($1)) = $1"
        );
        self.change(sql(change).text(prefix)).await
    }

    /// The network showed us words of our own: gives the oldest row of `lane` that has this `fingerprint`, was sent at
    /// `since_ms` or later, and was not recognised before. If it was uncertain, or about to go once more, it is sent now.
    pub async fn claim_echo(
        &mut self,
        lane: &str,
        fingerprint: &str,
        since_ms: i64,
    ) -> Result<Option<OutboxRow>, Error> {
        let claim = "UPDATE outbox SET echoed = 1, \
             error = CASE WHEN state IN ('ready', 'uncertain') THEN NULL ELSE error END, \
             sent_at_ms = COALESCE(sent_at_ms, $4), \
             state = CASE WHEN state IN ('ready', 'uncertain') THEN 'sent' ELSE state END \
             WHERE seq = (SELECT seq FROM outbox WHERE lane = $1 AND echo = $2 AND echoed = 0 \
             AND (state IN ('sent', 'uncertain') OR (state IN ('ready', 'sending') AND sends > 0)) AND (sent_at_ms IS NULL OR sent_at_ms >= $3) \
             ORDER BY seq LIMIT 1) RETURNING *";
        let now_ms = self.now_ms();
        self.one(sql(claim).text(lane).text(fingerprint).number(since_ms).number(now_ms)).await
    }

    /// How many rows of `lane` were sent since `since_ms` (a moment, in milliseconds since 1970).
    pub async fn count_sent(&mut self, lane: &str, since_ms: i64) -> Result<u64, Error> {
        let count = "SELECT COUNT(*) AS value FROM outbox WHERE created_at_ms >= 0 AND lane = $1 AND state = 'sent' AND sent_at_ms >= $2";
        self.count(sql(count).text(lane).number(since_ms)).await
    }

    /// How many rows of `lane` are unfinished.
    pub async fn count_unfinished(&mut self, lane: &str) -> Result<u64, Error> {
        let count = concat!("SELECT COUNT(*) AS value FROM outbox WHERE ", unfinished!(), " AND lane = $1");
        self.count(sql(count).text(lane)).await
    }

    /// What the receiver called the newest row of `lane` that was sent.
    pub async fn last_result(&mut self, lane: &str) -> Result<Option<String>, Error> {
        let last = "SELECT result AS value FROM outbox WHERE created_at_ms >= 0 AND lane = $1 AND state = 'sent' ORDER BY seq DESC LIMIT 1";
        Ok(self.one::<Option<String>>(sql(last).text(lane)).await?.flatten())
    }
}

/// What a row was marked as.
pub(super) struct Marked {
    pub(super) state: OutboxState,
}

impl Record for Marked {
    const TABLE: &'static str = "outbox";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self { state: fields.word("state")? })
    }
}

impl Record for OutboxRow {
    const TABLE: &'static str = "outbox";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            seq: fields.number("seq")?,
            lane: fields.text("lane")?,
            login: fields.text("login")?,
            body: fields.text("body")?,
            dedup_key: fields.text("dedup_key")?,
            state: fields.word("state")?,
            attempts: fields.count("attempts")?,
            sends: fields.count("sends")?,
            due_at_ms: fields.number("due_at_ms")?,
            error: fields.text_or_null("error")?,
            echo: fields.text_or_null("echo")?,
            echoed: fields.flag("echoed")?,
            result: fields.text_or_null("result")?,
            sent_at_ms: fields.number_or_null("sent_at_ms")?,
            created_at_ms: fields.number("created_at_ms")?,
            arrival: fields.number_or_null("arrival")?,
        })
    }
}

impl Word for OutboxState {
    const ALL: &'static [Self] = &[Self::Ready, Self::Sending, Self::Sent, Self::Uncertain, Self::Dead, Self::Dropped];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Uncertain => "uncertain",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }
}

/// Bodies hold what people wrote; they are never printed.
impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Departure");
        shown.field("lane", &self.lane).field("dedup_key", &self.dedup_key).finish_non_exhaustive()
    }
}

/// Bodies hold what people wrote; they are never printed.
impl fmt::Debug for OutboxRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboxRow")
            .field("seq", &self.seq)
            .field("lane", &self.lane)
            .field("dedup_key", &self.dedup_key)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .field("due_at_ms", &self.due_at_ms)
            .field("error", &self.error)
            .field("echoed", &self.echoed)
            .field("result", &self.result)
            .field("sent_at_ms", &self.sent_at_ms)
            .finish_non_exhaustive()
    }
}

//! `job`: what is to be done to rooms, until it is done.

use super::error::Error;
use super::tx::{Fields, Record, Tx, Word, sql};

/// Something to be done to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Ours, for ever.
    pub id: i64,
    /// What is to be done.
    pub kind: JobKind,
    /// The portal that the room was of when this was asked for; 0 when it was none's.
    pub portal: i64,
    /// Which room.
    pub room_id: String,
    /// The room to follow to, or the ghost that is asked in, where that is what is to be done.
    pub target: Option<String>,
    /// Who wanted it.
    pub asker: String,
    /// What it was wanted together with, if anything.
    pub batch: Option<String>,
    /// How far it is.
    pub state: JobState,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// When to try (again), in milliseconds since 1970; 0 is at once.
    pub due_at_ms: i64,
    /// Why it did not work the last time.
    pub error: Option<String>,
    /// When it was wanted, in milliseconds since 1970.
    pub created_at_ms: i64,
}

/// What is to be done to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Our users leave it; people stay.
    Leave,
    /// Everybody is put out of it, and our users leave it.
    Empty,
    /// Its portal moves to the room that replaces it.
    Follow,
    /// A ghost that was asked into it meets whoever asked.
    Meet,
}

/// How far a job is. One that is done is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It is to be done.
    Open,
    /// It was given up.
    Failed,
}

/// Keeps a job unless there is one that is the same by `$unique`, which it may replace.
macro_rules! add {
    ($unique:literal) => {
        concat!(
            "INSERT INTO job (kind, portal, room_id, target, asker, state, attempts, due_at_ms, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, 'open', 0, 0, $6) ON CONFLICT ",
            $unique,
            " DO UPDATE SET \
             state = 'open', attempts = 0, due_at_ms = 0, target = excluded.target, asker = excluded.asker, batch = NULL, \
             created_at_ms = excluded.created_at_ms \
             WHERE job.state = 'failed' OR job.target <> excluded.target"
        )
    };
}

impl Tx {
    /// Keeps a job; `false` when the same is to be done to the room already. One that was given up begins anew, and
    /// one that leads elsewhere is replaced; each ghost is met.
    pub async fn add_job(
        &mut self,
        kind: JobKind,
        portal: i64,
        room_id: &str,
        target: Option<&str>,
        asker: &str,
    ) -> Result<bool, Error> {
        let insert = match kind {
            JobKind::Meet => add!("(room_id, target) WHERE kind = 'meet'"),
            JobKind::Leave | JobKind::Empty | JobKind::Follow => add!("(kind, room_id) WHERE kind <> 'meet'"),
        };
        let insert = sql(insert).text(kind.as_str()).number(portal).text(room_id).text_or_null(target).text(asker);
        let now_ms = self.now_ms();
        Ok(self.change(insert.number(now_ms)).await? > 0)
    }

    /// The job of this `kind` for a room is one of `batch`, of which `asker` is told once all are done. One that is of another
    /// batch stays there.
    pub async fn join_batch(&mut self, kind: JobKind, room_id: &str, asker: &str, batch: &str) -> Result<(), Error> {
        let join = "UPDATE job SET asker = $3, batch = $4 WHERE kind = $1 AND room_id = $2 AND batch IS NULL";
        self.change(sql(join).text(kind.as_str()).text(room_id).text(asker).text(batch)).await.map(drop)
    }

    /// How many jobs of `batch` are still to be done, and how many were given up.
    pub async fn left_of_batch(&mut self, batch: &str) -> Result<(u64, u64), Error> {
        let count = "SELECT COUNT(*) AS value FROM job WHERE batch = $1 AND state = $2";
        let open = self.count(sql(count).text(batch).text(JobState::Open.as_str())).await?;
        Ok((open, self.count(sql(count).text(batch).text(JobState::Failed.as_str())).await?))
    }

    /// Every job that is to be done, oldest first, due or not.
    pub async fn open_jobs(&mut self) -> Result<Vec<JobRow>, Error> {
        self.all(sql("SELECT * FROM job WHERE state = 'open' ORDER BY id")).await
    }

    /// The rooms that our users are leaving, or failed to leave.
    pub async fn rooms_being_left(&mut self) -> Result<Vec<String>, Error> {
        self.all(sql("SELECT room_id AS value FROM job WHERE kind IN ('leave', 'empty') ORDER BY id")).await
    }

    /// Whether our users are about to leave this room.
    pub async fn is_being_left(&mut self, room_id: &str) -> Result<bool, Error> {
        let count =
            "SELECT COUNT(*) AS value FROM job WHERE room_id = $1 AND kind IN ('leave', 'empty') AND state = 'open'";
        Ok(self.count(sql(count).text(room_id)).await? > 0)
    }

    /// Lets the jobs that follow to `target` be tried at once: something has changed there. Gives how many.
    pub async fn hurry_jobs(&mut self, target: &str) -> Result<u64, Error> {
        self.change(sql("UPDATE job SET due_at_ms = 0 WHERE target = $1 AND state = 'open'").text(target)).await
    }

    /// It did not work, and is tried again at `due_at_ms`.
    pub async fn put_job_off(&mut self, id: i64, due_at_ms: i64, error: &str) -> Result<(), Error> {
        let put_off = "UPDATE job SET attempts = attempts + 1, due_at_ms = $2, error = $3 WHERE id = $1";
        self.change_row("job", id, sql(put_off).number(id).number(due_at_ms).text(error)).await
    }

    /// It is given up.
    pub async fn fail_job(&mut self, id: i64, error: &str) -> Result<(), Error> {
        let fail = "UPDATE job SET state = 'failed', error = $2 WHERE id = $1";
        self.change_row("job", id, sql(fail).number(id).text(error)).await
    }

    /// It is done.
    pub async fn finish_job(&mut self, id: i64) -> Result<(), Error> {
        self.change(sql("DELETE FROM job WHERE id = $1").number(id)).await.map(drop)
    }
}

impl Record for JobRow {
    const TABLE: &'static str = "job";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            id: fields.number("id")?,
            kind: fields.word("kind")?,
            portal: fields.number("portal")?,
            room_id: fields.text("room_id")?,
            target: fields.text_or_null("target")?,
            asker: fields.text("asker")?,
            batch: fields.text_or_null("batch")?,
            state: fields.word("state")?,
            attempts: fields.count("attempts")?,
            due_at_ms: fields.number("due_at_ms")?,
            error: fields.text_or_null("error")?,
            created_at_ms: fields.number("created_at_ms")?,
        })
    }
}

impl Word for JobKind {
    const ALL: &'static [Self] = &[Self::Leave, Self::Empty, Self::Follow, Self::Meet];

    fn as_str(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Empty => "empty",
            Self::Follow => "follow",
            Self::Meet => "meet",
        }
    }
}

impl Word for JobState {
    const ALL: &'static [Self] = &[Self::Open, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Failed => "failed",
        }
    }
}

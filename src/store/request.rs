//! `request`: what people want of an account, until it is answered; each is answered at most once.

use super::error::Error;
use super::tx::{Fields, Record, Tx, Word, sql};

/// Something that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// Ours, for ever; people answer by it.
    pub id: i64,
    /// Of whom they want it.
    pub login: String,
    /// The same for the same request told twice; unique within a login.
    pub key: String,
    /// What it is, for people to read.
    pub what: String,
    /// Who asks, for people to read.
    pub who: String,
    /// What answering it takes, sealed.
    pub ticket: String,
    /// How far it is.
    pub state: RequestState,
    /// When it came, in milliseconds since 1970.
    pub created_at_ms: i64,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has answered.
    Open,
    /// A person has answered; the answer is on its way.
    Answered,
    /// The answer has arrived.
    Done,
    /// The answer was refused.
    Failed,
}

impl Tx {
    /// Keeps a request; `None` when its key is known.
    pub async fn add_request(
        &mut self,
        login: &str,
        key: &str,
        what: &str,
        who: &str,
        ticket: &str,
    ) -> Result<Option<RequestRow>, Error> {
        let insert = "INSERT INTO request (login, key, what, who, ticket, state, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, 'open', $6) ON CONFLICT (login, key) DO NOTHING RETURNING *";
        let insert = sql(insert).text(login).text(key).text(what).text(who).text(ticket).number(self.now_ms());
        self.one(insert).await
    }

    /// One request.
    pub async fn request(&mut self, id: i64) -> Result<Option<RequestRow>, Error> {
        self.one(sql("SELECT * FROM request WHERE id = $1").number(id)).await
    }

    /// The requests of `login` that nobody has answered, oldest first.
    pub async fn open_requests(&mut self, login: &str) -> Result<Vec<RequestRow>, Error> {
        self.all(sql("SELECT * FROM request WHERE login = $1 AND state = 'open' ORDER BY id").text(login)).await
    }

    /// A person answers the request. `false` when it was answered before, or never was.
    pub async fn answer_request(&mut self, id: i64) -> Result<bool, Error> {
        let answer = "UPDATE request SET state = 'answered' WHERE id = $1 AND state = 'open'";
        Ok(self.change(sql(answer).number(id)).await? > 0)
    }

    /// What became of the answer.
    pub async fn close_request(&mut self, id: i64, state: RequestState) -> Result<(), Error> {
        let close = "UPDATE request SET state = $2 WHERE id = $1";
        self.change_row("request", id, sql(close).number(id).text(state.as_str())).await
    }
}

impl Record for RequestRow {
    const TABLE: &'static str = "request";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            id: fields.number("id")?,
            login: fields.text("login")?,
            key: fields.text("key")?,
            what: fields.text("what")?,
            who: fields.text("who")?,
            ticket: fields.text("ticket")?,
            state: fields.word("state")?,
            created_at_ms: fields.number("created_at_ms")?,
        })
    }
}

impl Word for RequestState {
    const ALL: &'static [Self] = &[Self::Open, Self::Answered, Self::Done, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

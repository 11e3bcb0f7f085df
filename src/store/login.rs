//! `login`: the accounts of the bridge, whose they are, and what their sessions need to go on.

use super::error::Error;
use super::tx::{Fields, Record, Tx, Word, sql};
use crate::base::Secret;

/// How many lifetimes of sessions are kept of each account.
const LIFETIMES: i64 = 20;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginRow {
    /// Its number.
    pub account: String,
    /// The person who logged it in.
    pub owner: String,
    /// What it is called.
    pub nick: String,
    /// How it is.
    pub state: LoginState,
    /// The session whose numbers are in use.
    pub epoch: String,
    /// What the session needs after a restart; `None` when a person has to log in.
    pub session: Option<Secret>,
    /// Where its owner is told about it.
    pub notice: Option<String>,
    /// Since when it is in this state, in milliseconds since 1970.
    pub since_ms: i64,
}

/// How an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// Its session works.
    Connected,
    /// Its session broke.
    Lost,
    /// A person ended it.
    LoggedOut,
}

impl Tx {
    /// Keeps `login` as it is given.
    pub async fn save_login(&mut self, login: &LoginRow) -> Result<(), Error> {
        let upsert = "INSERT INTO login (account, owner, nick, state, epoch, session, notice, since_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account) DO UPDATE SET \
             owner = excluded.owner, nick = excluded.nick, state = excluded.state, epoch = excluded.epoch, \
             session = excluded.session, notice = excluded.notice, since_ms = excluded.since_ms";
        let upsert = sql(upsert).text(&login.account).text(&login.owner).text(&login.nick).text(login.state.as_str());
        let upsert = upsert.text(&login.epoch).text_or_null(login.session.as_ref().map(Secret::expose));
        let upsert = upsert.text_or_null(login.notice.as_deref()).number(login.since_ms);
        self.change(upsert).await?;
        Ok(())
    }

    /// One account.
    pub async fn login(&mut self, account: &str) -> Result<Option<LoginRow>, Error> {
        self.one(sql("SELECT * FROM login WHERE account = $1").text(account)).await
    }

    /// Whose account it is.
    pub async fn owner_of(&mut self, account: &str) -> Result<Option<String>, Error> {
        self.one(sql("SELECT owner AS value FROM login WHERE account = $1").text(account)).await
    }

    /// All accounts, sorted.
    pub async fn logins(&mut self) -> Result<Vec<LoginRow>, Error> {
        self.all(sql("SELECT * FROM login ORDER BY account")).await
    }

    /// The accounts of one person, sorted.
    pub async fn logins_of(&mut self, owner: &str) -> Result<Vec<LoginRow>, Error> {
        self.all(sql("SELECT * FROM login WHERE owner = $1 ORDER BY account").text(owner)).await
    }

    /// How it is. [`LoginRow::since_ms`] moves only when that changes.
    pub async fn set_login_state(&mut self, account: &str, state: LoginState) -> Result<(), Error> {
        let set =
            "UPDATE login SET since_ms = CASE WHEN state = $2 THEN since_ms ELSE $3 END, state = $2 WHERE account = $1";
        let set = sql(set).text(account).text(state.as_str()).number(self.now_ms());
        self.change_row("login", account, set).await
    }

    /// What its session needs after a restart.
    pub async fn set_login_session(&mut self, account: &str, epoch: &str, session: &Secret) -> Result<(), Error> {
        let set = "UPDATE login SET epoch = $2, session = $3 WHERE account = $1";
        self.change_row("login", account, sql(set).text(account).text(epoch).text(session.expose())).await
    }

    /// A person has to log in next time.
    pub async fn forget_session(&mut self, account: &str) -> Result<(), Error> {
        let forget = "UPDATE login SET session = NULL WHERE account = $1";
        self.change_row("login", account, sql(forget).text(account)).await
    }

    /// Notes that QQ ended a session of `account`; the newest few are kept.
    pub async fn add_lifetime(&mut self, account: &str, lasted_ms: i64) -> Result<(), Error> {
        let ended = self.now_ms();
        let add = "INSERT INTO lifetime (login, ended_at_ms, lasted_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        self.change(sql(add).text(account).number(ended).number(lasted_ms)).await?;
        let forget = "DELETE FROM lifetime WHERE login = $1 AND ended_at_ms NOT IN \
             (SELECT ended_at_ms FROM lifetime WHERE login = $1 ORDER BY ended_at_ms DESC LIMIT $2)";
        self.change(sql(forget).text(account).number(LIFETIMES)).await?;
        Ok(())
    }

    /// How long the last sessions of `account` lasted until QQ ended them, in milliseconds.
    pub async fn lifetimes(&mut self, account: &str) -> Result<Vec<i64>, Error> {
        let found: Vec<Lifetime> =
            self.all(sql("SELECT lasted_ms FROM lifetime WHERE login = $1 ORDER BY ended_at_ms").text(account)).await?;
        Ok(found.into_iter().map(|Lifetime(lasted_ms)| lasted_ms).collect())
    }
}

struct Lifetime(i64);

impl Record for Lifetime {
    const TABLE: &'static str = "lifetime";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self(fields.number("lasted_ms")?))
    }
}

impl Record for LoginRow {
    const TABLE: &'static str = "login";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            account: fields.text("account")?,
            owner: fields.text("owner")?,
            nick: fields.text("nick")?,
            state: fields.word("state")?,
            epoch: fields.text("epoch")?,
            session: fields.text_or_null("session")?.map(Secret::new),
            notice: fields.text_or_null("notice")?,
            since_ms: fields.number("since_ms")?,
        })
    }
}

impl Word for LoginState {
    const ALL: &'static [Self] = &[Self::Connected, Self::Lost, Self::LoggedOut];

    fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Lost => "lost",
            Self::LoggedOut => "logged_out",
        }
    }
}

//! `puppet`: people through whom their own words appear, and what lets us act for them.

use super::error::Error;
use super::tx::{Fields, Record, Tx, Word, sql};
use crate::base::Secret;

/// A person's puppet. Where there is no row, the configuration alone says whether there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PuppetRow {
    /// The person.
    pub mxid: String,
    /// How it is.
    pub state: PuppetState,
    /// Their access token, sealed; `None`: the configuration has what it takes.
    pub token: Option<Secret>,
    /// Since when it is so, in milliseconds since 1970.
    pub since_ms: i64,
}

/// How a puppet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PuppetState {
    /// It works, as far as is known.
    On,
    /// The person does not want it.
    Off,
    /// The homeserver refuses what lets us act for them; they were told.
    Refused,
}

impl Tx {
    /// What is kept about the puppet of `mxid`.
    pub async fn puppet(&mut self, mxid: &str) -> Result<Option<PuppetRow>, Error> {
        self.one(sql("SELECT * FROM puppet WHERE mxid = $1").text(mxid)).await
    }

    /// Everybody of whom something is kept.
    pub async fn puppets(&mut self) -> Result<Vec<PuppetRow>, Error> {
        self.all(sql("SELECT * FROM puppet ORDER BY mxid")).await
    }

    /// Keeps how the puppet of `mxid` is from now on.
    pub async fn put_puppet(&mut self, mxid: &str, state: PuppetState, token: Option<&Secret>) -> Result<(), Error> {
        let upsert = "INSERT INTO puppet (mxid, state, token, since_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (mxid) DO UPDATE SET state = excluded.state, token = excluded.token, since_ms = excluded.since_ms";
        let upsert = sql(upsert).text(mxid).text(state.as_str()).text_or_null(token.map(Secret::expose));
        self.change(upsert.number(self.now_ms())).await?;
        Ok(())
    }

    /// The homeserver refuses the puppet of `mxid`. `false` when that was known, or the person does not want it.
    pub async fn refuse_puppet(&mut self, mxid: &str) -> Result<bool, Error> {
        let refuse = "INSERT INTO puppet (mxid, state, since_ms) VALUES ($1, 'refused', $2) \
             ON CONFLICT (mxid) DO UPDATE SET state = 'refused', since_ms = excluded.since_ms WHERE puppet.state = 'on'";
        Ok(self.change(sql(refuse).text(mxid).number(self.now_ms())).await? > 0)
    }
}

impl Record for PuppetRow {
    const TABLE: &'static str = "puppet";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self {
            mxid: fields.text("mxid")?,
            state: fields.word("state")?,
            token: fields.text_or_null("token")?.map(Secret::new),
            since_ms: fields.number("since_ms")?,
        })
    }
}

impl Word for PuppetState {
    const ALL: &'static [Self] = &[Self::On, Self::Off, Self::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Refused => "refused",
        }
    }
}

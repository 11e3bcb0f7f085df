//! `relay`: portals in which people without a login are carried through that of the portal.

use super::error::Error;
use super::tx::{Fields, Record, Tx, sql};

/// What was said about a portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayRow {
    /// Which portal.
    pub portal: i64,
    /// Whether people without a login only listen.
    pub one_way: bool,
    /// Who said so.
    pub set_by: String,
}

impl Tx {
    /// Whether and how people without a login are carried in `portal`.
    pub async fn relay(&mut self, portal: i64) -> Result<Option<RelayRow>, Error> {
        self.one(sql("SELECT * FROM relay WHERE portal = $1").number(portal)).await
    }

    /// They are from now on.
    pub async fn put_relay(&mut self, relay: &RelayRow) -> Result<(), Error> {
        let upsert = "INSERT INTO relay (portal, one_way, set_by, since_ms) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (portal) DO UPDATE SET one_way = excluded.one_way, set_by = excluded.set_by, since_ms = excluded.since_ms";
        let upsert = sql(upsert).number(relay.portal).number(relay.one_way.into()).text(&relay.set_by);
        self.change(upsert.number(self.now_ms())).await?;
        Ok(())
    }

    /// They are not any more. `false` when they were not.
    pub async fn remove_relay(&mut self, portal: i64) -> Result<bool, Error> {
        Ok(self.change(sql("DELETE FROM relay WHERE portal = $1").number(portal)).await? > 0)
    }
}

impl Record for RelayRow {
    const TABLE: &'static str = "relay";

    fn read(fields: &Fields) -> Result<Self, Error> {
        Ok(Self { portal: fields.number("portal")?, one_way: fields.flag("one_way")?, set_by: fields.text("set_by")? })
    }
}

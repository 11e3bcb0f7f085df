//! `meta`: single values, such as the number of the schema.

use super::error::Error;
use super::tx::{Tx, sql};

impl Tx {
    /// What is kept under `key`.
    pub async fn meta(&mut self, key: &str) -> Result<Option<String>, Error> {
        self.one(sql("SELECT value FROM meta WHERE key = $1").text(key)).await
    }

    /// Keeps `value` under `key`.
    pub async fn set_meta(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let upsert =
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.change(sql(upsert).text(key).text(value)).await?;
        Ok(())
    }
}

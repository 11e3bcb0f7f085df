//! `pause`: accounts through which nothing is said on QQ for now.

use super::error::Error;
use super::tx::{Tx, sql};

impl Tx {
    /// The accounts through which nothing is said now.
    pub async fn paused(&mut self) -> Result<Vec<String>, Error> {
        self.all(sql("SELECT login AS value FROM pause ORDER BY login")).await
    }

    /// `set_by` wants nothing said through `login` from now on. `false` when that was so before.
    pub async fn pause(&mut self, login: &str, set_by: &str) -> Result<bool, Error> {
        let insert = "INSERT INTO pause (login, set_by, since_ms) VALUES ($1, $2, $3) ON CONFLICT (login) DO NOTHING";
        let insert = sql(insert).text(login).text(set_by).number(self.now_ms());
        Ok(self.change(insert).await? > 0)
    }

    /// Things are said through `login` again. `false` when they were before.
    pub async fn resume(&mut self, login: &str) -> Result<bool, Error> {
        Ok(self.change(sql("DELETE FROM pause WHERE login = $1").text(login)).await? > 0)
    }

    /// How many ghosts there are.
    pub async fn count_ghosts(&mut self) -> Result<u64, Error> {
        self.count(sql("SELECT COUNT(*) AS value FROM ghost")).await
    }
}

//! Recognises who is called by name in a group or discussion.
//!
//! Source: protocol dossier 8.2 rule 7.

use super::said::Said;
use crate::qq::Error;
use crate::qq::webqq::content::mention::{self, Names};
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::roster::{Named, PlaceKind};

impl WebQq {
    /// Sets the names in `said` apart. Asks for the members only when there is no list of them, never for one of them;
    /// in an earlier login nobody can be asked, and the names stay words.
    pub(super) async fn recognise_called(
        &self,
        (kind, number): (PlaceKind, u64),
        said: &mut Said<'_>,
    ) -> Result<(), Error> {
        let epoch = said.envelope.epoch.as_str();
        if !self.is_now(epoch) || !mention::may_call(&said.pieces) {
            return Ok(());
        }
        let Some(members) = self.members_of(kind, number).await? else { return Ok(()) };
        let names = Names::of(&members);
        let called = mention::called(&said.pieces, &names);
        if called.is_empty() {
            return Ok(());
        }
        self.roster.name_members(kind, number, &members, &called).await?;
        said.pieces =
            mention::mark(std::mem::take(&mut said.pieces), &names, |uin| match self.roster.person(epoch, uin) {
                Named::Known(contact) => Some(contact),
                Named::Doubtful(_) | Named::Unknown => None,
            });
        Ok(())
    }
}

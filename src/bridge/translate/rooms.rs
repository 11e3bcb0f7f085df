//! What people do to rooms: they switch encryption on, and change who may do what.

use super::Outcome;
use crate::bridge::{Bridge, notice, route};
use crate::matrix::event::Event;
use crate::store::{self, Fate, Tx};

impl Bridge {
    /// What could not be done in a room may be allowed now: that a portal follows there, or that it is kept in step with QQ.
    pub(super) async fn translate_levels(
        &self,
        tx: &mut Tx,
        event: &Event,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        out.jobs |= tx.hurry_jobs(event.room.as_str()).await? > 0;
        let is_ours = self.homeserver.is_ours(&event.sender);
        let portal = self.portals.by_room(event.room.as_str()).filter(|_| !is_ours);
        out.levelled.extend(portal);
        Ok(())
    }

    /// From now on nothing in the room can be read: that is said in it in the clear, and to whoever switched it on.
    pub(super) async fn translate_encryption(
        &self,
        tx: &mut Tx,
        event: &Event,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let control = tx.user_by_control_room(event.room.as_str()).await?;
        let portal = self.portals.by_room(event.room.as_str());
        let why = match (&portal, control) {
            (Some(_), _) => "encryption.portal",
            (None, Some(_)) => "encryption.control",
            (None, None) => return Ok(()),
        };
        let (room, id, who) = (event.room.as_str(), event.id.as_str(), event.sender.as_str());
        let key = route::key(&["encryption", id]);
        let said = notice::reply(&self.texts_for(who).say(why, &[]), id, who, &key);
        out.lanes.push(notice::put(tx, room, said, &key).await?);
        if let Some(portal) = portal {
            let text = self.texts_for(who).say("encryption.told", &[("name", &portal.name)]);
            out.lanes.push(notice::put_in_control(tx, who, &text, &route::key(&["encryption told", id])).await?);
        }
        out.fate = Fate::Answered;
        Ok(())
    }
}

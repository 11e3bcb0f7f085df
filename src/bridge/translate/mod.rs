//! Room 3 of both journeys: opened rows become rows of the outbox, in one transaction and without the network. Either
//! all of it is kept, or none; what a power cut takes is translated again.

mod around;
mod before;
mod from_matrix;
mod from_qq;
mod rooms;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use tracing::warn;

use super::deliver::Marked;
use super::login::Live;
use super::portal::Portal;
use super::{Bridge, Order};
use crate::qq::{Changed, ContactId, Doubt, Passing};
use crate::store::{self, Fate, PortalRow, Tx};

/// How many rows are translated in one transaction.
const BATCH: u32 = 64;

/// What a translation changed, for those in memory to hear of once it is on disk.
#[derive(Default)]
struct Outcome {
    lanes: Vec<String>,
    /// What is marked already at the heads of lanes that rest.
    ahead: HashMap<String, Marked>,
    portals: Vec<PortalRow>,
    ghosts: Vec<(ContactId, String)>,
    orders: Vec<Order>,
    /// What the owner has to be asked.
    doubts: Vec<Doubt>,
    passing: Vec<Passing>,
    /// How the row that is translated ended, unless it was carried on.
    fate: Fate,
    signed_out: Option<String>,
    /// Whether there are jobs to be done.
    jobs: bool,
    /// Rooms from which portals are to follow elsewhere, which is a job.
    replaced: Vec<String>,
    /// Whose rooms may let the bridge do more now.
    levelled: Vec<Arc<Portal>>,
}

impl Outcome {
    /// Looks at the heads of its lanes, once everything is in the outbox.
    async fn look_ahead(&mut self, tx: &mut Tx, bridge: &Bridge) -> Result<(), store::Error> {
        self.lanes.sort_unstable();
        self.lanes.dedup();
        for lane in &self.lanes {
            if let Some(rows) = bridge.look_ahead(tx, lane).await? {
                self.ahead.insert(lane.clone(), rows);
            }
        }
        Ok(())
    }
}

impl Bridge {
    /// Tells those in memory what is on disk now.
    async fn announce(self: &Arc<Self>, mut outcome: Outcome, live: Option<&Arc<Live>>) {
        let mut named = Changed::default();
        for row in outcome.portals {
            named.chats.insert(self.note_portal(row).chat.clone());
        }
        for (contact, name) in outcome.ghosts {
            self.ghosts.note_name(contact.clone(), name);
            named.contacts.insert(contact);
        }
        for room in &outcome.replaced {
            self.replaced.add(room);
        }
        if outcome.jobs || !outcome.replaced.is_empty() {
            self.hurry_jobs();
        }
        for portal in outcome.levelled {
            if let Some(live) = self.logins.live(&portal.account) {
                live.look_at(&portal);
            }
        }
        if !outcome.orders.is_empty()
            && let Err(error) = self.store.flush().await
        {
            // They are carried out all the same: at worst twice, if the machine stops now.
            warn!(%error, "that a command came is not on the disk yet");
        }
        for order in outcome.orders {
            // It fails when nobody takes orders any more: shutdown.
            let _ = self.orders.send(order);
        }
        if let Some(live) = live {
            if named != Changed::default() {
                live.named.add(|changed| changed.add(named));
            }
            self.pass_on(live, outcome.passing);
        }
        for lane in &outcome.lanes {
            self.wake_with(lane, outcome.ahead.remove(lane));
        }
        let Some(live) = live else { return };
        for doubt in &outcome.doubts {
            self.ask_owner(live, doubt).await;
        }
        if let Some(why) = outcome.signed_out {
            self.signed_out(live, &why).await;
        }
    }
}

//! What people said in a room before it became that of a chat, or a control room: it goes to whom they said it.
//!
//! They need not wait until whom they ask in has come. Some of it was pushed, when it was nobody's, and some was not; the room
//! itself knows all of it, in order. The translator does it once more, to the same keys, and so notes what became of it.

use matrix_sdk::ruma::RoomId;

use super::Outcome;
use crate::bridge::open::OpenedFromMatrix;
use crate::bridge::portal::Portal;
use crate::bridge::{Bridge, Error, route};
use crate::matrix::Incoming;
use crate::matrix::event::{Event, Kind};
use crate::store::{self, Arrival, Tx};

impl Bridge {
    /// Of what was `said` in a room, what people said, and is no secret.
    pub(in crate::bridge) fn by_people(&self, said: Vec<Incoming>) -> Vec<Arrival> {
        // A command with a secret behind it would have to be taken down first: nobody was there to obey it. An answer that is
        // waited for is pushed, and emptied, as the bot is there.
        let is_secret = |event: &Incoming| self.secrets.is_in(event, &self.config.bridge.command_prefix);
        let by_people = said.into_iter().filter(|event| !self.is_ours(&event.sender) && !is_secret(event));
        by_people.map(|event| Arrival { dedup_key: event.event_id, body: event.body }).collect()
    }

    /// What people said in `room` after they had asked the bot in.
    pub async fn said_to_bot(&self, room: &RoomId) -> Result<Vec<Arrival>, Error> {
        Ok(self.by_people(self.homeserver.bot().said_since_asked(room).await?))
    }

    /// Takes in what was `said` in a room before it was a control room.
    pub async fn take_up_before(&self, said: Vec<Arrival>) -> Result<(), Error> {
        let taken_up = self.store.write(move |tx| {
            Box::pin(async move {
                for arrival in &said {
                    tx.take_up_again(route::FROM_MATRIX, arrival).await?;
                }
                Ok(())
            })
        });
        taken_up.await?;
        self.arrived_from_matrix.notify_one();
        Ok(())
    }

    /// Puts `said` on the way to the chat of `portal`; gives the lanes to wake.
    pub(in crate::bridge) async fn translate_before(
        &self,
        tx: &mut Tx,
        portal: &Portal,
        said: &[Arrival],
    ) -> Result<Vec<String>, store::Error> {
        let mut out = Outcome::default();
        for arrival in said {
            let seq = tx.take_up_again(route::FROM_MATRIX, arrival).await?;
            let opened = OpenedFromMatrix::of(seq, Event::parse(&arrival.body).ok(), &arrival.body);
            let Some(event) = &opened.event else { continue };
            if let Kind::Message(message) = &event.kind
                && opened.mark.is_none()
                && self.command_in(tx, event, message).await?.is_none()
            {
                self.translate_words(tx, (&opened, event), message, portal, &mut out).await?;
            }
        }
        Ok(out.lanes)
    }
}

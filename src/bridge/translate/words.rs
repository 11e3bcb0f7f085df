//! What people say in the room of a chat: in which parts it goes to QQ, if it does.

use super::Outcome;
use crate::bridge::convert::attachment;
use crate::bridge::convert::to_qq::{self, Around};
use crate::bridge::departure::{self, Attachment, ToChat};
use crate::bridge::open::OpenedFromMatrix;
use crate::bridge::portal::Portal;
use crate::bridge::relay::Voice;
use crate::bridge::{Bridge, route};
use crate::matrix::event::{Event, Message};
use crate::qq::{AccountId, Outgoing};
use crate::store::{self, Tx};

/// What leaves in one row.
struct Part {
    message: Outgoing,
    attachment: Option<Attachment>,
}

impl Part {
    fn words(message: Outgoing) -> Self {
        Self { message, attachment: None }
    }
}

impl Bridge {
    /// Puts what is no command on its way to the chat of `portal`.
    pub(super) async fn translate_words(
        &self,
        tx: &mut Tx,
        (opened, event): (&OpenedFromMatrix, &Event),
        message: &Message,
        portal: &Portal,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let is_alien = opened.is_of_bridge || message.msgtype == "m.notice";
        let around = match self.voice(tx, portal, event, is_alien).await? {
            Voice::Own => opened.around.clone(),
            Voice::Relayed => self.framed(&opened.around, event, message),
            Voice::Unheard => return Ok(()),
            // Once for each person: another bridge's ghosts must not get an answer to every word.
            Voice::Declined(why) => return self.decline(tx, event, why, event.sender.as_str(), out).await,
        };
        match self.for_qq(message, portal, &around) {
            Ok(parts) if self.is_too_much(tx, portal, (event, &around), parts.len()).await? => {
                self.decline(tx, event, "message.too_many", event.id.as_str(), out).await
            }
            Ok(parts) => self.say_on_qq(tx, (opened.seq, event), portal, parts, out).await,
            Err(to_qq::Unsayable::Empty) => Ok(()),
            Err(to_qq::Unsayable::Media) => self.decline(tx, event, "message.no_media", event.id.as_str(), out).await,
        }
    }

    /// What is to be said on QQ for `message`, in order: what it shows, then its words.
    fn for_qq(&self, message: &Message, portal: &Portal, around: &Around) -> Result<Vec<Part>, to_qq::Unsayable> {
        let most = self.max_text_bytes(&portal.account);
        let words =
            |message: &Message| Ok(to_qq::outgoing(message, around, most)?.into_iter().map(Part::words).collect());
        let Some(shown) = attachment::attachment(message) else { return words(message) };
        let shown = Part { message: Outgoing::default(), attachment: Some(shown?) };
        let caption = attachment::caption(message);
        if around.frame.is_some() {
            // Who shows it has to be said before.
            let words = words(&caption.unwrap_or_else(|| attachment::in_words(message)))?;
            return Ok(words.into_iter().chain([shown]).collect());
        }
        // A caption of blanks says nothing.
        let caption = caption.map(|caption| words(&caption).unwrap_or_default()).unwrap_or_default();
        Ok([shown].into_iter().chain(caption).collect())
    }

    async fn say_on_qq(
        &self,
        tx: &mut Tx,
        (seq, event): (i64, &Event),
        portal: &Portal,
        parts: Vec<Part>,
        out: &mut Outcome,
    ) -> Result<(), store::Error> {
        let lane = Self::lane_of(portal);
        let waiting = self.why_waiting(tx, (&portal.account, &lane), event.sender.as_str()).await?;
        let count = parts.len();
        for (at, Part { message, attachment }) in parts.into_iter().enumerate() {
            let to_chat = ToChat {
                chat: portal.chat.clone(),
                message,
                room: event.room.to_string(),
                event: event.id.to_string(),
                sender: event.sender.to_string(),
                parts: count,
                attachment,
            };
            let key = route::key_to_qq(event.id.as_str(), at);
            departure::put_on(tx, lane.clone(), portal.account.as_str(), &to_chat, &key, Some(seq)).await?;
        }
        if let Some(waiting) = waiting {
            let place = (event.room.as_str(), event.id.as_str());
            out.lanes.extend(self.put_status(tx, place, "waiting", &waiting).await?);
        }
        out.lanes.push(lane);
        Ok(())
    }

    /// The longest text that the network of `account` takes; a careful guess while it is not logged in.
    fn max_text_bytes(&self, account: &AccountId) -> usize {
        const CAREFUL: usize = 500;
        self.logins.live(account).map_or(CAREFUL, |live| live.network.capabilities().max_text_bytes)
    }
}

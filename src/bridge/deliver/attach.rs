//! What a picture or file from Matrix goes through before its row can leave towards QQ: downloaded and uploaded where QQ
//! carries it, else an address in its place, written into its row.
//!
//! Nothing of this is said on QQ. If the process dies in it, the next one begins it anew; only a row that is complete is
//! sent, once.

use std::sync::Arc;

use matrix_sdk::ruma::MxcUri;
use tracing::warn;

use crate::bridge::convert::attachment;
use crate::bridge::convert::media::Picture;
use crate::bridge::departure::{self, Attachment, ToChat};
use crate::bridge::lane::Next;
use crate::bridge::login::Live;
use crate::bridge::{Bridge, Error};
use crate::qq::{self, ChatId, Outgoing, Piece, Upload};
use crate::store::OutboxRow;

/// What came of a try to have QQ carry it.
enum Carried {
    /// QQ has it, and can be told to show it.
    As(Piece),
    /// QQ does not carry such a thing.
    Not,
    /// It may work later; why not now.
    Later(String),
}

impl Bridge {
    /// Completes `row`, the head of its lane, with what QQ is to say for `attachment`.
    pub(super) async fn attach(
        self: &Arc<Self>,
        live: &Arc<Live>,
        row: &OutboxRow,
        to_chat: ToChat,
        attachment: &Attachment,
    ) -> Result<Next, Error> {
        let pieces = match self.carry(live, &to_chat.chat, attachment).await? {
            Carried::As(piece) => vec![piece],
            Carried::Later(why) if row.attempts.saturating_add(1) < self.config.bridge.media.tries => {
                return self.try_again_later(row, why).await;
            }
            Carried::Not | Carried::Later(_) => {
                let Some(link) = self.link_to(attachment) else {
                    self.close_undelivered(row, &to_chat, NO_WAY, "message.no_way").await?;
                    return Ok(Next::More);
                };
                vec![Piece::Text(link)]
            }
        };
        let body = departure::write(&ToChat {
            message: Outgoing { pieces, ..Outgoing::default() },
            attachment: None,
            ..to_chat
        });
        let seq = row.seq;
        self.store.write(move |tx| Box::pin(async move { tx.set_departure_body(seq, &body).await })).await?;
        Ok(Next::More)
    }

    async fn carry(&self, live: &Live, chat: &ChatId, attachment: &Attachment) -> Result<Carried, Error> {
        let can = live.network.capabilities();
        let most_bytes = if attachment.is_picture() { can.picture_bytes } else { can.file_bytes };
        let most_bytes = most_bytes.min(self.config.bridge.media.most_bytes());
        if attachment.size.unwrap_or(1) > u64::try_from(most_bytes).unwrap_or(u64::MAX) {
            return Ok(Carried::Not);
        }
        let Some(download) = self.homeserver.download(<&MxcUri>::from(&*attachment.url), most_bytes).await? else {
            return Ok(Carried::Not);
        };
        let bytes = download.whole().await?;
        if attachment.is_picture() && Picture::of(&bytes).is_none() {
            return Ok(Carried::Not);
        }
        let upload = Upload { name: attachment.name.clone(), is_picture: attachment.is_picture(), bytes };
        let Some(uploaded) = live.part.unless_asked(live.network.upload(chat, &upload)).await else {
            return Ok(Carried::Later("stopped".to_owned()));
        };
        Ok(match uploaded {
            Ok(Some(piece)) => Carried::As(piece),
            Ok(None) => Carried::Not,
            Err(error) => {
                warn!(account = %live.account, %error, "a picture or file could not be uploaded to QQ");
                match error.verdict() {
                    qq::Verdict::GiveUp => Carried::Not,
                    qq::Verdict::Retry(_) | qq::Verdict::LogIn => Carried::Later(error.to_string()),
                }
            }
        })
    }

    /// What QQ people read in the place of `attachment`; `None` when they could not reach it.
    fn link_to(&self, attachment: &Attachment) -> Option<String> {
        let most_bytes = u64::try_from(self.config.bridge.media.most_bytes()).unwrap_or(u64::MAX);
        if attachment.size.is_some_and(|size| size > most_bytes) {
            return None;
        }
        let links = self.links.as_ref()?;
        let url = links.link(<&MxcUri>::from(&*attachment.url), &attachment.name, self.clock.now_ms())?;
        Some(attachment::link(attachment, url.as_str()))
    }
}

/// What such a row is filed under.
const NO_WAY: &str = "QQ does not carry it, and there is no address for it";

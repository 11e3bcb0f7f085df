//! What a picture or file of QQ's goes through before its row can leave towards Matrix: fetched, uploaded, written into its row.
//!
//! Nothing of this shows in the room. If the process dies in it, the next one begins it anew; only a row that is complete
//! is sent, under the transaction id that it always had. What cannot be had becomes a text that says why.

use std::sync::Arc;

use matrix_sdk::ruma::OwnedMxcUri;
use serde_json::Value;
use tracing::{info, warn};

use super::AGAIN;
use crate::bridge::convert::media::{self, Picture};
use crate::bridge::convert::to_matrix::KEY_FIELD;
use crate::bridge::departure::{self, Speaker, ToRoom};
use crate::bridge::lane::Next;
use crate::bridge::login::Live;
use crate::bridge::{Bridge, Error, Texts, Verdict};
use crate::matrix::Intent;
use crate::qq::{self, AccountId, Media, MediaRef, Piece};
use crate::store::{LoginState, OutboxRow};

/// What came of a try.
enum Tried {
    /// The account is not logged in now and may be soon; that wakes the lane.
    Asleep,
    /// The row is complete with this content.
    Complete(Value),
    /// It will never work; the text that says why.
    Never(&'static str),
    /// It may work later; the text that says why not yet.
    Later(&'static str),
}

impl Bridge {
    /// Fetches what `row`, the head of its lane, still lacks, and completes it.
    pub(super) async fn complete(
        self: &Arc<Self>,
        row: &OutboxRow,
        to_room: ToRoom,
        wanted: Piece,
    ) -> Result<Next, Error> {
        let tried = self.try_to_fetch(row, &to_room.speaker, &wanted).await?;
        let content = match tried {
            Tried::Complete(content) => content,
            Tried::Asleep => return Ok(Next::End),
            Tried::Later(why) if row.attempts.saturating_add(1) < self.config.bridge.media.tries => {
                let (_, why) = self.why_missing(row, why).await?;
                return self.try_again_later(row, why).await;
            }
            Tried::Never(why) | Tried::Later(why) => {
                self.refuse(row, &wanted).await;
                info!(seq = row.seq, why, "the room gets a note in the place of a picture or file");
                let (texts, why) = self.why_missing(row, why).await?;
                let label = wanted.label().unwrap_or_default();
                let text = texts.say("media.missing", &[("label", label), ("why", &why)]);
                serde_json::json!({ "msgtype": "m.notice", "body": text, KEY_FIELD: row.dedup_key })
            }
        };
        let body = departure::write(&ToRoom { content, fetch: None, ..to_room });
        let seq = row.seq;
        self.store.write(move |tx| Box::pin(async move { tx.set_departure_body(seq, &body).await })).await?;
        Ok(Next::More)
    }

    /// The texts for the owner of `row`, and in them that of `why`.
    async fn why_missing(&self, row: &OutboxRow, why: &str) -> Result<(Texts, String), Error> {
        let texts = self.texts_of(&AccountId::new(&row.login)).await?;
        let mb = self.config.bridge.media.max_mb.to_string();
        Ok((texts, texts.say(why, &[("mb", &mb)])))
    }

    async fn try_to_fetch(
        self: &Arc<Self>,
        row: &OutboxRow,
        speaker: &Speaker,
        wanted: &Piece,
    ) -> Result<Tried, Error> {
        // Rows of no other kind are written.
        let (Piece::Picture(media) | Piece::File { media, .. }) = wanted else {
            return Ok(Tried::Never("media.odd"));
        };
        let account = AccountId::new(&row.login);
        let Some(live) = self.logins.live(&account) else { return self.without_login(&account).await };
        let fetched = match self.fetch(&live, row, media).await {
            Ok(fetched) => fetched,
            Err(tried) => return Ok(tried),
        };
        let picture = Picture::of(&fetched.bytes);
        if picture.is_none() && matches!(wanted, Piece::Picture(_)) {
            return Ok(Tried::Later("media.odd"));
        }
        let mime = picture.as_ref().map_or("application/octet-stream", |picture| picture.mime);
        let size = fetched.bytes.len();
        let speaker = match speaker {
            Speaker::Bot => self.homeserver.bot(),
            Speaker::Ghost(contact) | Speaker::Owner(contact) => self.ensure_ghost(contact).await?,
        };
        let Some(url) = self.upload(&speaker, fetched, mime, &media.name).await? else {
            return Ok(Tried::Never("media.not_taken"));
        };
        Ok(Tried::Complete(match (wanted, &picture) {
            (Piece::Picture(_), Some(picture)) => media::image(picture, &url, size, &row.dedup_key),
            _ => media::file(&media.name, mime, &url, size, &row.dedup_key),
        }))
    }

    /// Tells whoever offers a file that nobody takes it. Nothing depends on whether they hear of it.
    async fn refuse(&self, row: &OutboxRow, wanted: &Piece) {
        let Piece::File { media, .. } = wanted else { return };
        let Some(live) = self.logins.live(&AccountId::new(&row.login)) else { return };
        if let Some(Err(error)) = live.part.unless_asked(live.network.refuse(media)).await {
            warn!(seq = row.seq, %error, "a file could not be refused");
        }
    }

    /// A session that is being taken up is waited for; one that is over counts as a try.
    async fn without_login(&self, account: &AccountId) -> Result<Tried, Error> {
        let name = account.to_string();
        let login = self.store.read(move |tx| Box::pin(async move { tx.login(&name).await })).await?;
        Ok(match login {
            Some(login) if login.state == LoginState::Connected => Tried::Asleep,
            _ => Tried::Later("media.logged_out"),
        })
    }

    async fn fetch(&self, live: &Live, row: &OutboxRow, media: &MediaRef) -> Result<Media, Tried> {
        let most_bytes = self.config.bridge.media.most_bytes();
        // Nothing is lost when this is cut off: the row stays as it is.
        let fetching = live.part.unless_asked(live.network.fetch(media, most_bytes)).await;
        fetching.ok_or(Tried::Asleep)?.map_err(|error| {
            warn!(seq = row.seq, attempts = row.attempts, %error, "a picture or file could not be fetched");
            match error {
                qq::Error::MediaTooLarge(_) => Tried::Never("media.too_large"),
                qq::Error::MediaUnsafe(_) => Tried::Never("media.unsafe"),
                qq::Error::NoMedia { .. } => Tried::Later("media.gone"),
                _ => Tried::Later("media.unreachable"),
            }
        })
    }

    /// Uploads `media` as often as it takes: what was fetched may be gone at QQ by the time the homeserver is back.
    /// `None` when the homeserver will not have it.
    async fn upload(
        &self,
        speaker: &Intent,
        media: Media,
        mime: &str,
        name: &str,
    ) -> Result<Option<OwnedMxcUri>, Error> {
        let mut failures = 0;
        loop {
            let uploaded = {
                let _turn = self.requests.acquire().await;
                speaker
                    .upload(media.bytes.clone(), mime, Some(name).filter(|name| !name.is_empty()))
                    .await
                    .map_err(Error::from)
            };
            let error = match uploaded {
                Ok(url) => return Ok(Some(url)),
                Err(error) => error,
            };
            failures += 1;
            warn!(%error, failures, "a picture or file could not be uploaded");
            let Verdict::Retry(least) = error.verdict() else { return Ok(None) };
            let wait = AGAIN.delay(failures).max(least);
            if self.shutdown.unless_asked(tokio::time::sleep(wait)).await.is_none() {
                return Err(error);
            }
        }
    }
}

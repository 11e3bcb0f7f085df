//! Fetches pictures and files: asks the server that has them, and follows it to where they are.
//!
//! Source: protocol dossier 10.2.

use super::offer::Offer;
use super::source::{Origin, Picture, Source};
use crate::qq::webqq::api::{get_cface2, get_group_pic, get_image2, get_offpic2};
use crate::qq::webqq::http::Ask;
use crate::qq::webqq::network::WebQq;
use crate::qq::webqq::number::{Uin, integer};
use crate::qq::webqq::roster::{Address, Named, PlaceKind};
use crate::qq::{ChatId, Error, Media, MediaRef};

/// What a refusal is shorter than; it is read as one only up to here.
const LONGEST_REFUSAL: usize = 1024;

impl WebQq {
    /// Fetches `media`.
    pub(crate) async fn fetch_media(&self, media: &MediaRef, most_bytes: usize) -> Result<Media, Error> {
        if let Some(offer) = Offer::open(media) {
            return self.fetch_offer(&media.epoch, &offer, most_bytes).await;
        }
        let forgotten = |why: &str| Error::NoMedia { endpoint: "fetch", why: why.to_owned() };
        let Source { picture, origin } = Source::open(media).ok_or_else(|| forgotten("it cannot be read"))?;
        let origin = self.of_now(&media.epoch, origin).ok_or_else(|| forgotten("its sender is not known any more"))?;
        let (endpoint, ask) = self.question(&picture, &origin);
        self.fetch_from(endpoint, ask, most_bytes).await
    }

    /// Asks, and follows the answer to where it leads.
    pub(super) async fn fetch_from(&self, endpoint: &'static str, ask: Ask, most_bytes: usize) -> Result<Media, Error> {
        let url = self.link.address(&ask).ok_or(Error::MediaUnsafe("no address at all"))?;
        let answer = self.link.ask(ask.patience(super::PATIENCE).at_most(most_bytes)).await;
        let answer = answer.map_err(|fault| fault.unreachable(endpoint))?;
        if let Some(retcode) = refusal(&answer.body) {
            return Err(Error::NoMedia { endpoint, why: format!("retcode {retcode}") });
        }
        let bytes = self.carrier.outside.follow(endpoint, (url, answer), most_bytes, |_| true).await?;
        Ok(Media { bytes })
    }

    fn question(&self, picture: &Picture, origin: &Origin) -> (&'static str, Ask) {
        let sender = Uin(origin.sender);
        match picture {
            Picture::Offpic { file_path } => (get_offpic2::ENDPOINT, get_offpic2::ask(&self.link, file_path, sender)),
            Picture::Image { guid } => (get_image2::ENDPOINT, get_image2::ask(&self.link, guid, origin.msg_id, sender)),
            Picture::Cface { name, file_id, server } => match origin.place {
                None => (get_cface2::ENDPOINT, get_cface2::ask(&self.link, name, origin.msg_id, sender)),
                Some((kind, number)) => {
                    let at = get_group_pic::Place {
                        is_discussion: kind == PlaceKind::Discussion,
                        number: self.code_of(kind, number),
                        sender,
                    };
                    let server = server.as_deref().unwrap_or_default();
                    let ask = get_group_pic::ask(&self.link, &at, name, file_id.unwrap_or_default(), server);
                    (get_group_pic::ENDPOINT, ask)
                }
            },
        }
    }

    /// Groups are asked about by their code, discussions by their number.
    fn code_of(&self, kind: PlaceKind, number: u64) -> u64 {
        match kind {
            PlaceKind::Group => self.roster.code(number).unwrap_or(number),
            PlaceKind::Discussion => number,
        }
    }

    /// `origin`, which is in numbers of `epoch`, in the numbers of this login; `None` when somebody in it is not matched.
    fn of_now(&self, epoch: &str, origin: Origin) -> Option<Origin> {
        let sender = self.number_of_now(epoch, origin.sender)?;
        let place = match origin.place {
            Some((kind, at)) if epoch != self.link.epoch() => {
                Some((kind, self.number_of(self.roster.place_chat(kind, epoch, at))?))
            }
            place => place,
        };
        Some(Origin { sender, place, ..origin })
    }

    /// What the person `uin` of the login `epoch` is called now.
    pub(super) fn number_of_now(&self, epoch: &str, uin: u64) -> Option<u64> {
        if epoch == self.link.epoch() || Uin(uin) == self.link.uin() {
            return Some(uin);
        }
        self.number_of(self.roster.friend_chat(epoch, Uin(uin)))
    }

    fn number_of(&self, chat: Named<ChatId>) -> Option<u64> {
        let Named::Known(chat) = chat else { return None };
        match self.roster.address(&chat)? {
            Address::Friend(number) | Address::Group(number) | Address::Discussion(number) => Some(number),
            Address::Temporary { uin, .. } => Some(uin),
        }
    }
}

/// The code of an answer that is a refusal instead of a picture.
fn refusal(body: &[u8]) -> Option<i64> {
    if body.len() > LONGEST_REFUSAL || body.first() != Some(&b'{') {
        return None;
    }
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    answer.get("retcode").and_then(integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_from_a_picture() {
        for (body, code) in [
            ("{\"retcode\":103,\"errmsg\":\"\"}\n", Some(103)),
            ("{\"retcode\":\"6\"}", Some(6)),
            ("{}", None),
            ("\u{ff}\u{d8}\u{ff}", None),
            ("", None),
            ("GIF89a", None),
        ] {
            assert_eq!(refusal(body.as_bytes()), code, "{body}");
        }
    }
}

//! QQ's pieces as the content of a Matrix message.

use serde_json::{Value, json};

use crate::qq::{Message, Piece, Sender};

/// The content field that carries our own key of a message: recovery after a crash looks for it.
pub const KEY_FIELD: &str = "net.matrix_webqq.key";

/// The content of an `m.room.message` that shows `message`, marked with `key`.
#[must_use]
pub fn content(message: &Message, key: &str) -> Value {
    let msgtype = if message.sender == Sender::System { "m.notice" } else { "m.text" };
    json!({ "msgtype": msgtype, "body": plain(&message.pieces), KEY_FIELD: key })
}

/// The pieces as plain text: faces as emoji where there is one, else as `[名]`.
#[must_use]
pub fn plain(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Face(face) => face.emoji().map_or_else(|| face.to_string(), str::to_owned),
            other => other.label().unwrap_or_default().to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::{ChatId, ChatKind, ContactId, Face, MessageKey};

    fn message(sender: Sender, pieces: Vec<Piece>) -> Message {
        Message {
            chat: ChatId::new("group:1"),
            kind: ChatKind::Group,
            sender,
            key: MessageKey::new("k"),
            sent_at_ms: 1,
            pieces,
        }
    }

    #[test]
    fn faces_become_emoji_and_labels_stay() {
        let pieces = vec![
            Piece::Text("hi ".into()),
            Piece::Face(Face(14)),
            Piece::Face(Face(999_999)),
            Piece::Unsupported { label: "[图片]".into() },
        ];
        let said = content(&message(Sender::Contact(ContactId::new("1.2")), pieces), "key");
        assert_eq!(said, json!({ "msgtype": "m.text", "body": "hi 🙂[表情999999][图片]", KEY_FIELD: "key" }));
    }

    #[test]
    fn what_qq_itself_says_is_a_notice() {
        let said = content(&message(Sender::System, vec![Piece::Text("禁言".into())]), "key");
        assert_eq!(said["msgtype"], "m.notice");
    }
}

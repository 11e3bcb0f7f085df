//! What a friend does in a chat without saying anything: shakes the window, offers a file, calls.
//!
//! Source: protocol dossier 7.5, 7.6.

use serde_json::Value;

use super::content::name;
use super::media::Offer;
use super::number::integer;
use crate::qq::Piece;

/// The `type` of a video invitation among file offers.
const VIDEO: i64 = 161;

/// What such an event shows in the chat; `None` for events of any other kind.
pub(crate) fn shown(poll_type: &str, value: &Value) -> Option<Piece> {
    let file = |field: &str| value.get(field).and_then(Value::as_str).map(name::decode).unwrap_or_default();
    let video = value.get("type").and_then(integer) == Some(VIDEO);
    let label = match (poll_type, value.get("mode").and_then(Value::as_str)) {
        ("shake_message", _) => "[窗口抖动]".to_owned(),
        ("av_request", _) => "[视频邀请]".to_owned(),
        ("file_message", Some("recv")) if video => "[视频邀请]".to_owned(),
        ("file_message", Some("recv")) => ["[文件] ", &file("name")].concat(),
        ("file_message", Some("refuse")) if video => "[视频邀请已取消]".to_owned(),
        ("file_message", Some("refuse")) => "[文件传送已取消]".to_owned(),
        ("push_offfile", _) => ["[离线文件] ", &file("name")].concat(),
        _ => return None,
    };
    let label = label.trim_end().to_owned();
    Some(match Offer::read(poll_type, value).filter(|_| !video) {
        Some(offer) => Piece::File { media: offer.seal(&file("name")), label },
        None => Piece::Unsupported { label },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_gesture_has_its_label() {
        for (poll_type, value, label) in [
            ("shake_message", json!({}), "[窗口抖动]"),
            ("file_message", json!({"mode": "recv", "type": 101, "name": "a&amp;b.txt"}), "[文件] a&b.txt"),
            ("file_message", json!({"mode": "recv", "type": "161"}), "[视频邀请]"),
            ("file_message", json!({"mode": "refuse", "type": 101, "cancel_type": 1}), "[文件传送已取消]"),
            ("file_message", json!({"mode": "recv"}), "[文件]"),
            ("push_offfile", json!({"name": "test2.py", "rkey": "2c09"}), "[离线文件] test2.py"),
        ] {
            assert_eq!(shown(poll_type, &value), Some(Piece::Unsupported { label: label.to_owned() }), "{value}");
        }
    }

    #[test]
    fn answers_to_own_files_and_everything_else_are_none() {
        for (poll_type, value) in [
            ("file_message", json!({"mode": "send_ack"})),
            ("file_message", json!({})),
            ("message", json!({"content": ["hi"]})),
            ("input_notify", json!({})),
        ] {
            assert_eq!(shown(poll_type, &value), None, "{poll_type}");
        }
    }
}

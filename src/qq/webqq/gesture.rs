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
        ("notify_offfile", _) => [of_offline(value)?, &file("filename")].concat(),
        ("filesrv_transfer", _) => return transfer(value),
        ("av_refuse", _) => "[视频邀请已被拒绝]".to_owned(),
        _ => return None,
    };
    let label = label.trim_end().to_owned();
    Some(match Offer::read(poll_type, value).filter(|_| !video) {
        Some(offer) => Piece::File { media: offer.seal(&file("name")), label },
        None => Piece::Unsupported { label },
    })
}

/// What became of an offline file that the account sent.
fn of_offline(value: &Value) -> Option<&'static str> {
    match value.get("action").and_then(integer) {
        Some(1) => Some("[离线文件已被接收] "),
        Some(2) => Some("[离线文件已被拒绝] "),
        _ => None,
    }
}

/// How the direct transfer of files ended; `None` while it goes on.
fn transfer(value: &Value) -> Option<Piece> {
    let files = value.get("file_infos").and_then(Value::as_array)?;
    let ended = |file: &Value| {
        let label = match file.get("file_status").and_then(integer)? {
            0 => "[文件传送完成]",
            50 => "[文件传送出错]",
            51 => "[文件传送超时]",
            53 => "[文件被拒绝接收]",
            _ => return None,
        };
        let name = file.get("file_name").and_then(Value::as_str).map(name::decode).unwrap_or_default();
        Some([label, " ", &name].concat().trim_end().to_owned())
    };
    let labels: Vec<String> = files.iter().filter_map(ended).collect();
    (!labels.is_empty()).then(|| Piece::Unsupported { label: labels.join("\n") })
}

/// Whether such an event only says that something goes on as it should.
pub(crate) fn is_quiet(poll_type: &str, value: &Value) -> bool {
    match poll_type {
        "file_message" => value.get("mode").and_then(Value::as_str) == Some("send_ack"),
        "filesrv_transfer" => value.get("file_infos").is_some_and(Value::is_array),
        // The only one that was ever described asks for a signature to be set. Source: protocol dossier 7.5.
        "tips" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn transferred(status: i64) -> Value {
        json!({"file_infos": [{"file_name": "test.txt", "file_status": status, "pro_id": 1}], "operation": 1})
    }

    #[test]
    fn each_gesture_has_its_label() {
        for (poll_type, value, label) in [
            ("shake_message", json!({}), "[窗口抖动]"),
            ("file_message", json!({"mode": "recv", "type": 101, "name": "a&amp;b.txt"}), "[文件] a&b.txt"),
            ("file_message", json!({"mode": "recv", "type": "161"}), "[视频邀请]"),
            ("file_message", json!({"mode": "refuse", "type": 101, "cancel_type": 1}), "[文件传送已取消]"),
            ("file_message", json!({"mode": "recv"}), "[文件]"),
            ("push_offfile", json!({"name": "test2.py", "rkey": "2c09"}), "[离线文件] test2.py"),
            ("notify_offfile", json!({"action": 2, "filename": "12.jpg"}), "[离线文件已被拒绝] 12.jpg"),
            ("notify_offfile", json!({"action": "1", "filename": "12.jpg"}), "[离线文件已被接收] 12.jpg"),
            ("av_refuse", json!({"type": 161}), "[视频邀请已被拒绝]"),
            ("filesrv_transfer", transferred(0), "[文件传送完成] test.txt"),
            ("filesrv_transfer", transferred(50), "[文件传送出错] test.txt"),
            ("filesrv_transfer", transferred(51), "[文件传送超时] test.txt"),
            ("filesrv_transfer", transferred(53), "[文件被拒绝接收] test.txt"),
        ] {
            assert_eq!(shown(poll_type, &value), Some(Piece::Unsupported { label: label.to_owned() }), "{value}");
        }
    }

    #[test]
    fn progress_is_quiet_and_everything_else_is_no_gesture() {
        for (poll_type, value) in
            [("file_message", json!({"mode": "send_ack"})), ("filesrv_transfer", transferred(10)), ("tips", json!({}))]
        {
            assert_eq!((shown(poll_type, &value), is_quiet(poll_type, &value)), (None, true), "{poll_type}");
        }
        for (poll_type, value) in [
            ("file_message", json!({})),
            ("notify_offfile", json!({"action": 7})),
            ("message", json!({"content": ["hi"]})),
            ("input_notify", json!({})),
        ] {
            assert_eq!((shown(poll_type, &value), is_quiet(poll_type, &value)), (None, false), "{poll_type}");
        }
    }
}

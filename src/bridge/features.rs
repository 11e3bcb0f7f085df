//! What can be said in a room of ours, for clients that ask before they offer it: `com.beeper.room_features`.
//!
//! The levels are Beeper's: 2 as it is, 1 in another form, 0 ignored, -1 lost, -2 refused.

use serde_json::{Map, Value, json};

use super::appearance::hash;
use crate::qq::Capabilities;

const WHOLE: i8 = 2;
const OTHERWISE: i8 = 1;
const IGNORED: i8 = 0;
const REFUSED: i8 = -2;

/// What the bridge makes of pictures and files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carriage {
    /// Whether the room is that of a group or discussion.
    pub(super) is_group: bool,
    /// The largest one that is sent as an address under which QQ people find it; none when there are no addresses.
    pub(super) linked_bytes: Option<usize>,
    /// The largest one that is taken at all.
    pub(super) most_bytes: usize,
}

/// The content of the state, with an id made of all the rest.
pub(super) fn features(can: &Capabilities, carriage: Carriage) -> Value {
    let mut content = json!({
        "formatting": formatting(),
        "file": files(can, carriage),
        "reply": OTHERWISE,
        "thread": OTHERWISE,
        "edit": OTHERWISE,
        "delete": REFUSED,
        "reaction": REFUSED,
        "poll": REFUSED,
        "location_message": REFUSED,
        "read_receipts": false,
        "typing_notifications": false,
    });
    let id = format!("net.matrix-webqq.{}", hash(&content).get(..16).unwrap_or_default());
    if let Some(fields) = content.as_object_mut() {
        fields.insert("id".to_owned(), id.into());
    }
    content
}

/// QQ has one font for a whole message; what changes the meaning of words is written out.
fn formatting() -> Value {
    let otherwise = [
        "bold",
        "italic",
        "underline",
        "color.foreground",
        "strikethrough",
        "spoiler",
        "spoiler.reason",
        "inline_link",
        "user_link",
        "unordered_list",
        "ordered_list",
        "blockquote",
    ];
    let ignored = [
        "inline_code",
        "code_block",
        "code_block.syntax_highlighting",
        "headers",
        "superscript",
        "subscript",
        "color.background",
        "custom_emoji",
        "table",
    ];
    let level = |level: i8| move |name: &str| (name.to_owned(), Value::from(level));
    let all = otherwise.into_iter().map(level(OTHERWISE)).chain(ignored.into_iter().map(level(IGNORED)));
    Value::Object(all.collect())
}

fn files(can: &Capabilities, carriage: Carriage) -> Value {
    let file_bytes = if carriage.is_group && !can.group_files { 0 } else { can.file_bytes };
    let mut files = Map::new();
    for (kind, carried) in [
        ("m.image", can.picture_bytes),
        ("fi.mau.gif", can.picture_bytes),
        ("m.sticker", can.picture_bytes),
        ("m.file", file_bytes),
        ("m.video", file_bytes),
        ("m.audio", file_bytes),
        ("org.matrix.msc3245.voice", file_bytes),
    ] {
        let carried = carried.min(carriage.most_bytes);
        let (level, most) = match carriage.linked_bytes {
            Some(linked) if carried == 0 => (OTHERWISE, linked),
            Some(linked) => (WHOLE, linked.max(carried)),
            None if carried == 0 => continue,
            None => (WHOLE, carried),
        };
        let kind_of = json!({ "mime_types": { "*/*": level }, "caption": OTHERWISE, "max_size": most });
        files.insert(kind.to_owned(), kind_of);
    }
    Value::Object(files)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn can(picture_bytes: usize, file_bytes: usize) -> Capabilities {
        Capabilities {
            max_text_bytes: 500,
            send_interval: Duration::ZERO,
            send_jitter: Duration::ZERO,
            echoes: true,
            picture_bytes,
            file_bytes,
            group_files: false,
        }
    }

    #[test]
    fn what_is_carried_depends_on_qq_on_the_room_and_on_addresses() {
        let level = |can: Capabilities, is_group, linked_bytes, kind: &str| {
            let content = features(&can, Carriage { is_group, linked_bytes, most_bytes: 50 });
            let file = &content["file"][kind];
            (file["mime_types"]["*/*"].as_i64(), file["max_size"].as_u64())
        };
        for (can, is_group, linked, kind, expected) in [
            (can(0, 0), true, None, "m.image", (None, None)),
            (can(0, 0), true, Some(50), "m.image", (Some(1), Some(50))),
            (can(10, 20), true, None, "m.image", (Some(2), Some(10))),
            (can(10, 20), true, None, "m.file", (None, None)),
            (can(10, 20), false, None, "m.file", (Some(2), Some(20))),
            (can(10, 20), false, Some(50), "m.video", (Some(2), Some(50))),
            (can(100, 20), true, None, "m.image", (Some(2), Some(50))),
        ] {
            assert_eq!(level(can, is_group, linked, kind), expected, "{can:?} {is_group} {linked:?} {kind}");
        }
    }

    #[test]
    fn the_id_changes_with_what_can_be_done_and_with_nothing_else() {
        let carriage = Carriage { is_group: true, linked_bytes: None, most_bytes: 50 };
        let id = |can: Capabilities| features(&can, carriage)["id"].as_str().unwrap().to_owned();
        assert_eq!(id(can(1, 1)), id(can(1, 1)));
        assert_ne!(id(can(1, 1)), id(can(2, 1)));
        assert_eq!(id(can(1, 1)).len(), "net.matrix-webqq.".len() + 16);
    }
}

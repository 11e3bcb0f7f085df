//! The elements of a content that are pictures.
//!
//! Source: protocol dossier 8.1.

use serde_json::Value;

use crate::qq::Piece;
use crate::qq::webqq::media::Picture;
use crate::qq::webqq::number::integer;

/// No name of a picture that was seen comes near it.
const LONGEST_NAME: usize = 256;

/// What elements of one content say about one another.
pub(super) struct Pictures<'a> {
    cfaces: Vec<&'a Value>,
    pic_id: Option<&'a str>,
}

impl<'a> Pictures<'a> {
    pub(super) fn of(elements: &'a [Value]) -> Self {
        let with = |wanted: &'static str| elements.iter().filter(move |element| tag(element) == Some(wanted));
        let pic_id = with("pic_id").next().and_then(|element| element.get(1)?.as_str());
        Self { cfaces: with("cface").collect(), pic_id }
    }

    /// Reads a picture; `None` for one that QQ itself does not have, or that says too little.
    pub(super) fn read(&self, element: &Value) -> Option<Piece> {
        let picture = match tag(element)? {
            "offpic" => offpic(element.get(1)?)?,
            "cface" => cface(element)?,
            // Counted from 0: a guess.
            "cface_idx" => cface(self.cfaces.get(usize::try_from(integer(element.get(1)?)?).ok()?)?)?,
            "image" => self.image(element)?,
            _ => return None,
        };
        Some(picture.piece())
    }

    /// `["image", "jpg", 0]`, beside `["pic_id", "<guid>"]`.
    fn image(&self, element: &Value) -> Option<Picture> {
        let (extension, number) = (element.get(1)?.as_str()?, element.get(2).and_then(integer)?);
        let guid = name(&format!("{{{}}}{number}.{extension}", self.pic_id?))?;
        Some(Picture::Image { guid })
    }
}

fn name(text: &str) -> Option<String> {
    (1..=LONGEST_NAME).contains(&text.len()).then(|| text.to_owned())
}

fn tag(element: &Value) -> Option<&str> {
    element.get(0)?.as_str()
}

fn text(fields: &Value, field: &str) -> Option<String> {
    name(fields.get(field)?.as_str()?)
}

fn offpic(fields: &Value) -> Option<Picture> {
    if fields.get("success").and_then(integer) == Some(0) {
        return None;
    }
    Some(Picture::Offpic { file_path: text(fields, "file_path")? })
}

fn cface(element: &Value) -> Option<Picture> {
    let fields = element.get(1)?;
    if let Some(text) = fields.as_str() {
        return Some(Picture::Cface { name: name(text)?, file_id: None, server: None });
    }
    let file_id = fields.get("file_id").and_then(integer);
    Some(Picture::Cface { name: text(fields, "name")?, file_id, server: text(fields, "server") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_picture_is_read() {
        let cface = |name: &str, file_id, server: Option<&str>| Picture::Cface {
            name: name.to_owned(),
            file_id,
            server: server.map(str::to_owned),
        };
        let group = json!(["cface", {"name": "{A}.jpg", "file_id": 9, "key": "YkC3", "server": "119.147.15.201:443"}]);
        let friend = json!(["cface", "0A.jpg", ""]);
        let all = [group.clone(), friend.clone(), json!(["pic_id", "5E10-B9"])];
        let from_group = cface("{A}.jpg", Some(9), Some("119.147.15.201:443"));
        for (element, picture) in [
            (json!(["offpic", {"success": 1, "file_path": "/x"}]), Some(Picture::Offpic { file_path: "/x".into() })),
            (group, Some(from_group.clone())),
            (friend, Some(cface("0A.jpg", None, None))),
            (json!(["cface_idx", 0]), Some(from_group)),
            (json!(["cface_idx", 1]), Some(cface("0A.jpg", None, None))),
            (json!(["image", "jpg", 0]), Some(Picture::Image { guid: "{5E10-B9}0.jpg".into() })),
            (json!(["offpic", {"success": 0, "file_path": "/x"}]), None),
            (json!(["offpic", {"success": 1}]), None),
            (json!(["offpic"]), None),
            (json!(["offpic", {"success": 1, "file_path": "x".repeat(300)}]), None),
            (json!(["cface"]), None),
            (json!(["cface", {}]), None),
            (json!(["cface_idx", 2]), None),
            (json!(["cface_idx", -1]), None),
            (json!(["image"]), None),
        ] {
            assert_eq!(Pictures::of(&all).read(&element), picture.map(Picture::piece), "{element}");
        }
    }
}

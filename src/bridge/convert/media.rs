//! Pictures and files as the content of a Matrix message.

use imagesize::ImageType;
use matrix_sdk::ruma::MxcUri;
use serde_json::{Value, json};

use super::to_matrix::KEY_FIELD;

/// What the first bytes of a picture say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its type.
    pub mime: &'static str,
    /// How names of such files end.
    pub extension: &'static str,
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
}

impl Picture {
    /// Looks at `bytes`; `None` when they are no picture that browsers show.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let (mime, extension) = match imagesize::image_type(bytes).ok()? {
            ImageType::Png => ("image/png", "png"),
            ImageType::Jpeg => ("image/jpeg", "jpg"),
            ImageType::Gif => ("image/gif", "gif"),
            ImageType::Webp => ("image/webp", "webp"),
            ImageType::Bmp => ("image/bmp", "bmp"),
            _ => return None,
        };
        let size = imagesize::blob_size(bytes).ok()?;
        Some(Self { mime, extension, width: size.width, height: size.height })
    }
}

/// The content of an `m.image`.
#[must_use]
pub fn image(picture: &Picture, url: &MxcUri, bytes: usize, key: &str) -> Value {
    json!({
        "msgtype": "m.image",
        "body": format!("picture.{}", picture.extension),
        "url": url,
        "info": { "mimetype": picture.mime, "size": bytes, "w": picture.width, "h": picture.height },
        KEY_FIELD: key,
    })
}

/// The content of an `m.file`.
#[must_use]
pub fn file(name: &str, mime: &str, url: &MxcUri, bytes: usize, key: &str) -> Value {
    let name = if name.is_empty() { "file" } else { name };
    json!({
        "msgtype": "m.file",
        "body": name,
        "filename": name,
        "url": url,
        "info": { "mimetype": mime, "size": bytes },
        KEY_FIELD: key,
    })
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::mxc_uri;

    use super::*;

    /// The beginning of a GIF of 300 × 2 pixels.
    const GIF: &[u8] = b"GIF89a\x2c\x01\x02\x00\x00\x00\x00";

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        let gif = Picture { mime: "image/gif", extension: "gif", width: 300, height: 2 };
        assert_eq!(Picture::of(GIF), Some(gif));
        for other in [&b"<html>"[..], b"", b"{\"retcode\":103}", b"\x89PNG", b"%PDF-1.4"] {
            assert_eq!(Picture::of(other), None, "{other:?}");
        }
    }

    #[test]
    fn an_image_has_its_size_and_our_key() {
        let gif = Picture::of(GIF).expect("a GIF");
        let content = image(&gif, mxc_uri!("mxc://hs/1"), 13, "key");
        assert_eq!(content["info"], json!({ "mimetype": "image/gif", "size": 13, "w": 300, "h": 2 }));
        assert_eq!((&content["msgtype"], &content[KEY_FIELD]), (&json!("m.image"), &json!("key")));
    }
}

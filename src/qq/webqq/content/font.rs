//! The font element: `["font", {"name", "size", "style": [bold, italic, underline], "color"}]`, one for a whole message.
//!
//! Source: protocol dossier 8.1 (`font`), 8.3 (what a client sends). Old clients send the size as a text.

use serde_json::{Value, json};

use crate::qq::webqq::number::integer;
use crate::qq::{Colour, Style};

/// What a client sends when nobody chose anything.
const FONT: &str = "宋体";
const SIZE_PT: u32 = 10;

/// Names of fonts are cut after as many characters: there is none that long.
const LONGEST_NAME: usize = 60;
/// A size beyond this is nobody's.
const LARGEST_PT: u32 = 200;

/// The style of `content`, which may lack it; whatever cannot be read is as nobody chose it.
pub(crate) fn read(content: &Value) -> Style {
    let elements = content.as_array().map(Vec::as_slice).unwrap_or_default();
    let font = elements.iter().find(|element| element.get(0).and_then(Value::as_str) == Some("font"));
    let Some(font) = font.and_then(|element| element.get(1)) else { return Style::default() };
    let bit = |at: usize| font.get("style").and_then(|style| style.get(at)).and_then(integer) == Some(1);
    let colour =
        font.get("color").and_then(Value::as_str).and_then(|colour| colour.trim_start_matches('#').parse().ok());
    let size = font.get("size").and_then(integer).and_then(|size| u32::try_from(size).ok());
    Style {
        bold: bit(0),
        italic: bit(1),
        underline: bit(2),
        colour: colour.filter(|colour| *colour != Colour::BLACK),
        font: font.get("name").and_then(Value::as_str).map(name).filter(|name| !name.is_empty() && name != FONT),
        size_pt: size.filter(|size| (1..=LARGEST_PT).contains(size) && *size != SIZE_PT),
    }
}

fn name(wire: &str) -> String {
    wire.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// `style` as the element that a client sends.
pub(crate) fn write(style: &Style) -> Value {
    json!(["font", {
        "name": style.font.as_deref().unwrap_or(FONT),
        "size": style.size_pt.unwrap_or(SIZE_PT),
        "style": [u8::from(style.bold), u8::from(style.italic), u8::from(style.underline)],
        "color": style.colour.unwrap_or(Colour::BLACK).to_string(),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_font_is_read_in_every_form_that_was_seen() {
        let font = |font: Value| read(&json!([["font", font], "hi"]));
        let captured = font(json!({"size": 13, "color": "004faa", "style": [0, 0, 0], "name": "STKaiti"}));
        let expected = Style {
            colour: Some(Colour(0, 0x4f, 0xaa)),
            font: Some("STKaiti".to_owned()),
            size_pt: Some(13),
            ..Style::default()
        };
        assert_eq!(captured, expected);
        let bold = Style { bold: true, underline: true, ..Style::default() };
        assert_eq!(font(json!({"size": "10", "color": "", "style": ["1", 0, 1], "name": "宋体"})), bold);
        assert_eq!(font(json!({"color": "FF0000"})).colour, Some(Colour(255, 0, 0)));
    }

    #[test]
    fn every_font_of_the_vectors_is_read() {
        for case in crate::qq::webqq::vectors::cases("content_receive") {
            let (read, wire) = (read(&case["wire"]), &case["wire"][0][1]);
            let (font, size_pt) = (read.font.as_deref().unwrap_or(FONT), read.size_pt.unwrap_or(SIZE_PT));
            assert_eq!((&json!(font), &json!(size_pt)), (&wire["name"], &wire["size"]), "{case}");
            let plain = Style { font: read.font.clone(), size_pt: read.size_pt, ..Style::default() };
            assert_eq!(read, plain, "{case}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_as_nobody_chose_it() {
        let odd = json!({"size": -1, "color": "red", "style": [2, {}, null], "name": "\u{1}"});
        for content in [json!([["font", odd]]), json!([["font"]]), json!([["font", 7]]), json!([""]), json!("x")] {
            assert!(read(&content).is_plain(), "{content}");
        }
        let long = read(&json!([["font", {"name": "字".repeat(5_000), "size": 4_000_000_000_i64}]]));
        assert_eq!((long.font.unwrap().chars().count(), long.size_pt), (LONGEST_NAME, None));
    }
}

//! How a message looks. QQ has one font for a whole message.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The look of a message. What is absent is as QQ has it when nobody chose anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Style {
    /// Bold.
    #[serde(skip_serializing_if = "is_not")]
    pub bold: bool,
    /// Italic.
    #[serde(skip_serializing_if = "is_not")]
    pub italic: bool,
    /// Underlined.
    #[serde(skip_serializing_if = "is_not")]
    pub underline: bool,
    /// The colour of the text; black when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// The name of the font, such as 微软雅黑.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub font: Option<String>,
    /// The size of the font in points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_pt: Option<u32>,
}

impl Style {
    /// Whether nobody chose anything.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_not(flag: &bool) -> bool {
    !flag
}

/// A colour: red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour(pub u8, pub u8, pub u8);

impl Colour {
    /// What text has when nobody chose anything.
    pub const BLACK: Self = Self(0, 0, 0);
}

impl fmt::Display for Colour {
    /// Six hexadecimal digits: `ff0000` is red.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// Not six hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour is six hexadecimal digits")]
pub struct NoColour;

impl FromStr for Colour {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        if text.len() != 6 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NoColour);
        }
        let [_, red, green, blue] = u32::from_str_radix(text, 16).map_err(|_| NoColour)?.to_be_bytes();
        Ok(Self(red, green, blue))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_as_it_is_written_in_any_case() {
        assert_eq!("004Faa".parse(), Ok(Colour(0, 0x4f, 0xaa)));
        assert_eq!(Colour(0, 0x4f, 0xaa).to_string(), "004faa");
        for wrong in ["", "fff", "+12345", "red", "0000000", "ｆf0000"] {
            assert_eq!(wrong.parse::<Colour>(), Err(NoColour), "{wrong}");
        }
    }

    #[test]
    fn a_row_from_before_there_was_style_reads_and_a_plain_one_is_written_as_it_was() {
        let old = r#"{"pieces":[{"Text":"hi"}]}"#;
        let message: crate::qq::Outgoing = serde_json::from_str(old).unwrap();
        assert!(message.style.is_plain());
        assert_eq!(serde_json::to_string(&message).unwrap(), old);
    }
}

//! A QR login attempt: the code that a client asked for, and how far the person with the phone has come.
//!
//! Source: protocol dossier 4.2 to 4.4.

use std::time::Duration;

use qrcode::{Color, EcLevel, QrCode, Version};
use serde::Serialize;

use super::session::SessionId;

/// 29 modules for the code and two of margin on each side make the 33 × 5 = 165 pixels of the real picture.
const VERSION: Version = Version::Normal(3);
const MARGIN: usize = 2;
const PIXELS_PER_MODULE: usize = 5;

/// How far a QR login has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QrState {
    /// No client has asked for a code yet.
    None,
    /// Shown, not scanned.
    Waiting,
    /// Scanned; the phone asks whether to allow it.
    Scanned,
    /// Allowed.
    Confirmed,
    /// Too old, or refused on the phone.
    Expired,
}

/// One code.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The cookie by which the client is known.
    pub(crate) qrsig: String,
    pub(crate) picture: Vec<u8>,
    made_at_ms: i64,
    state: QrState,
    /// The session that it led to, once the client has heard of its success.
    pub(crate) session: Option<SessionId>,
}

impl Attempt {
    pub(crate) fn new(qrsig: String, secret: &str, now_ms: i64) -> Result<Self, PictureError> {
        let picture = draw(secret)?;
        Ok(Self { qrsig, picture, made_at_ms: now_ms, state: QrState::Waiting, session: None })
    }

    pub(crate) fn state(&self, lifetime: Duration, now_ms: i64) -> QrState {
        let age_ms = u64::try_from(now_ms.saturating_sub(self.made_at_ms)).unwrap_or_default();
        match self.state {
            QrState::Waiting | QrState::Scanned if Duration::from_millis(age_ms) >= lifetime => QrState::Expired,
            state => state,
        }
    }

    /// Whether a phone has seen it.
    pub(crate) fn is_touched(&self) -> bool {
        self.state != QrState::Waiting
    }

    /// Takes the step `to` if the code is in state `from`; otherwise tells the state.
    pub(crate) fn advance(
        &mut self,
        from: &[QrState],
        to: QrState,
        lifetime: Duration,
        now_ms: i64,
    ) -> Result<(), QrState> {
        let state = self.state(lifetime, now_ms);
        if !from.contains(&state) {
            return Err(state);
        }
        self.state = to;
        Ok(())
    }
}

/// A PNG of 165 × 165 pixels with a code that leads nowhere.
fn draw(secret: &str) -> Result<Vec<u8>, PictureError> {
    let link = format!("https://txz.qq.com/p?k={secret}");
    let code = QrCode::with_version(link, VERSION, EcLevel::M)?;
    let side = (code.width() + 2 * MARGIN) * PIXELS_PER_MODULE;
    let module = |pixel: usize| (pixel / PIXELS_PER_MODULE).checked_sub(MARGIN).filter(|at| *at < code.width());
    let colour = |x, y| matches!((module(x), module(y)), (Some(x), Some(y)) if code[(x, y)] == Color::Dark);
    let pixels: Vec<u8> = (0..side)
        .flat_map(|y| (0..side).map(move |x| (x, y)))
        .map(|(x, y)| if colour(x, y) { 0 } else { 255 })
        .collect();
    let mut picture = Vec::new();
    let edge = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut picture, edge, edge);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(picture)
}

/// Why a code could not be drawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PictureError {
    #[error("the link does not fit a QR code: {0}")]
    Code(#[from] qrcode::types::QrError),
    #[error("the picture cannot be written: {0}")]
    Png(#[from] png::EncodingError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_a_png_of_165_pixels_with_a_white_margin() {
        let picture = draw("0123456789abcdef").unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (165, 165));
        assert!(pixels[..165 * 10].iter().all(|pixel| *pixel == 255), "margin");
        assert!(pixels[165 * 10 + 10..][..35].iter().all(|pixel| *pixel == 0), "finder pattern");
    }
}

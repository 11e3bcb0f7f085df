//! Draws the pictures of the world: an evening sky in one colour, as a PNG of any size.

/// The largest side, in pixels.
pub(crate) const LARGEST: u32 = 4096;

/// A sky that darkens downwards, with a sun in it. Empty when it cannot be drawn.
pub(crate) fn draw(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut pixels = Vec::new();
    let (sun_x, sun_y, radius) = (i64::from(width) * 2 / 3, i64::from(height) / 3, i64::from(width.min(height)) / 6);
    for y in 0..height {
        let light = 256 - i64::from(y) * 192 / i64::from(height.max(1));
        for x in 0..width {
            let (dx, dy) = (i64::from(x) - sun_x, i64::from(y) - sun_y);
            let is_sun = dx * dx + dy * dy < radius * radius;
            let dark = |part: u8| u8::try_from(i64::from(part) * light / 256).unwrap_or(u8::MAX);
            let shade = |part: u8| if is_sun { 255 - (255 - part) / 4 } else { dark(part) };
            pixels.extend(colour.map(shade));
        }
    }
    encode(width, height, &pixels).unwrap_or_default()
}

fn encode(width: u32, height: u32, pixels: &[u8]) -> Option<Vec<u8>> {
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(pixels).ok()?;
    writer.finish().ok()?;
    Some(picture)
}

/// `ff9966` as red, green and blue.
pub(crate) fn colour(hex: &str) -> Option<[u8; 3]> {
    if hex.len() != 6 || !hex.is_ascii() {
        return None;
    }
    let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_size_that_was_asked_for() {
        let picture = draw(30, 20, [255, 150, 100]);
        let size = imagesize::blob_size(&picture).unwrap();
        assert_eq!((size.width, size.height), (30, 20));
        assert_ne!(picture, draw(30, 20, [0, 150, 100]));
    }

    #[test]
    fn a_colour_is_six_digits() {
        assert_eq!(colour("ff9900"), Some([255, 0x99, 0]));
        for wrong in ["", "ff990", "ff99000", "gg9900", "红色"] {
            assert_eq!(colour(wrong), None, "{wrong}");
        }
    }
}

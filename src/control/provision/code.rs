//! The text in the picture of a QR code: clients of the API draw the code themselves.

use std::io::Cursor;

use png::{BitDepth, ColorType, Transformations};

/// More pixels than that on a side no code of QQ has: it has 165.
const MOST_PIXELS: usize = 1024;

/// The text of the code in `picture`, a PNG; `None` when there is none to be read.
pub(super) async fn text_in(picture: Vec<u8>) -> Option<String> {
    // On a thread for such work; whatever the picture does to the reader stays there.
    tokio::task::spawn_blocking(move || read(&picture)).await.ok().flatten()
}

fn read(picture: &[u8]) -> Option<String> {
    let (width, height, grey) = grey(picture)?;
    let mut reader = quircs::Quirc::default();
    let codes = reader.identify(width, height, &grey).filter_map(Result::ok);
    codes.filter_map(|code| code.decode().ok()).find_map(|data| String::from_utf8(data.payload).ok())
}

/// Width, height and brightness of each pixel.
fn grey(picture: &[u8]) -> Option<(usize, usize, Vec<u8>)> {
    let mut decoder = png::Decoder::new(Cursor::new(picture));
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().ok()?;
    let (width, height) = (usize::try_from(reader.info().width).ok()?, usize::try_from(reader.info().height).ok()?);
    if width > MOST_PIXELS || height > MOST_PIXELS {
        return None;
    }
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut pixels).ok()?;
    let colours = match (frame.color_type, frame.bit_depth) {
        (ColorType::Grayscale, BitDepth::Eight) => 1,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => 2,
        (ColorType::Rgb, BitDepth::Eight) => 3,
        (ColorType::Rgba, BitDepth::Eight) => 4,
        _ => return None,
    };
    // Codes are black on white: any one colour tells.
    let grey = pixels.chunks_exact(colours).filter_map(|pixel| pixel.first().copied()).collect();
    Some((width, height, grey))
}

#[cfg(test)]
mod tests {
    use qrcode::{Color, QrCode};

    use super::*;

    const LINK: &str = "https://txz.qq.com/p?k=0123456789abcdef0123456789abcdef&f=501004106";

    /// A PNG of `side` modules of five pixels, which `is_dark` tells apart, in `color`.
    fn picture(side: usize, color: ColorType, is_dark: impl Fn(usize, usize) -> bool) -> Vec<u8> {
        let edge = u32::try_from(side * 5).unwrap();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, edge, edge);
        encoder.set_color(color);
        encoder.set_depth(BitDepth::Eight);
        let places = (0..side * 5).flat_map(|y| (0..side * 5).map(move |x| (x / 5, y / 5)));
        let pixels: Vec<u8> =
            places.flat_map(|(x, y)| vec![if is_dark(x, y) { 0 } else { 255 }; color.samples()]).collect();
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        bytes
    }

    #[tokio::test]
    async fn the_text_of_a_code_is_read_in_whatever_colours_it_comes() {
        let code = QrCode::new(LINK).unwrap();
        let width = code.width();
        let is_dark = |x: usize, y: usize| {
            (2..width + 2).contains(&x) && (2..width + 2).contains(&y) && code[(x - 2, y - 2)] == Color::Dark
        };
        for color in [ColorType::Grayscale, ColorType::Rgb] {
            let read = text_in(picture(width + 4, color, is_dark)).await;
            assert_eq!(read.as_deref(), Some(LINK), "{color:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_code_has_no_text() {
        let pictures = [
            Vec::new(),
            b"\x89PNG\r\n\x1a\n".to_vec(),
            picture(33, ColorType::Grayscale, |_, _| false),
            picture(33, ColorType::Grayscale, |x, y| (x + y) % 2 == 0),
            picture(33, ColorType::Grayscale, |x, y| x % 7 < 3 && y % 7 < 3),
            picture(300, ColorType::Grayscale, |_, _| true),
        ];
        for picture in pictures {
            assert_eq!(text_in(picture).await, None);
        }
    }
}

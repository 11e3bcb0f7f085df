//! Captchas: four letters in a picture that a person can read, and the login attempts that they belong to.
//!
//! Source: protocol dossier 3.1, 3.2. The real pictures were JPEG; that ours are PNG no client has minded.

use rand::Rng;

use super::token;

/// How large the real pictures were.
const WIDTH: usize = 130;
const HEIGHT: usize = 53;
/// Five by seven dots, a row a byte, and what is never taken for another letter.
const LETTERS: [(char, [u8; 7]); 20] = [
    ('A', [0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11]),
    ('C', [0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e]),
    ('E', [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f]),
    ('F', [0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10]),
    ('H', [0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11]),
    ('J', [0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0c]),
    ('K', [0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11]),
    ('L', [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f]),
    ('M', [0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11]),
    ('N', [0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11]),
    ('P', [0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10]),
    ('R', [0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11]),
    ('T', [0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04]),
    ('U', [0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e]),
    ('W', [0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11]),
    ('X', [0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11]),
    ('Y', [0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04]),
    ('3', [0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e]),
    ('4', [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02]),
    ('7', [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08]),
];
const DOT: usize = 5;
/// Where the letters stand, and how far each may be moved.
const LEFT: usize = 5;
const STEP: usize = 31;
const LOWEST: usize = 14;
/// How many specks there are.
const SPECKS: usize = 260;

/// A login that `check` was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// The name of the picture that `check` gave; empty when it needs none.
    pub(crate) name: String,
    /// `ptvfsession`, or `verifysession` of the newest picture.
    pub(crate) session: String,
    /// What has to be typed; empty before the first picture.
    pub(crate) text: String,
    /// The newest picture.
    pub(crate) picture: Option<Vec<u8>>,
}

impl Attempt {
    /// One that needs no picture: the captcha is given away.
    pub(crate) fn free(rng: &mut impl Rng) -> Self {
        let text = format!("!{}", letters(rng, 3));
        Self { name: String::new(), session: token::hex(rng, 40), text, picture: None }
    }

    /// One that needs a picture.
    pub(crate) fn guarded(rng: &mut impl Rng) -> Self {
        Self { name: token::hex(rng, 24), session: String::new(), text: String::new(), picture: None }
    }

    /// A new picture in the place of the one before.
    pub(crate) fn redraw(&mut self, rng: &mut impl Rng) -> Result<Vec<u8>, png::EncodingError> {
        let text = letters(rng, 4);
        let picture = draw(&text, rng)?;
        self.text = text;
        self.session = token::hex(rng, 40);
        self.picture = Some(picture.clone());
        Ok(picture)
    }
}

fn letters(rng: &mut impl Rng, count: usize) -> String {
    let letter = |_| LETTERS.get(rng.random_range(0..LETTERS.len())).map_or('A', |(letter, _)| *letter);
    (0..count).map(letter).collect()
}

/// Dark letters on a light ground, with specks over both.
fn draw(text: &str, rng: &mut impl Rng) -> Result<Vec<u8>, png::EncodingError> {
    let mut pixels = vec![0xf4; WIDTH * HEIGHT];
    for (place, letter) in text.chars().enumerate() {
        let rows = LETTERS.iter().find(|(known, _)| *known == letter).map_or([0; 7], |(_, rows)| *rows);
        let (left, top) = (LEFT + place * STEP, rng.random_range(2..LOWEST));
        let dots = rows
            .iter()
            .enumerate()
            .flat_map(|(y, row)| (0..5).filter(move |x| row >> (4 - x) & 1 == 1).map(move |x| (x, y)));
        for (x, y) in dots {
            for (dx, dy) in (0..DOT * DOT).map(|at| (at % DOT, at / DOT)) {
                paint(&mut pixels, left + x * DOT + dx, top + y * DOT + dy, 0x30);
            }
        }
    }
    for _ in 0..SPECKS {
        paint(&mut pixels, rng.random_range(0..WIDTH), rng.random_range(0..HEIGHT), rng.random());
    }
    let (mut picture, size) = (Vec::new(), |side: usize| u32::try_from(side).unwrap_or(u32::MAX));
    let mut encoder = png::Encoder::new(&mut picture, size(WIDTH), size(HEIGHT));
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(picture)
}

fn paint(pixels: &mut [u8], x: usize, y: usize, shade: u8) {
    if let Some(pixel) = pixels.get_mut(y * WIDTH + x) {
        *pixel = shade;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn every_letter_looks_like_itself_alone_and_fits_the_picture() {
        let shapes: BTreeSet<_> = LETTERS.iter().map(|(_, rows)| rows).collect();
        let names: BTreeSet<_> = LETTERS.iter().map(|(letter, _)| letter).collect();
        assert_eq!((shapes.len(), names.len()), (LETTERS.len(), LETTERS.len()));
        const { assert!(LEFT + 3 * STEP + 5 * DOT <= WIDTH && LOWEST - 1 + 7 * DOT <= HEIGHT) };
    }

    #[test]
    fn a_picture_shows_its_text_and_every_new_one_is_another() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut attempt = Attempt::guarded(&mut rng);
        let (one, text, session) = (attempt.redraw(&mut rng).unwrap(), attempt.text.clone(), attempt.session.clone());
        let other = attempt.redraw(&mut rng).unwrap();
        assert!(one != other && text != attempt.text && session != attempt.session);
        assert!(text.chars().count() == 4 && text.chars().all(|c| LETTERS.iter().any(|(letter, _)| *letter == c)));
        let mut reader = png::Decoder::new(std::io::Cursor::new(one)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (130, 53));
        let dark: usize = pixels.iter().map(|pixel| usize::from(*pixel == 0x30)).sum();
        assert!(dark > 4 * 7 * DOT * DOT, "four letters of at least seven dots: {dark}");
    }
}

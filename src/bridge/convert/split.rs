//! Cuts a long message into parts that QQ takes, losing nothing.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::qq::Piece;

/// What a face counts, in bytes: `["face",123]` on the wire. That QQ counts it so is a guess.
const FACE_BYTES: usize = 12;
/// What a name counts besides its letters: the `@` before it and the blank after it.
const NAME_BYTES: usize = 2;
/// A smaller limit is treated as this: room for a name and a character.
const LEAST_BYTES: usize = 64;

/// How much of QQ's limit `piece` takes.
fn weight(piece: &Piece) -> usize {
    match piece {
        Piece::Text(text) => text.len(),
        Piece::Mention { name, .. } => name.len() + NAME_BYTES,
        Piece::Face(_) => FACE_BYTES,
        other => other.label().map_or(0, str::len),
    }
}

/// Cuts `pieces` into parts of at most `max_bytes` each. Put together again they say the same.
///
/// A part ends after the last line break or blank in its second half when its text has one, else between two
/// characters as people see them; never within a face or a name.
#[must_use]
pub fn split(pieces: &[Piece], max_bytes: usize) -> Vec<Vec<Piece>> {
    let max_bytes = max_bytes.max(LEAST_BYTES);
    let mut parts = Parts { done: Vec::new(), current: Vec::new(), room: max_bytes, max_bytes };
    for piece in pieces {
        match piece {
            Piece::Text(text) => parts.text(text),
            whole => parts.whole(whole),
        }
    }
    parts.next();
    parts.done
}

struct Parts {
    done: Vec<Vec<Piece>>,
    current: Vec<Piece>,
    room: usize,
    max_bytes: usize,
}

impl Parts {
    fn next(&mut self) {
        if !self.current.is_empty() {
            self.done.push(std::mem::take(&mut self.current));
        }
        self.room = self.max_bytes;
    }

    fn whole(&mut self, piece: &Piece) {
        if weight(piece) > self.room {
            self.next();
        }
        self.room = self.room.saturating_sub(weight(piece));
        self.current.push(piece.clone());
    }

    fn text(&mut self, text: &str) {
        let mut rest = text;
        while rest.len() > self.room {
            let cut = cut(rest, self.room, self.max_bytes);
            if let Some((part, tail)) = rest.split_at_checked(cut).filter(|(part, _)| !part.is_empty()) {
                self.current.push(Piece::Text(part.to_owned()));
                rest = tail;
            }
            self.next();
        }
        if !rest.is_empty() {
            self.room -= rest.len();
            self.current.push(Piece::Text(rest.to_owned()));
        }
    }
}

/// Where to cut `text`, which is longer than the `room` that is left of `max_bytes`; 0 when the next part is better.
fn cut(text: &str, room: usize, max_bytes: usize) -> usize {
    let ends = text.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len());
    let mut hard = ends.take_while(|end| *end <= room).last().unwrap_or(0);
    if hard == 0 && room == max_bytes {
        // A character of many, longer than a message may be.
        hard = text.floor_char_boundary(room);
    }
    let window = text.get(..hard).unwrap_or_default();
    let taken = max_bytes - room;
    let gap = |gap: char| window.rfind(gap).map(|at| at + 1).filter(|at| taken + at > max_bytes / 2);
    gap('\n').or_else(|| gap(' ')).unwrap_or(hard)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::qq::{ContactId, Face};

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn texts(said: &str, max_bytes: usize) -> Vec<String> {
        let words = |part: &Vec<Piece>| match part.as_slice() {
            [Piece::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        };
        split(&[text(said)], max_bytes).iter().map(words).collect()
    }

    #[test]
    fn a_short_text_stays_whole() {
        assert_eq!(texts("你好", 720), ["你好"]);
        assert_eq!(split(&[], 720), Vec::<Vec<Piece>>::new());
    }

    #[test]
    fn it_prefers_lines_to_blanks_to_characters() {
        let (forty, ten) = ("a".repeat(40), "b".repeat(10));
        assert_eq!(
            texts(&format!("{forty} {ten}\n{ten} {ten}"), 64),
            [format!("{forty} {ten}\n"), format!("{ten} {ten}")]
        );
        assert_eq!(texts(&format!("{forty} {forty}"), 64), [format!("{forty} "), forty]);
        assert_eq!(texts(&"字".repeat(22), 64), ["字".repeat(21), "字".to_owned()]);
    }

    #[test]
    fn a_character_that_people_see_as_one_stays_one() {
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(texts(&family.repeat(3), 64), [family.repeat(2), family.to_owned()]);
        let endless = format!("a{}", "\u{301}".repeat(100));
        assert_eq!(texts(&endless, 64).concat(), endless);
    }

    #[test]
    fn a_face_or_a_name_at_the_boundary_goes_to_the_next_part() {
        let face = Piece::Face(Face(14));
        let name = Piece::Mention { who: ContactId::new("1.2"), name: "小明".to_owned() };
        let words = text(&"a".repeat(60));
        let said = [words.clone(), face.clone(), words.clone(), name.clone(), text("b")];
        assert_eq!(
            split(&said, 64),
            [vec![words.clone()], vec![face, text(&"a".repeat(52))], vec![text(&"a".repeat(8)), name, text("b")]]
        );
    }

    /// Source: protocol dossier, `qqbot_Partition_720`; that client's parts are shorter than 720 bytes.
    #[test]
    fn the_parts_are_those_of_the_official_robot() {
        let vectors = include_str!("../../../tests/fixtures/webqq/vectors.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let said =
            ["一".repeat(300), format!("{} {}", "a".repeat(650), "b".repeat(200)), "a".repeat(719), "a".repeat(720)];
        let cases = vectors["qqbot_Partition_720"]["cases"].as_array().unwrap();
        assert_eq!(cases.len(), said.len());
        for (said, case) in said.iter().zip(cases) {
            let parts = texts(said, 719);
            assert_eq!(parts[0].len(), case["front_bytes"], "{case}");
            assert_eq!(parts.get(1).map_or(0, |rest| rest.chars().count()), case["rest_chars"], "{case}");
        }
    }

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let piece = prop_oneof![
            4 => "\\PC{0,200}".prop_map(Piece::Text),
            1 => (0_u32..300).prop_map(|id| Piece::Face(Face(id))),
            1 => "[a-z小明]{1,9}".prop_map(|name| Piece::Mention { who: ContactId::new("1.2"), name }),
        ];
        prop::collection::vec(piece, 0..12)
    }

    fn flat(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_is_too_long(pieces in pieces(), max in 64_usize..300) {
            let parts = split(&pieces, max);
            prop_assert_eq!(flat(&parts.concat()), flat(&pieces));
            prop_assert!(parts.iter().all(|part| !part.is_empty() && part.iter().map(weight).sum::<usize>() <= max));
        }
    }
}

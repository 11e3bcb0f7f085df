//! The built-in emoticons of QQ (表情): ids, names, emoji.
//!
//! Source: the table in `faces.csv` beside this file.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A face by the id that WebQQ puts on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Face(pub u32);

impl Face {
    /// Its Chinese name without brackets: 微笑. `None` for ids that nobody named.
    #[must_use]
    pub fn name_zh(self) -> Option<&'static str> {
        self.row().map(|row| row.name_zh.as_str()).filter(|name| !name.is_empty())
    }

    /// Its English name: Smile. Newer faces have none.
    #[must_use]
    pub fn name_en(self) -> Option<&'static str> {
        self.row().map(|row| row.name_en.as_str()).filter(|name| !name.is_empty())
    }

    /// The emoji that looks most like it; `None` when none does.
    #[must_use]
    pub fn emoji(self) -> Option<&'static str> {
        self.row().map(|row| row.emoji.as_str()).filter(|emoji| !emoji.is_empty())
    }

    /// The face of a name, Chinese or English, without brackets, in any case.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE.names.get(&name.to_lowercase()).copied()
    }

    /// The face of an emoji, where the two stand for one another: no other face looks like it. With or without the sign
    /// that asks for the colourful form.
    #[must_use]
    pub fn by_emoji(emoji: &str) -> Option<Self> {
        TABLE.emoji.get(emoji.trim_end_matches(COLOURFUL)).copied().flatten()
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.rows.get(&self.0)
    }
}

/// The variation selector that asks for an emoji in colours.
const COLOURFUL: char = '\u{fe0f}';

impl fmt::Display for Face {
    /// As QQ users write it: `[微笑]`, or `[表情300]` without a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name_zh() {
            Some(name) => write!(f, "[{name}]"),
            None => write!(f, "[表情{}]", self.0),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    face_id: u32,
    name_zh: String,
    name_en: String,
    emoji: String,
}

struct Table {
    rows: BTreeMap<u32, Row>,
    names: HashMap<String, Face>,
    /// `None` for an emoji that several faces share.
    emoji: HashMap<String, Option<Face>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("faces.csv").as_bytes());
    // The tests read every row; a row that could not be read would be missing there.
    let rows: BTreeMap<u32, Row> = reader.deserialize().flatten().map(|row: Row| (row.face_id, row)).collect();
    let named =
        |row: &Row| [row.name_en.to_lowercase(), row.name_zh.to_lowercase()].map(|name| (name, Face(row.face_id)));
    let names = rows.values().flat_map(named).filter(|(name, _)| !name.is_empty()).collect();
    let mut emoji = HashMap::new();
    for row in rows.values().filter(|row| !row.emoji.is_empty()) {
        let shared = emoji.entry(row.emoji.trim_end_matches(COLOURFUL).to_owned());
        shared.and_modify(|face| *face = None).or_insert(Some(Face(row.face_id)));
    }
    Table { rows, names, emoji }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_there_and_is_found_by_its_names() {
        let lines = include_str!("faces.csv").lines().count() - 1;
        assert_eq!((TABLE.rows.len(), lines), (212, 212));
        for row in csv::Reader::from_reader(include_str!("faces.csv").as_bytes()).records() {
            let row = row.unwrap();
            let told = |column: usize| Some(&row[column]).filter(|name| !name.is_empty());
            let face = Face(row[1].parse().unwrap());
            assert_eq!((face.name_zh(), face.name_en(), face.emoji()), (told(2), told(3), told(4)), "{row:?}");
            for name in [told(2), told(3)].into_iter().flatten() {
                assert_eq!(Face::by_name(name), Some(face), "{name}");
            }
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_unknown_ones_are_not() {
        assert_eq!(Face::by_name("smile"), Some(Face(14)));
        assert_eq!(Face::by_name("k歌"), Some(Face(140)));
        assert_eq!((Face::by_name(""), Face::by_name("不存在")), (None, None));
    }

    #[test]
    fn an_emoji_is_a_face_only_where_no_other_face_has_it() {
        let mut exact = 0;
        for row in TABLE.rows.values().filter(|row| !row.emoji.is_empty()) {
            match Face::by_emoji(&row.emoji) {
                Some(face) => {
                    assert_eq!(face, Face(row.face_id));
                    exact += 1;
                }
                None => assert!(TABLE.rows.values().filter(|other| other.emoji == row.emoji).count() > 1, "{row:?}"),
            }
        }
        assert!(exact > 80, "{exact}");
        assert_eq!(
            (Face::by_emoji("🙂"), Face::by_emoji("☺"), Face::by_emoji("☺️")),
            (Some(Face(14)), Some(Face(6)), Some(Face(6)))
        );
        assert_eq!((Face::by_emoji("😎"), Face::by_emoji("👩‍👩‍👧"), Face::by_emoji("")), (None, None, None));
    }

    #[test]
    fn a_face_prints_as_qq_users_write_it() {
        assert_eq!(Face(14).to_string(), "[微笑]");
        assert_eq!(Face(999).to_string(), "[表情999]");
    }
}

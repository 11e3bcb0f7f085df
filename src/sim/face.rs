//! The built-in emoticons of QQ: wire ids, Chinese and English names, emoji.
//!
//! Source: protocol dossier 8.4; the table is `faces.csv` beside this file.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// One row of the table.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Face {
    #[serde(rename(deserialize = "face_id"))]
    pub(crate) id: u64,
    #[serde(rename(deserialize = "name_zh"))]
    pub(crate) zh: String,
    #[serde(rename(deserialize = "name_en"))]
    pub(crate) en: String,
    pub(crate) emoji: String,
}

struct Table {
    faces: Vec<Face>,
    by_name: HashMap<String, u64>,
    by_id: HashMap<u64, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(include_str!("faces.csv").as_bytes());
    let faces: Vec<Face> = reader.deserialize().filter_map(Result::ok).collect();
    let mut by_name = HashMap::new();
    let mut by_id = HashMap::new();
    for (row, face) in faces.iter().enumerate() {
        by_id.entry(face.id).or_insert(row);
        for name in [&face.zh, &face.en] {
            if !name.is_empty() {
                by_name.entry(name.to_lowercase()).or_insert(face.id);
            }
        }
    }
    Table { faces, by_name, by_id }
});

/// The faces that have a name, in the order of the official picker.
pub(crate) fn named() -> impl Iterator<Item = &'static Face> {
    TABLE.faces.iter().filter(|face| !face.zh.is_empty())
}

/// The wire id of a face by Chinese or English name, in any case.
pub(crate) fn by_name(name: &str) -> Option<u64> {
    TABLE.by_name.get(&name.to_lowercase()).copied()
}

/// The Chinese name of a face, or `表情N` when it has none.
pub(crate) fn name(id: u64) -> String {
    let row = TABLE.by_id.get(&id).and_then(|row| TABLE.faces.get(*row));
    row.map(|face| face.zh.clone()).filter(|zh| !zh.is_empty()).unwrap_or_else(|| format!("表情{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_read() {
        assert_eq!(TABLE.faces.len(), include_str!("faces.csv").lines().count() - 1);
    }

    #[test]
    fn faces_are_known_by_both_names() {
        assert_eq!((by_name("微笑"), by_name("smile"), by_name("无此表情")), (Some(14), Some(14), None));
        assert_eq!((name(14).as_str(), name(99_999).as_str()), ("微笑", "表情99999"));
    }
}

//! Every text that the code asks for is in the table, and every text in the table is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Texts in quotes that look like a key of the table: words with a dot between, such as `login.none`.
fn keys_in(source: &str) -> impl Iterator<Item = &str> {
    let is_key = |text: &&str| {
        let parts: Vec<&str> = text.split('.').collect();
        parts.len() > 1
            && parts
                .iter()
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || "_-".contains(c)))
    };
    source.split('"').skip(1).step_by(2).filter(is_key)
}

#[test]
fn the_table_has_what_the_code_says_and_no_more() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table: serde_yaml::Mapping =
        serde_yaml::from_str(&fs::read_to_string(top.join("bridge/texts.yaml")).unwrap()).unwrap();
    let table: BTreeSet<String> = table.keys().map(|key| key.as_str().unwrap().to_owned()).collect();
    let mut files = Vec::new();
    sources(&top.join("bridge"), &mut files);
    sources(&top.join("control"), &mut files);
    sources(&top.join("watch"), &mut files);
    let code: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut said: BTreeSet<String> = code.iter().flat_map(|source| keys_in(source)).map(str::to_owned).collect();
    said.extend(matrix_webqq::control::COMMANDS.iter().map(|command| command.about.to_owned()));
    let sections: BTreeSet<&str> = table.iter().filter_map(|key| key.split('.').next()).collect();
    let missing: Vec<&String> = said
        .iter()
        .filter(|key| sections.contains(key.split('.').next().unwrap_or_default()) && !table.contains(*key))
        .filter(|key| *key != "help.")
        .collect();
    assert!(missing.is_empty(), "said but not in the table: {missing:?}");
    let unsaid: Vec<&String> = table.difference(&said).collect();
    assert!(unsaid.is_empty(), "in the table but never said: {unsaid:?}");
}

//! Every group of the dossier's test vectors is used by a test.

use std::fs;
use std::path::Path;

/// The text of every Rust file below `folder`.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(end) if end == "rs" => fs::read_to_string(&path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn every_group_of_the_vectors_is_used_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = fs::read_to_string(root.join("tests/fixtures/webqq/vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&vectors).unwrap();
    let groups: Vec<&String> = vectors.as_object().unwrap().keys().filter(|group| !group.starts_with('_')).collect();
    assert_eq!(groups.len(), 14);
    let sources = ["src", "tests"].map(|folder| sources(&root.join(folder))).concat();
    let is_used = |group: &&String| ["(", "["].iter().any(|open| sources.contains(&format!("{open}\"{group}\"")));
    let unused: Vec<_> = groups.into_iter().filter(|group| !is_used(group)).collect();
    assert!(unused.is_empty(), "used by no test: {unused:?}");
}

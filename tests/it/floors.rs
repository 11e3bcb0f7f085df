//! The house keeps its own rules: floors look down only, files stay small, and each says first what it is for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor, from the ground up. `main`, `lib` and the second binary stand outside: they only open doors.
const FLOORS: [&[&str]; 6] =
    [&["base"], &["config"], &["qq", "matrix", "store"], &["bridge"], &["control", "watch", "sim"], &["cli", "app"]];

/// Most lines that a file may have before its tests.
const MOST_LINES: usize = 400;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The room that the file is in, or its own name when it is a room of one file.
    fn room(&self) -> String {
        let first = self.path.components().next().unwrap().as_os_str().to_str().unwrap();
        first.trim_end_matches(".rs").to_owned()
    }

    /// The text up to its tests.
    fn before_tests(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests").next().unwrap()
    }

    /// The text up to its tests, without comments.
    fn code(&self) -> String {
        self.before_tests().lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source { path: path.strip_prefix(&root).unwrap().to_owned(), text });
            }
        }
    }
    assert!(sources.len() > 20, "the sources are not where this test looks");
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether code in `from` may name things of `to`.
fn may_see(from: &str, to: &str) -> bool {
    let (Some(from_floor), Some(to_floor)) = (floor(from), floor(to)) else { return true };
    match from {
        _ if from == to => true,
        // A simulator that shares wire types with the client would agree with the client's mistakes.
        "sim" => to == "base",
        "cli" | "app" => true,
        _ => to_floor < from_floor,
    }
}

/// The rooms that `code` names, as `crate::room`, `crate::{room, …}` or through `super::` at the top of a room.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut rooms = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => drop(rooms.insert(word(rest))),
            Some(list) => rooms.extend(top_level(list).into_iter().map(|path| word(path.trim()))),
        }
    }
    rooms
}

/// The parts of `list`, the inside of braces, that stand between its own commas.
fn top_level(list: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            c => parts.last_mut().unwrap().push(c),
        }
    }
    parts
}

/// Fails with every line of `broken`.
fn expect_none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> =
        sources().iter().map(Source::room).filter(|room| !["main", "lib", "bin"].contains(&room.as_str())).collect();
    expect_none(&rooms.into_iter().filter(|room| floor(room).is_none()).collect::<Vec<_>>());
}

#[test]
fn rooms_look_down_only() {
    let mut broken = Vec::new();
    for source in sources() {
        let room = source.room();
        for named in rooms_named(&source.code()).iter().filter(|named| !may_see(&room, named)) {
            broken.push(format!("src/{}: {room} must not see {named}", source.path.display()));
        }
    }
    expect_none(&broken);
}

#[test]
fn the_bridge_does_not_know_which_network_it_speaks_to() {
    let paths = ["qq::webqq", "{webqq", " webqq::"];
    let knows_webqq = |source: &Source| paths.iter().any(|path| source.code().contains(path));
    let elsewhere = |source: &Source| !["qq", "bin"].contains(&source.room().as_str());
    let broken = sources().into_iter().filter(|source| elsewhere(source) && knows_webqq(source));
    let lines: Vec<String> = broken.map(|source| format!("src/{} names qq::webqq", source.path.display())).collect();
    expect_none(&lines);
}

#[test]
fn nothing_reaches_further_out_than_its_own_room_by_super() {
    let mut broken = Vec::new();
    for source in sources() {
        let parts = source.path.components().count();
        let is_room = source.path.ends_with("mod.rs") && parts == 2;
        // In the root file of a room, `super` is the whole house.
        let leaves = source.code().contains("super::") && (is_room || parts == 1);
        if leaves || source.code().contains("super::super") {
            broken.push(format!("src/{} climbs out with super", source.path.display()));
        }
    }
    expect_none(&broken);
}

#[test]
fn no_file_is_too_long_to_read_in_one_sitting() {
    let mut broken = Vec::new();
    for source in sources() {
        let lines = source.before_tests().lines().count();
        if lines > MOST_LINES {
            broken.push(format!("src/{} has {lines} lines before its tests", source.path.display()));
        }
    }
    expect_none(&broken);
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let says = |source: &Source| {
        let comments = source.text.lines().take_while(|line| line.starts_with("//!"));
        let paragraph: Vec<&str> =
            comments.map(|line| line.trim_start_matches("//!").trim()).take_while(|line| !line.is_empty()).collect();
        let sentence = paragraph.join(" ");
        sentence.len() > 15 && sentence.ends_with(['.', ':', '?'])
    };
    let silent = sources().into_iter().filter(|source| !says(source));
    let line = |source: Source| format!("src/{} does not begin with a //! sentence", source.path.display());
    expect_none(&silent.map(line).collect::<Vec<_>>());
}

#[test]
fn this_test_reads_paths_as_the_compiler_does() {
    let code = "use crate::base::{Clock, Secret};\nuse crate::{config, store::{self, Tx}, qq};\nfn f(x: crate::matrix::Event) {}";
    let named: Vec<String> = rooms_named(code).into_iter().collect();
    assert_eq!(named, ["base", "config", "matrix", "qq", "store"]);
    assert!(may_see("bridge", "qq") && may_see("sim", "base") && may_see("app", "cli"));
    assert!(!may_see("qq", "matrix") && !may_see("sim", "config") && !may_see("config", "qq"));
    assert!(!may_see("control", "watch") && !may_see("control", "sim") && !may_see("sim", "bridge"));
}

//! What the pages say is shown by a test is shown by one that there is.

mod commands;
mod links;
mod troubleshooting;

use std::fs;
use std::path::{Path, PathBuf};

use crate::texts::sources;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every test, as the modules that it is in, outermost first, and its name; those of `tests/it` begin with `it`.
fn tests() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (folder, program) in [("src", None), ("tests/it", Some("it"))] {
        let mut files = Vec::new();
        sources(&root().join(folder), &mut files);
        for file in files {
            let modules = modules(file.strip_prefix(root().join(folder)).unwrap());
            let way: Vec<String> = program.map(str::to_owned).into_iter().chain(modules).collect();
            let source = fs::read_to_string(&file).unwrap();
            found.extend(names(&source).map(|name| [&way[..], &[name.to_owned()]].concat()));
        }
    }
    found
}

/// The modules of a file.
fn modules(file: &Path) -> Vec<String> {
    let way = file.with_extension("");
    let words = way.iter().map(|word| word.to_str().unwrap().to_owned());
    words.filter(|word| !["mod", "lib", "main"].contains(&word.as_str())).collect()
}

/// The names of the functions that are marked as tests.
fn names(source: &str) -> impl Iterator<Item = &str> {
    let marks = source.match_indices("test").map(|(at, _)| source.split_at(at));
    let marked = marks.filter(|(before, after)| {
        (before.ends_with("#[") && after.starts_with("test]")) || before.ends_with("#[tokio::")
    });
    marked.filter_map(|(_, after)| after.split_once("fn ")?.1.split(|c: char| c != '_' && !c.is_alphanumeric()).next())
}

/// The rows of the tables of `page` that say what shows something: the heading above, what is shown, and what stands in
/// backticks in the last column.
fn rows(page: &str) -> Vec<(&str, &str, Vec<&str>)> {
    let (mut found, mut heading, mut told) = (Vec::new(), "", false);
    for line in page.lines() {
        heading = line.strip_prefix("## ").unwrap_or(heading);
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, what, .., last, _] = cells[..] else {
            told = false;
            continue;
        };
        if told && !last.starts_with("---") {
            found.push((heading, what, last.split('`').skip(1).step_by(2).collect()));
        }
        told |= last == "shown by";
    }
    found
}

/// Whether `name`, such as `it::journeys::chat` or `content`, is that of a test or of modules in which there are some;
/// `scripts/test STEP` is one of the script's steps.
fn exists(name: &str, tests: &[Vec<String>]) -> bool {
    if let Some((script, step)) = name.split_once(' ').or_else(|| name.starts_with("scripts/").then_some((name, ""))) {
        let script = fs::read_to_string(root().join(script)).unwrap_or_default();
        return if step.is_empty() { !script.is_empty() } else { script.contains(&format!("\n{step}() {{")) };
    }
    let words: Vec<&str> = name.split("::").collect();
    tests.iter().any(|test| test.windows(words.len()).any(|part| part == words))
}

/// Holds each of `rows` to what it says.
fn are_shown(rows: &[(&str, &str, Vec<&str>)], tests: &[Vec<String>]) {
    for (heading, what, shown_by) in rows {
        for name in shown_by {
            assert!(exists(name, tests), "{heading}: {what:?} is shown by {name:?}, which is no test");
        }
    }
}

#[test]
fn docs_security_names_a_test_that_there_is_for_everything_that_is_defended() {
    let page = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 15, "{} rows: not where this looks", rows.len());
    are_shown(&rows, &tests());
    assert!(rows.iter().all(|(_, _, shown_by)| !shown_by.is_empty()));
}

#[test]
fn docs_features_names_a_test_that_there_is_for_all_that_works() {
    let page = fs::read_to_string(root().join("docs/features.md")).unwrap();
    let (rows, tests) = (rows(&page), tests());
    assert!(rows.len() > 90, "{} rows: not where this looks", rows.len());
    are_shown(&rows, &tests);
    let lines = page.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    for cells in lines.filter(|cells| cells.len() == 5 && cells[3] != "shown by" && !cells[1].starts_with("---")) {
        let [what, there_is, shown_by] = [cells[1], cells[2], cells[3]];
        assert!(["yes", "partly", "no"].iter().any(|word| there_is.starts_with(word)), "{what}: {there_is}");
        assert_eq!(shown_by.is_empty(), there_is.starts_with("no"), "{what}: {there_is}, shown by {shown_by:?}");
        assert!(there_is == "yes" || there_is.contains(": "), "{what}: {there_is} has no reason");
    }
}

#[test]
fn docs_webqq_names_only_tests_that_there_are() {
    let page = fs::read_to_string(root().join("docs/webqq.md")).unwrap();
    let (rows, tests) = (rows(&page), tests());
    assert!(
        rows.len() > 80 && tests.len() > 600,
        "{} rows and {} tests: not where this looks",
        rows.len(),
        tests.len()
    );
    are_shown(&rows, &tests);
    let capabilities: Vec<_> = rows.iter().filter(|(heading, ..)| *heading == "What shows it").collect();
    assert_eq!(capabilities.len(), 11);
    for (_, what, shown_by) in capabilities {
        let one = |name: &&str| tests.iter().any(|test| test.last().is_some_and(|last| last == name));
        assert!(shown_by.iter().any(one), "{what:?} is shown by no single test");
    }
}

#[test]
fn a_test_is_found_by_its_name_or_by_modules_and_anything_else_is_not() {
    let source = "#[test]\nfn first() {}\n#[tokio::test(start_paused = true)]\nasync fn second() {}\nfn third() {}";
    assert_eq!(names(source).collect::<Vec<_>>(), ["first", "second"]);
    let tests = [["it", "journeys", "chat", "first"].map(str::to_owned).to_vec()];
    for name in ["first", "it::journeys", "journeys::chat", "it", "scripts/test qqbot", "scripts/fuzz"] {
        assert!(exists(name, &tests), "{name}");
    }
    for name in ["fir", "it::chat", "second", "", "scripts/test dance", "scripts/none"] {
        assert!(!exists(name, &tests), "{name}");
    }
}

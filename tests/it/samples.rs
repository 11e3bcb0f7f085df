//! The example configuration and the documents made from it tell the truth.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use matrix_webqq::cli::Exit;
use matrix_webqq::config::appservice::TOKEN_PLACEHOLDER;
use matrix_webqq::config::{self, Config};
use serde_yaml::Value;

/// The options that are never written together with their twin, and so are not in the example.
const TWINS: [&str; 5] = [
    "appservice.as_token_file",
    "appservice.hs_token_file",
    "database.uri_file",
    "provisioning.shared_secret_file",
    "status_page.secret_file",
];

fn example() -> Config {
    serde_yaml::from_str(config::EXAMPLE).unwrap()
}

#[test]
fn the_example_is_the_defaults_apart_from_what_everybody_writes_themselves() {
    let (example, default) = (example(), Config::default());
    assert_eq!(example.homeserver.address, "http://127.0.0.1:8008");
    assert_eq!(example.homeserver.domain, "example.com");
    assert!(example.appservice.as_token.matches(TOKEN_PLACEHOLDER));
    assert!(example.appservice.hs_token.matches(TOKEN_PLACEHOLDER));
    assert_eq!(example.bridge.permissions.len(), 2);
    let mut rest = example;
    rest.homeserver = default.homeserver.clone();
    rest.appservice.as_token = default.appservice.as_token.clone();
    rest.appservice.hs_token = default.appservice.hs_token.clone();
    rest.bridge.permissions.clear();
    assert_eq!(format!("{rest:?}"), format!("{default:?}"));
}

#[test]
fn the_example_does_not_run_until_it_is_made_ones_own() {
    let faults = example().validate();
    let keys: Vec<String> = faults.iter().map(|fault| fault.key.to_string()).collect();
    assert_eq!(
        keys,
        [
            "homeserver.domain",
            "appservice.as_token",
            "appservice.hs_token",
            "bridge.permissions.\"@admin:example.com\"",
            "bridge.permissions.\"example.com\"",
        ]
    );
}

/// Every option that exists: serde itself lists them when it is given one that does not.
fn known_keys() -> Vec<String> {
    let mut keys = Vec::new();
    collect_known("", &mut keys);
    keys.sort();
    keys
}

/// Adds what exists below the section `way` (empty for the whole file).
fn collect_known(way: &str, keys: &mut Vec<String>) {
    let mut document = Value::from("");
    document = Value::Mapping([(Value::from("?"), document)].into_iter().collect());
    for word in way.rsplit('.').filter(|word| !word.is_empty()) {
        document = Value::Mapping([(Value::from(word), document)].into_iter().collect());
    }
    let error = match serde_yaml::from_value::<Config>(document) {
        // A map with keys of the user's own.
        Ok(_) => return keys.push(way.to_owned()),
        Err(error) => error.to_string(),
    };
    let Some((_, known)) = error.split_once("expected one of ").or_else(|| error.split_once("expected ")) else {
        return keys.push(way.to_owned());
    };
    if !error.contains("unknown field") {
        return keys.push(way.to_owned());
    }
    for word in known.split('`').skip(1).step_by(2) {
        let key = if way.is_empty() { word.to_owned() } else { format!("{way}.{word}") };
        collect_known(&key, keys);
    }
}

/// Options whose keys people make up themselves.
const MAPS: [&str; 3] = ["bridge.permissions", "bridge.relay.formats", "double_puppet.secrets"];

fn leaves(way: &str, value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Mapping(section) if !MAPS.contains(&way) => {
            for (word, value) in section {
                let word = word.as_str().unwrap();
                leaves(&if way.is_empty() { word.to_owned() } else { format!("{way}.{word}") }, value, keys);
            }
        }
        _ => keys.push(way.to_owned()),
    }
}

#[test]
fn the_example_holds_every_option_that_there_is() {
    let mut written = TWINS.map(str::to_owned).to_vec();
    leaves("", &serde_yaml::from_str(config::EXAMPLE).unwrap(), &mut written);
    written.sort();
    assert_eq!(written, known_keys());
}

#[test]
fn docs_configuration_is_made_from_the_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let wanted = document(config::EXAMPLE);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/configuration.md is out of date: run the tests once with UPDATE_DOCS=1");
}

/// The names at the beginning of lines of `text` between the line `from` and the next heading.
fn names<'a>(text: &'a str, from: &str, mark: &str) -> Vec<&'a str> {
    let section = text.lines().skip_while(|line| *line != from).skip(1);
    let section = section.take_while(|line| !line.starts_with('[') && !line.starts_with("## "));
    let name = |line: &'a str| {
        let rest = line.strip_prefix(mark)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
        rest.get(..end).filter(|name| !name.is_empty())
    };
    section.filter_map(name).collect()
}

#[test]
fn docs_dependencies_explains_every_dependency() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let page = fs::read_to_string(root.join("docs/dependencies.md")).unwrap();
    let wanted = names(&manifest, "[dependencies]", "");
    assert!(wanted.len() > 20, "the dependencies are not where this test looks");
    assert_eq!(names(&page, "## In the program", "| `"), wanted);
    let for_tests: Vec<&str> =
        names(&manifest, "[dev-dependencies]", "").into_iter().filter(|name| !wanted.contains(name)).collect();
    assert_eq!(names(&page, "## In the tests", "| `"), for_tests);
}

const INTRODUCTION: &str = "# Configuration

<!-- Made from config/config.example.yaml by tests/it/samples.rs; change that file, then run the tests with UPDATE_DOCS=1. -->

`matrix-webqq -e -c config.yaml` writes the example, `matrix-webqq -g -c config.yaml -r registration.yaml` makes the
registration and saves the tokens and the provisioning secret, and `matrix-webqq check -c config.yaml -r registration.yaml` finds every mistake at once,
without the network. The bridge refuses options that it does not know, and says which one was probably meant.

`-g` may be run again after a change: tokens that the configuration has are kept, and so is the registration's
`sender_localpart`. To get new tokens, empty `as_token` and `hs_token` first. It never overwrites a file that is not the
registration of this bridge, and never changes more of the configuration than these three secrets.
";

/// The example as a document: a heading for each section, a list entry for each option.
fn document(example: &str) -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut way: Vec<(usize, String)> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in example.lines() {
        let indent = line.len() - line.trim_start().len();
        if line.trim().is_empty() {
            if way.is_empty() && !comment.is_empty() {
                comment_as_text(&mut text, &mut comment);
            }
            continue;
        }
        if let Some(words) = line.trim_start().strip_prefix('#') {
            comment.push(words.strip_prefix(' ').unwrap_or(words));
            continue;
        }
        way.retain(|(outer, _)| *outer < indent);
        let (name, value) = line.trim().split_once(':').unwrap();
        if way.last().is_some_and(|(_, name)| name == "permissions" || name == "formats") {
            writeln!(text, "  - `{}`", line.trim()).unwrap();
            continue;
        }
        way.push((indent, name.to_owned()));
        let key: Vec<&str> = way.iter().map(|(_, name)| name.as_str()).collect();
        entry(&mut text, &key.join("."), value.trim(), &mut comment);
    }
    exits(&mut text);
    text
}

/// The comment so far as a paragraph; what is indented in it becomes code.
fn comment_as_text(text: &mut String, comment: &mut Vec<&str>) {
    text.push('\n');
    for line in comment.drain(..).skip_while(|line| line.starts_with("matrix-webqq:") || line.is_empty()) {
        match line.strip_prefix("    ") {
            Some(code) => writeln!(text, "\n    {code}\n").unwrap(),
            None => writeln!(text, "{line}").unwrap(),
        }
    }
}

fn entry(text: &mut String, key: &str, value: &str, comment: &mut Vec<&str>) {
    let about = std::mem::take(comment).join(" ").replace('<', "\\<");
    if !key.contains('.') {
        writeln!(text, "\n## {key}\n\n{about}\n").unwrap();
    } else if value.is_empty() {
        writeln!(text, "- **`{key}`**: {about}").unwrap();
    } else {
        let space = if about.is_empty() { "" } else { " " };
        writeln!(text, "- **`{key}: {value}`**{space}{about}").unwrap();
    }
}

fn exits(text: &mut String) {
    text.push_str("\n## How the process ends\n\n| number | meaning |\n| --- | --- |\n| 0 | all is well |\n");
    for exit in Exit::ALL {
        let (code, meaning) = exit.explained();
        writeln!(text, "| {code} | {meaning} |").unwrap();
    }
}

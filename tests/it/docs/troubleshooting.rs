//! Every message that docs/troubleshooting.md explains is one that the bridge says.

use std::fs;

use super::root;
use crate::texts::sources;

/// `text` as a heading can hold it: on one line, without backticks, with `…` for every `{value}`.
fn plain(text: &str) -> String {
    let joined: Vec<&str> =
        text.split("\\\n").enumerate().map(|(n, part)| if n == 0 { part } else { part.trim_start() }).collect();
    let mut parts = joined.concat().replace('`', "");
    while let Some((before, after)) = parts.split_once('{').map(|(before, after)| (before.to_owned(), after.to_owned()))
    {
        parts = match after.split_once('}') {
            Some((_, rest)) => format!("{before}…{rest}"),
            None => format!("{before}…"),
        };
    }
    parts
}

/// The lines of the sources and of the table of texts.
fn said() -> Vec<String> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let shown = files.iter().filter(|file| !file.starts_with(root().join("src/sim")));
    let mut texts: Vec<String> = shown.map(|file| fs::read_to_string(file).unwrap().replace("\\\n", "\u{0}")).collect();
    texts.push(fs::read_to_string(root().join("src/bridge/texts.yaml")).unwrap());
    texts.iter().flat_map(|text| text.lines()).map(|line| plain(&line.replace('\u{0}', "\\\n"))).collect()
}

/// The messages that are explained: headings in backticks.
fn explained(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
}

#[test]
fn docs_troubleshooting_explains_only_what_is_said() {
    let page = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let said = said();
    let unsaid: Vec<&str> =
        explained(&page).filter(|message| !said.iter().any(|line| line.contains(message))).collect();
    assert!(explained(&page).count() > 50, "{} messages: not where this looks", explained(&page).count());
    assert!(unsaid.is_empty(), "explained but never said: {unsaid:#?}");
}

#[test]
fn a_message_is_found_whatever_stands_in_it_and_others_are_not() {
    assert_eq!(plain("write `login`, {who}: {0:?} of \\\n         all"), "write login, …: … of all");
    assert_eq!(explained("## x\n### `a …`\n### b").collect::<Vec<_>>(), ["a …"]);
    assert!(!said().iter().any(|line| line.contains(&["no", "body", "says", "this"].join(" "))));
}

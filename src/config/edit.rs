//! Writes secrets into the text of a configuration and leaves everything else in it as it is.

use serde_yaml::Value;

use super::locate::locate;

/// The text could not be changed without changing more than was asked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is written in a way that cannot be changed safely; put it on a line of its own")]
pub struct Unsaved(String);

/// `text` with `<section>.<name>` set to `value`: comments, order and layout stay. `value` is a token: letters and
/// digits.
pub fn set(text: &str, (section, name): (&str, &str), value: &str) -> Result<String, Unsaved> {
    let unsaved = || Unsaved(format!("{section}.{name}"));
    let edited = match locate(text, &[section.to_owned(), name.to_owned()]) {
        Some(mark) => replace_value(text, mark.line, mark.column, value),
        None => insert(text, (section, name), value),
    }
    .ok_or_else(unsaved)?;
    let (Some(before), Some(after)) = (parse(text), parse(&edited)) else { return Err(unsaved()) };
    // Whatever the edit did to the text, it must mean this and nothing else.
    let wanted = with_value(before, (section, name), value);
    if wanted.is_some_and(|wanted| wanted == after) { Ok(edited) } else { Err(unsaved()) }
}

/// Whether `text` has `<section>.<name>`.
#[must_use]
pub fn has(text: &str, section: &str, name: &str) -> bool {
    locate(text, &[section.to_owned(), name.to_owned()]).is_some()
}

fn parse(text: &str) -> Option<Value> {
    serde_yaml::from_str(text).ok()
}

/// The document `root` with the value set.
fn with_value(root: Value, (section, name): (&str, &str), value: &str) -> Option<Value> {
    let mapping = |value| match value {
        Value::Mapping(mapping) => Some(mapping),
        Value::Null => Some(serde_yaml::Mapping::new()),
        _ => None,
    };
    let mut root = mapping(root)?;
    let mut options = mapping(root.get(section).cloned().unwrap_or_default())?;
    options.insert(name.into(), value.into());
    root.insert(section.into(), options.into());
    Some(root.into())
}

/// Puts `value` after the colon that follows the name at `line` and `column` (both from 1).
fn replace_value(text: &str, line: usize, column: usize, value: &str) -> Option<String> {
    let mut edited = String::with_capacity(text.len() + value.len());
    for (number, whole) in (1..).zip(text.split_inclusive('\n')) {
        if number != line {
            edited.push_str(whole);
            continue;
        }
        let content = whole.trim_end_matches(['\r', '\n']);
        let (start, _) = content.char_indices().nth(column.checked_sub(1)?)?;
        let colon = start + content.get(start..)?.find(':')? + 1;
        let old = content.get(colon..)?;
        edited.push_str(content.get(..colon)?);
        edited.push(' ');
        edited.push_str(value);
        edited.push_str(old.get(value_end(old)..)?);
        edited.push_str(whole.get(content.len()..)?);
    }
    Some(edited)
}

/// Where the value in `rest`, what follows a colon, ends: before the spaces of a comment, or at the end of the line.
fn value_end(rest: &str) -> usize {
    let start = rest.len() - rest.trim_start().len();
    let quoted = rest.get(start..).and_then(|value| {
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        value.get(1..)?.find(quote).map(|end| start + end + 2)
    });
    let plain = || rest.find(" #").map_or(rest.len(), |comment| rest.get(..comment).map_or(0, |v| v.trim_end().len()));
    quoted.unwrap_or_else(plain)
}

/// Adds the option as the first of its section, which is made when there is none.
fn insert(text: &str, (section, name): (&str, &str), value: &str) -> Option<String> {
    let Some(section) = locate(text, &[section.to_owned()]) else {
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Some(format!("{text}{gap}\n{section}:\n    {name}: {value}\n"));
    };
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_entry = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let next = lines.get(section.line..)?.iter().find(is_entry);
    let indent = next.map_or(0, |line| line.len() - line.trim_start().len());
    let indent = " ".repeat(if indent == 0 { 4 } else { indent });
    let gap = if lines.get(section.line - 1)?.ends_with('\n') { "" } else { "\n" };
    let entry = format!("{gap}{indent}{name}: {value}\n");
    lines.insert(section.line, &entry);
    Some(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_changes() {
        for (before, after) in [
            ("appservice:\n  as_token: old\n", "appservice:\n  as_token: new\n"),
            ("appservice:\n  as_token: old # why\n  id: qq\n", "appservice:\n  as_token: new # why\n  id: qq\n"),
            ("appservice:\n  as_token: \"o # l\"  # why\n", "appservice:\n  as_token: new  # why\n"),
            ("appservice:\r\n  as_token: ''\r\n  id: x\r\n", "appservice:\r\n  as_token: new\r\n  id: x\r\n"),
            ("appservice:\n  as_token:\n  id: x", "appservice:\n  as_token: new\n  id: x"),
            ("appservice:\n  'as_token' : old", "appservice:\n  'as_token' : new"),
            ("appservice:\n\n  # c\n  id: x\n", "appservice:\n  as_token: new\n\n  # c\n  id: x\n"),
            ("appservice:\nhomeserver:\n  a: b\n", "appservice:\n    as_token: new\nhomeserver:\n  a: b\n"),
            ("appservice:", "appservice:\n    as_token: new\n"),
            ("a: b", "a: b\n\nappservice:\n    as_token: new\n"),
            ("", "\nappservice:\n    as_token: new\n"),
            ("x:\n  as_token: a\nappservice:\n  as_token: b\n", "x:\n  as_token: a\nappservice:\n  as_token: new\n"),
        ] {
            assert_eq!(set(before, ("appservice", "as_token"), "new").as_deref(), Ok(after), "{before:?}");
        }
    }

    #[test]
    fn a_text_that_would_change_its_meaning_is_left_alone() {
        for text in [
            "appservice: {as_token: old, id: x}\n",
            "appservice:\n  as_token: >-\n    long\n    text\n",
            "appservice: 5\n",
            "- a list\n",
        ] {
            assert!(set(text, ("appservice", "as_token"), "new").is_err(), "{text:?}");
        }
    }
}

//! Poll items written by hand: placeholders such as `"$uin:王芳"` in them become the numbers of a login.

use serde_json::Value;

use super::handle::Refused;
use super::numbers::{Numbers, Whom};
use super::people::People;
use super::world::World;

enum Placeholder {
    Own,
    Number(Whom),
}

/// Refuses items with placeholders that stand for nobody.
pub(crate) fn check(items: &[Value], world: &World, people: &People) -> Result<(), Refused> {
    for text in items.iter().flat_map(texts) {
        if let Some(wanted) = text.strip_prefix('$') {
            let known = match read(wanted) {
                Some(Placeholder::Own | Placeholder::Number(Whom::Echo)) => true,
                Some(Placeholder::Number(Whom::Person(name))) => people.get(&name).is_some(),
                Some(Placeholder::Number(Whom::Group(name) | Whom::Code(name))) => world.group(&name).is_some(),
                Some(Placeholder::Number(Whom::Discussion(name))) => world.discussion(&name).is_some(),
                None => false,
            };
            if !known {
                return Err(Refused::UnknownPlaceholder(text.to_owned()));
            }
        }
    }
    Ok(())
}

/// Replaces the placeholders in `item`.
pub(crate) fn resolve(item: &Value, numbers: &Numbers, own: u32) -> Value {
    match item {
        Value::String(text) => {
            let number = text.strip_prefix('$').and_then(read).and_then(|placeholder| match placeholder {
                Placeholder::Own => Some(own),
                Placeholder::Number(whom) => numbers.of(&whom),
            });
            number.map_or_else(|| item.clone(), Value::from)
        }
        Value::Array(items) => items.iter().map(|item| resolve(item, numbers, own)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, item)| (key.clone(), resolve(item, numbers, own))).collect())
        }
        other => other.clone(),
    }
}

fn read(wanted: &str) -> Option<Placeholder> {
    let whom = match wanted.split_once(':') {
        None if wanted == "own" => return Some(Placeholder::Own),
        None if wanted == "echo" => Whom::Echo,
        Some(("uin", name)) => Whom::Person(name.to_owned()),
        Some(("gid", name)) => Whom::Group(name.to_owned()),
        Some(("code", name)) => Whom::Code(name.to_owned()),
        Some(("did", name)) => Whom::Discussion(name.to_owned()),
        _ => return None,
    };
    Some(Placeholder::Number(whom))
}

fn texts(item: &Value) -> Vec<&str> {
    match item {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

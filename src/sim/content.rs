//! What is said, in the two forms that it has: text with `[微笑]` for people, an array of elements on the wire.
//!
//! Source: protocol dossier 8.1 to 8.3.

use serde_json::{Value, json};

use super::album;
use super::face;
use super::rules::Rules;

/// The longest face name that is looked up, in characters. Source: protocol dossier 8.3.
const LONGEST_FACE_NAME: usize = 20;

/// Text as people type it, to elements; `[微笑]` and `[Smile]` become faces, other brackets stay.
pub(crate) fn from_text(text: &str) -> Vec<Value> {
    let mut elements = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, bracket)) = rest.split_once('[') {
        plain.push_str(before);
        let Some((id, after)) = face_at(bracket) else {
            plain.push('[');
            rest = bracket;
            continue;
        };
        if !plain.is_empty() {
            elements.push(Value::String(std::mem::take(&mut plain)));
        }
        elements.push(json!(["face", id]));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        elements.push(Value::String(plain));
    }
    elements
}

fn face_at(after_bracket: &str) -> Option<(u64, &str)> {
    let (name, after) = after_bracket.split_once(']')?;
    if name.chars().count() > LONGEST_FACE_NAME {
        return None;
    }
    Some((face::by_name(name)?, after))
}

/// Elements, to text as people read it: faces as `[微笑]`, what cannot be shown as `[tag]`, the font left out.
pub(crate) fn to_text(elements: &[Value]) -> String {
    elements.iter().map(element_to_text).collect()
}

fn element_to_text(element: &Value) -> String {
    if let Value::String(text) = element {
        return text.clone();
    }
    match tag(element) {
        Some("font") => String::new(),
        Some("face") => {
            let id = element.get(1).and_then(Value::as_u64);
            id.map_or_else(|| "[face]".to_owned(), |id| format!("[{}]", face::name(id)))
        }
        Some("offfile") => format!("[文件] {}", element.get(2).and_then(Value::as_str).unwrap_or_default()),
        Some("offpic" | "cface" | "cface_idx") => "[图片]".to_owned(),
        Some(other) => format!("[{other}]"),
        None => "[?]".to_owned(),
    }
}

/// What the font element of `elements` says; null when there is none.
pub(crate) fn font(elements: &[Value]) -> Value {
    let element = elements.iter().find(|element| tag(element) == Some("font"));
    element.and_then(|element| element.get(1)).cloned().unwrap_or_default()
}

fn tag(element: &Value) -> Option<&str> {
    element.get(0).and_then(Value::as_str)
}

/// The `content` of a send call: JSON within JSON, with the font at its end. `None` when it is anything else.
pub(crate) fn from_client(content: &Value) -> Option<Vec<Value>> {
    let elements: Vec<Value> = serde_json::from_str(content.as_str()?).ok()?;
    let font_last = elements.last().and_then(tag) == Some("font");
    let known_shapes = elements.iter().all(|element| element.is_string() || tag(element).is_some());
    (font_last && known_shapes).then_some(elements)
}

/// Elements as a receiver gets them: the font first, text escaped as the rules say.
pub(crate) fn for_client(elements: &[Value], rules: &Rules) -> Vec<Value> {
    let font = elements.iter().find(|element| tag(element) == Some("font")).cloned().unwrap_or_else(default_font);
    let mut content = vec![font];
    for element in elements {
        match element {
            Value::String(text) if rules.escape_text => content.push(Value::String(escape(text))),
            element if tag(element) == Some("font") => {}
            element => content.push(album::as_received(element)),
        }
    }
    if rules.trailing_blank || rules.era.is_old() {
        match content.last_mut() {
            Some(Value::String(text)) => text.push(' '),
            _ => content.push(Value::String(" ".to_owned())),
        }
    }
    content
}

/// Source: protocol dossier 8.3: only the angle brackets, so that a typed `&lt;` cannot be told from `<`.
fn escape(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;")
}

fn default_font() -> Value {
    json!(["font", {"name": "微软雅黑", "size": 10, "style": [0, 0, 0], "color": "000000"}])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_text_becomes_elements() {
        for (text, elements) in [
            ("hi", json!(["hi"])),
            ("[微笑]", json!([["face", 14]])),
            ("a[smile]b[[微笑]]", json!(["a", ["face", 14], "b[", ["face", 14], "]"])),
            ("[no such] [", json!(["[no such] ["])),
            ("", json!([])),
        ] {
            assert_eq!(Value::Array(from_text(text)), elements, "{text}");
        }
    }

    #[test]
    fn elements_become_text() {
        let elements = json!(["a", ["face", 14], ["offpic", "/x"], ["font", {}], 7]);
        assert_eq!(to_text(elements.as_array().unwrap()), "a[微笑][图片][?]");
        assert_eq!((font(elements.as_array().unwrap()), font(&[])), (json!({}), Value::Null));
    }

    #[test]
    fn a_client_has_to_send_json_in_json_with_the_font_last() {
        assert!(from_client(&json!(r#"["a",["font",{}]]"#)).is_some());
        for wrong in [json!(["a", ["font", {}]]), json!(r#"[["font",{}],"a"]"#), json!("a"), json!("[7,[\"font\",{}]]")]
        {
            assert!(from_client(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_receiver_gets_the_font_first_and_angle_brackets_escaped() {
        let said = json!(["<b> & ", ["face", 1], ["font", {"size": 12}]]);
        let said = said.as_array().unwrap();
        let rules = Rules::default();
        let expected = json!([["font", {"size": 12}], "&lt;b&gt; & ", ["face", 1]]);
        assert_eq!(Value::Array(for_client(said, &rules)), expected);
        let old = Rules { trailing_blank: true, escape_text: false, ..rules };
        assert_eq!(for_client(said, &old).last(), Some(&json!(" ")));
        assert_eq!(for_client(&[json!("x")], &old).last(), Some(&json!("x ")));
    }
}

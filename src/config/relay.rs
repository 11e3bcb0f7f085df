//! `bridge.relay:`, how people without a login are carried.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::fault::Fault;
use super::key::Key;
use super::template::Template;

/// What a format may be made of.
const FIELDS: [&str; 3] = ["Name", "ID", "Message"];

/// The kind of message whose format all others have that have none of their own.
const USUAL: &str = "m.text";

/// Stands for the message while a format is filled in; no text has it.
const PLACE: &str = "\u{0}";

/// `bridge.relay:`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Relay {
    /// Whether `set-relay` may be used at all.
    pub enabled: bool,
    /// Whether administrators alone may use it.
    pub admin_only: bool,
    /// How many messages of one person may wait for QQ in a room; 0 is as many as they like.
    pub max_waiting: u32,
    /// By kind of message, what is said on QQ: fields `.Name`, `.ID` and `.Message`.
    pub formats: BTreeMap<String, String>,
}

impl Relay {
    /// What is said before and after a message of the kind `msgtype` by somebody called `name`.
    #[must_use]
    pub fn frame(&self, msgtype: &str, name: &str, id: &str) -> (String, String) {
        let format = self.formats.get(msgtype).or_else(|| self.formats.get(USUAL));
        let template = format.and_then(|format| Template::parse(format, &FIELDS).ok());
        let words = template.map(|template| template.render(&[("Name", name), ("ID", id), ("Message", PLACE)]));
        match words.as_deref().and_then(|words| words.split_once(PLACE)) {
            Some((before, after)) => (before.to_owned(), after.replace(PLACE, "")),
            None => (format!("「{name}」: "), String::new()),
        }
    }

    /// Adds what is wrong to `faults`.
    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        let all = Key::of("bridge.relay.formats");
        for (kind, format) in &self.formats {
            let fix = match Template::parse(format, &FIELDS) {
                Err(why) => why.to_string(),
                Ok(_) if !format.contains(".Message") => "write {{.Message}} where the words go".to_owned(),
                Ok(_) => continue,
            };
            faults.push(Fault::new(all.child(kind), format!("{format:?}"), fix));
        }
    }
}

impl Default for Relay {
    fn default() -> Self {
        let formats = [(USUAL, "「{{.Name}}」: {{.Message}}"), ("m.emote", "「{{.Name}}」 {{.Message}}")];
        let formats = formats.map(|(kind, format)| (kind.to_owned(), format.to_owned()));
        Self { enabled: false, admin_only: true, max_waiting: 30, formats: formats.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_framed_by_the_format_of_its_kind_or_the_usual_one() {
        let relay = Relay::default();
        let frame = |kind| relay.frame(kind, "Bob", "@bob:hs.test");
        assert_eq!(frame("m.text"), ("「Bob」: ".to_owned(), String::new()));
        assert_eq!(frame("m.image"), frame("m.text"));
        assert_eq!(frame("m.emote").0, "「Bob」 ");
        let formats = [(USUAL.to_owned(), "{{.ID}} ({{.Message}})".to_owned())].into_iter().collect();
        let other = Relay { formats, ..Relay::default() };
        assert_eq!(other.frame("m.emote", "Bob", "@b:hs"), ("@b:hs (".to_owned(), ")".to_owned()));
        let none = Relay { formats: BTreeMap::new(), ..Relay::default() };
        assert_eq!(none.frame("m.text", "Bob", "@b:hs").0, "「Bob」: ");
    }

    #[test]
    fn a_format_without_the_words_is_refused() {
        for (format, is_good) in
            [("{{.Name}}: {{.Message}}", true), ("{{.Name}}", false), ("{{.Nick}} {{.Message}}", false)]
        {
            let formats = [(USUAL.to_owned(), format.to_owned())].into_iter().collect();
            let mut faults = Vec::new();
            Relay { formats, ..Relay::default() }.check(&mut faults);
            assert_eq!(faults.is_empty(), is_good, "{format}");
        }
    }
}

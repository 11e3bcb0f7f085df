//! What to say about an option that does not exist or holds the wrong kind of thing.

use serde::de::Unexpected;

/// Options of other bridges and older layouts, and where their meaning lives here.
const ELSEWHERE: [(&str, &str); 22] = [
    ("appservice.database", "move it to the section database (type, uri)"),
    ("bridge.displayname_template", "move it to network.displayname_template"),
    ("bridge.double_puppet_server_map", "this bridge acts for people of its own server only; delete it"),
    ("bridge.encryption", "this bridge has no end-to-bridge encryption; delete it"),
    ("bridge.federate_rooms", "move it to matrix.federate_rooms"),
    ("bridge.login_shared_secret_map", "write the as_token of a second registration into double_puppet.secrets"),
    ("bridge.management_room_text", "the bot's words cannot be changed; delete it"),
    ("bridge.message_error_notices", "move it to matrix.message_error_notices"),
    ("bridge.username_template", "move it to appservice.username_template"),
    ("backfill", "QQ gives no history; delete it"),
    ("direct_media", "this bridge copies media to the homeserver; delete it"),
    ("double_puppet.allow_discovery", "this bridge acts for people of its own server only; delete it"),
    ("double_puppet.servers", "this bridge acts for people of its own server only; delete it"),
    ("encryption", "this bridge has no end-to-bridge encryption; delete it"),
    ("env_config_prefix", "the prefix is always MATRIX_WEBQQ_; delete it"),
    ("homeserver.software", "it makes no difference here; delete it"),
    ("logging.print_level", "it is called logging.min_level"),
    ("logging.writers", "lines go to standard error, and to logging.file where it has a path; delete it"),
    ("provisioning.debug_endpoints", "this bridge has no debug API; delete it"),
    ("provisioning.prefix", "the API is always at /_matrix/provision; delete it"),
    ("public_media", "write its public_address into bridge.media.public_address"),
    ("qq", "it is called network"),
];

/// What to do about the whole key `dotted`, when it is one that is known from elsewhere.
pub(super) fn for_elsewhere(dotted: &str) -> Option<&'static str> {
    ELSEWHERE.iter().find(|(key, _)| *key == dotted).map(|(_, fix)| *fix)
}

/// What to do about `word` where only `known` exist.
pub(super) fn for_unknown(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("delete it; here there are {}", known.join(", ")),
    }
}

/// `; did you mean …?` or nothing.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// The one of `known` that `word` was most likely meant to be.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(&word.to_lowercase(), candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// What to write where `wanted` (serde's words) was expected and `found` stood.
pub(super) fn for_type(found: &Unexpected<'_>, wanted: &str) -> String {
    let scalar = !matches!(found, Unexpected::Seq | Unexpected::Map);
    match wanted {
        "a string" if scalar => "put it in quotes".to_owned(),
        "a string" => "write one text".to_owned(),
        "a boolean" => "write true or false".to_owned(),
        "u16" => "write a whole number from 0 to 65535".to_owned(),
        "u32" => "write a whole number from 0 to 4294967295".to_owned(),
        "u64" => "write a whole number, 0 or more".to_owned(),
        "a sequence" => "write a list, with a dash before each entry".to_owned(),
        "a map" => "write its entries below it, indented".to_owned(),
        section if section.starts_with("struct ") => "write its options below it, indented".to_owned(),
        other => format!("write {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let known = ["address", "domain"];
        for (word, fix) in [
            ("domian", "did you mean domain?"),
            ("adress", "did you mean address?"),
            ("Domain", "did you mean domain?"),
            ("software", "delete it; here there are address, domain"),
        ] {
            assert_eq!(for_unknown(word, &known), fix, "{word}");
        }
    }

    #[test]
    fn keys_of_other_bridges_have_an_answer() {
        assert_eq!(for_elsewhere("bridge.username_template"), Some("move it to appservice.username_template"));
        assert_eq!(for_elsewhere("bridge.command_prefix"), None);
    }
}

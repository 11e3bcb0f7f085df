//! Reads a configuration: file, environment and secrets' files in, a [`Config`] and everything that is wrong with it out.
//!
//! Every option is tried on its own, so one mistake does not hide the next, and what is left is still checked for
//! sense. An option that is null or missing has its default.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

use serde::Deserialize as _;

use super::environment::Environment;
use super::fault::{Fault, Faults, Place};
use super::key::Key;
use super::locate::locate;
use super::tree::Tree;
use super::{Config, hint};

/// The options that may also be given as `…_file`, the name of a file that holds the value.
const SECRETS: [&str; 5] =
    ["appservice.as_token", "appservice.hs_token", "database.uri", "provisioning.shared_secret", "status_page.secret"];

const ROOT_FIX: &str = "write sections such as homeserver: at the beginning of a line and their options below";

/// A configuration as it was found, good or bad.
#[derive(Clone)]
pub struct Draft {
    text: String,
    variables: BTreeMap<Key, String>,
    config: Config,
    /// What could not be understood; `config` has the default there.
    faults: Vec<Fault>,
}

/// A configuration that may be used, and the text that it was read from.
#[derive(Clone)]
pub struct Loaded {
    /// The options.
    pub config: Config,
    /// The file as it was, secrets included.
    pub text: String,
}

// Both leave out the text: it holds tokens.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("config", &self.config).field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("cannot read {path}: {why}")]
    Unreadable {
        /// Its name as it was given.
        path: String,
        /// What the system says.
        why: io::Error,
    },
    /// It is not YAML, so nothing in it could be looked at.
    #[error("it is not YAML: {why}\n  (texts that begin with @, * or {{ need quotes; indent with spaces, not tabs)")]
    Yaml {
        /// The parser's words; they hold a place, never a value.
        why: String,
    },
    /// It holds mistakes.
    #[error("{0}")]
    Faults(Faults),
}

impl Draft {
    /// Reads the file `path` and the environment.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text =
            fs::read_to_string(path).map_err(|why| Error::Unreadable { path: path.display().to_string(), why })?;
        Self::read(text, &Environment::of_this_process())
    }

    /// Reads `text`, over which `environment` counts.
    pub fn read(text: String, environment: &Environment) -> Result<Self, Error> {
        let value = serde_yaml::from_str(&text).map_err(|error| Error::Yaml { why: error.to_string() })?;
        let mut faults = Vec::new();
        let mut tree = match Tree::of(value, &mut faults) {
            Tree::Value(serde_yaml::Value::Null) => Tree::Section(BTreeMap::new()),
            tree @ Tree::Section(_) => tree,
            _ => return Err(Error::Faults(Faults(vec![Fault::new(Key::default(), "no list of sections", ROOT_FIX)]))),
        };
        let variables = environment.lay_over(&mut tree, &SECRETS);
        for secret in SECRETS {
            read_secret(&mut tree, &Key::of(secret), &mut faults);
        }
        let config = fit(&tree, &mut faults);
        Ok(Self { text, variables, config, faults })
    }

    /// The configuration, when the bridge may run with it.
    pub fn for_running(self) -> Result<Loaded, Error> {
        let sense = self.config.validate();
        self.without(sense)
    }

    /// The configuration, when a registration may be made from it: tokens and permissions may still be missing.
    pub fn for_registration(self) -> Result<Loaded, Error> {
        let sense = self.config.settings_faults();
        self.without(sense)
    }

    /// The configuration, unless something in it was not understood or `sense` (what it says) is wrong.
    fn without(self, sense: Vec<Fault>) -> Result<Loaded, Error> {
        let mut faults = self.faults;
        for fault in sense {
            // What could not be understood has its default now; that the default will not do is no news.
            let file = format!("{}_file", fault.key);
            if !faults.iter().any(|known| known.key == fault.key || known.key.to_string() == file) {
                faults.push(fault);
            }
        }
        if faults.is_empty() {
            return Ok(Loaded { config: self.config, text: self.text });
        }
        for fault in &mut faults {
            fault.place = place(&self.text, &self.variables, &fault.key);
        }
        faults.sort_by_key(|fault| match fault.place {
            Place::Line(line) => (0, line),
            Place::Variable(_) => (1, 0),
            Place::Nowhere => (2, 0),
        });
        Err(Error::Faults(Faults(faults)))
    }
}

/// Where `key` was set. A variable counts over the file; for a section that exists in neither, one that was meant for it.
fn place(text: &str, variables: &BTreeMap<Key, String>, key: &Key) -> Place {
    let line = || locate(text, key.words()).map(|mark| Place::Line(mark.line));
    let within = || variables.iter().find(|(variable, _)| variable.is_within(key)).map(|(_, name)| name);
    match variables.get(key) {
        Some(name) => Place::Variable(name.clone()),
        None => line().or_else(|| within().cloned().map(Place::Variable)).unwrap_or_default(),
    }
}

/// Sets `key` to what is in the file that `key_file` names.
fn read_secret(tree: &mut Tree, key: &Key, faults: &mut Vec<Fault>) {
    let file_key = Key::of(&format!("{key}_file"));
    let Some(Tree::Text(path) | Tree::Value(serde_yaml::Value::String(path))) = tree.get(&file_key) else { return };
    if tree.get(key).is_some() {
        let fix = format!("keep only one of {key} and {file_key}");
        faults.push(Fault::new(file_key, "set twice", fix));
        return;
    }
    match fs::read_to_string(path) {
        Ok(secret) => tree.set(key, Tree::Text(secret.trim_end_matches(['\r', '\n']).to_owned())),
        Err(why) => {
            faults.push(Fault::new(file_key, format!("{path:?}"), format!("cannot read that file: {why}")));
        }
    }
}

/// Tries every option of `tree` alone and makes a configuration of those that fit.
fn fit(tree: &Tree, faults: &mut Vec<Fault>) -> Config {
    let mut good = Tree::Section(BTreeMap::new());
    for (key, leaf) in tree.leaves() {
        match Config::deserialize(Tree::single(&key, leaf.clone())) {
            Ok(_) if key.words().is_empty() => {}
            Ok(_) => good.set(&key, leaf.clone()),
            Err(mut fault) => {
                if let Some(fix) = hint::for_elsewhere(&fault.key.to_string()) {
                    fix.clone_into(&mut fault.fix);
                }
                if !faults.iter().any(|known| known.key == fault.key) {
                    faults.push(fault);
                }
            }
        }
    }
    Config::deserialize(good).unwrap_or_else(|fault| {
        faults.push(fault);
        Config::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{DatabaseKind, Permission};

    const GOOD: &str = "
homeserver: {address: 'http://127.0.0.1:8008', domain: hs.test}
appservice: {as_token: s3cret-a, hs_token: s3cret-h}
bridge: {permissions: {'hs.test': user}}
";

    fn draft(text: &str, variables: &[(&str, &str)]) -> Result<Draft, Error> {
        let own = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Draft::read(text.to_owned(), &Environment::new(own))
    }

    fn config(text: &str, variables: &[(&str, &str)]) -> Config {
        draft(text, variables).unwrap().for_running().unwrap_or_else(|error| panic!("{error}")).config
    }

    /// What is said about `text`, one line a fault.
    fn complaints(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
        match draft(text, variables).and_then(Draft::for_running) {
            Err(Error::Faults(Faults(faults))) => faults.iter().map(Fault::to_string).collect(),
            other => panic!("no faults: {other:?}"),
        }
    }

    #[test]
    fn what_is_not_written_has_its_default() {
        let config = config(GOOD, &[]);
        assert_eq!(config.appservice.port, 29355);
        assert_eq!(config.bridge.permission("@alice:hs.test"), Permission::User);
        assert_eq!(config.network.webqq.server, None);
    }

    #[test]
    fn a_list_has_dashes_in_the_file_and_commas_in_a_variable() {
        let good = |entries: &str| {
            GOOD.replace("bridge: {", &format!("bridge: {{portal_create_filter: {{list: {entries}}}, "))
        };
        let list = |text: &str, variables: &[(&str, &str)]| config(text, variables).bridge.portal_create_filter.list;
        assert_eq!(list(&good("[group, 'friend:10001.2']"), &[]), ["group", "friend:10001.2"]);
        let variable = ("MATRIX_WEBQQ_BRIDGE__PORTAL_CREATE_FILTER__LIST", "group, 10001/friend");
        assert_eq!(list(GOOD, &[variable]), ["group", "10001/friend"]);
        let key = "bridge.portal_create_filter.list (line 4) is";
        let fix = "write friend, group, discussion or temporary, or the id of a chat, such as group:3";
        for (entries, words) in [
            ("group", "a text: write a list, with a dash before each entry".to_owned()),
            ("[groups]", format!("\"groups\": {fix}")),
            ("[{id: x}]", "a section: write one text".to_owned()),
        ] {
            assert_eq!(complaints(&good(entries), &[]), [format!("{key} {words}")]);
        }
    }

    #[test]
    fn a_section_or_option_that_is_empty_has_its_default() {
        let config = config(&format!("{GOOD}\nlogging:\nmatrix: {{}}\ndatabase:\n  uri:\n  # type: postgres\n"), &[]);
        assert_eq!(config.logging.min_level, "info");
        assert_eq!(config.database.uri, "file:matrix-webqq.db");
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_its_line_and_what_to_write() {
        let text = "
network:
  webqq: {send_interval_ms: soon, max_qr_codes: 0, server: nowhere}
bridge:
  language: fr
  comand_prefix: '!q'
  username_template: qq_{{.}}
  permissions: {'@a:hs.test': usr, 'example.com': admin}
homeserver:
  address: example.org
  domian: hs.test
appservice:
  port: 70000
  as_token: 12345
  hs_token: [s3cret]
logging: loud
encryption:
  allow: true
  default: false
5: x
";
        assert_eq!(
            complaints(text, &[]),
            [
                "network.webqq.send_interval_ms (line 3) is a text: write a whole number, 0 or more",
                "network.webqq.server (line 3) is not understood: write a URL such as http://127.0.0.1:9700, \
                 or leave it out for the real QQ",
                "network.webqq.max_qr_codes (line 3) is \"0\": write 1 or more, or nobody can ever log in",
                "bridge.language (line 5) is \"fr\": write one of en, zh",
                "bridge.comand_prefix (line 6) is not an option: did you mean command_prefix?",
                "bridge.username_template (line 7) is not an option: move it to appservice.username_template",
                "bridge.permissions.\"@a:hs.test\" (line 8) is \"usr\": write one of block, relay, commands, user, \
                 admin; did you mean user?",
                "bridge.permissions.\"example.com\" (line 8) is the example: write your own server or user id instead",
                "homeserver.address (line 10) is \"example.org\": write a URL with http:// or https://, \
                 such as http://127.0.0.1:8008",
                "homeserver.domian (line 11) is not an option: did you mean domain?",
                "appservice.port (line 13) is out of range: write a whole number from 0 to 65535",
                "appservice.as_token (line 14) is a number: put it in quotes",
                "appservice.hs_token (line 15) is a list: write one text",
                "logging (line 16) is a text: write its options below it, indented",
                "encryption (line 17) is not an option: this bridge has no end-to-bridge encryption; delete it",
                "the file is unclear: it has an entry whose name is no text: quote it",
                "homeserver.domain is not set: write the server name alone, such as matrix.org, the part after the \
                 colon in user ids",
            ]
        );
    }

    #[test]
    fn the_environment_counts_over_the_file_whatever_kind_the_option_has() {
        let config = config(
            GOOD,
            &[
                ("MATRIX_WEBQQ_APPSERVICE__AS_TOKEN", "0123"),
                ("MATRIX_WEBQQ_APPSERVICE__PORT", "4000"),
                ("MATRIX_WEBQQ_APPSERVICE__BOT__USERNAME", "penguin"),
                ("MATRIX_WEBQQ_BRIDGE__RESEND_UNCERTAIN", "true"),
                ("MATRIX_WEBQQ_NETWORK__WEBQQ__SERVER", "http://127.0.0.1:9700"),
                ("MATRIX_WEBQQ_DATABASE__TYPE", "postgres"),
                ("MATRIX_WEBQQ_DATABASE__URI", "postgres://u@h/d"),
                ("MATRIX_WEBQQ_TEST_POSTGRES", "no option"),
                ("PATH", "/bin"),
            ],
        );
        assert!(config.appservice.as_token.matches("0123") && config.bridge.resend_uncertain);
        assert_eq!((config.appservice.port, config.appservice.bot.username.as_str()), (4000, "penguin"));
        assert_eq!(config.network.webqq.server.unwrap().port(), Some(9700));
        assert_eq!(config.database.kind, DatabaseKind::Postgres);
    }

    #[test]
    fn a_fault_of_the_environment_names_its_variable() {
        let variables = [("MATRIX_WEBQQ_APPSERVICE__PORT", "no"), ("MATRIX_WEBQQ_HOMESERVER__DOMIAN", "x")];
        assert_eq!(
            complaints(GOOD, &variables),
            [
                "appservice.port (from MATRIX_WEBQQ_APPSERVICE__PORT) is a text: write a whole number from 0 to 65535",
                "homeserver.domian (from MATRIX_WEBQQ_HOMESERVER__DOMIAN) is not an option: did you mean domain?",
            ]
        );
    }

    #[test]
    fn a_secret_may_be_kept_in_a_file_of_its_own() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "from-file\n").unwrap();
        let path = file.path().to_str().unwrap();
        let text = GOOD.replace("as_token: s3cret-a", &format!("as_token_file: '{path}'"));
        assert!(config(&text, &[]).appservice.as_token.matches("from-file"));
        let by_name = config(GOOD, &[("MATRIX_WEBQQ_APPSERVICE__AS_TOKEN_FILE", path)]);
        assert!(by_name.appservice.as_token.matches("from-file"));
        let by_value = config(&text, &[("MATRIX_WEBQQ_APPSERVICE__AS_TOKEN", "named")]);
        assert!(by_value.appservice.as_token.matches("named"));
    }

    #[test]
    fn a_secret_that_is_given_twice_or_cannot_be_read_is_one_fault() {
        let twice = GOOD.replace("as_token: s3cret-a", "as_token: s3cret-a, as_token_file: /nowhere");
        assert_eq!(
            complaints(&twice, &[]),
            ["appservice.as_token_file (line 3) is set twice: keep only one of appservice.as_token and \
              appservice.as_token_file"]
        );
        let absent = GOOD.replace("as_token: s3cret-a", "as_token_file: /nowhere");
        let said = complaints(&absent, &[]);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("appservice.as_token_file (line 3) is \"/nowhere\": cannot read"), "{said:?}");
    }

    #[test]
    fn a_registration_needs_neither_tokens_nor_permissions() {
        let text = "homeserver: {address: 'http://127.0.0.1:8008', domain: hs.test}";
        assert!(draft(text, &[]).unwrap().for_registration().is_ok());
        assert_eq!(complaints(text, &[]).len(), 3);
    }

    #[test]
    fn what_is_not_yaml_says_where_and_how_to_repair_it() {
        for text in ["a: [", "bridge:\n  permissions:\n    *: user\n", "bridge:\n\tx: 1\n", "a: 1\na: 2\n", "@x: 1"] {
            let said = draft(text, &[]).unwrap_err().to_string();
            assert!(said.starts_with("it is not YAML: ") && said.contains("quotes"), "{said}");
        }
        for text in ["- 1", "hello"] {
            let said = draft(text, &[]).unwrap_err().to_string();
            assert!(said.starts_with("  the file is no list of sections: "), "{said}");
        }
        assert!(draft("", &[]).unwrap().for_running().is_err());
    }

    #[test]
    fn no_complaint_and_no_debug_output_ever_shows_a_secret() {
        for text in [
            "appservice: {as_token: [hunter2], hs_token: {hunter2: 1}}",
            "appservice: {as_token: hunter2, hs_token: hunter2, port: hunter2}\ndatabase: hunter2",
            "appservice: {as_token: 'hunter2 ', hs_token: !hunter2 x}",
            "database: {type: sqlite, uri: 'postgres://u:hunter2@h/d'}",
        ] {
            let draft = draft(text, &[("MATRIX_WEBQQ_APPSERVICE__ID", "x y")]).unwrap();
            let said = format!("{:?} {}", draft, draft.clone().for_running().unwrap_err());
            let values = said.replace("appservice.hs_token.hunter2", "");
            assert!(!values.contains("hunter2"), "{said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_file_is_refused_or_read_and_never_worse(line in 0..120_usize, junk in "[ :{}'\"*&!|>a-z0-9-]{0,8}") {
            let mut lines: Vec<&str> = crate::config::EXAMPLE.lines().collect();
            let line = line % lines.len();
            lines[line] = &junk;
            if let Err(Error::Faults(Faults(faults))) = draft(&lines.join("\n"), &[]).and_then(Draft::for_running) {
                proptest::prop_assert!(!faults.is_empty() && faults.iter().all(|fault| !fault.fix.is_empty()));
            }
        }
    }
}

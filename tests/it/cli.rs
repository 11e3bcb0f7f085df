//! The program as people run it: what it prints, which files it writes and how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use matrix_webqq::config::EXAMPLE;
use tempfile::TempDir;

/// A folder of its own to run the program in.
struct Desk {
    folder: TempDir,
}

/// What the program did.
struct Outcome {
    code: Option<i32>,
    said: String,
    complained: String,
}

impl Desk {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// A desk with the example configuration, made one's own.
    fn with_config() -> Self {
        let desk = Self::new();
        desk.write("config.yaml", &EXAMPLE.replace("example.com", "hs.test"));
        desk
    }

    /// A desk on which everything is ready to run.
    fn registered() -> Self {
        let desk = Self::with_config();
        assert_eq!(desk.run(&["-g"]).code, Some(0));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    /// What stands after `key:` in the file `name`.
    fn value(&self, name: &str, key: &str) -> String {
        let text = self.read(name);
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {key} in {text}")).trim().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_matrix-webqq"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Outcome {
            code: output.status.code(),
            said: String::from_utf8(output.stdout).unwrap(),
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

#[test]
fn e_writes_the_example_for_its_owner_alone() {
    let desk = Desk::new();
    let outcome = desk.run(&["-e", "-c", "new.yaml"]);
    assert_eq!((outcome.code, outcome.complained.as_str()), (Some(0), ""));
    assert_eq!(desk.read("new.yaml"), EXAMPLE);
    assert_eq!(desk.mode("new.yaml"), 0o600);
    assert!(outcome.said.contains("-g -c new.yaml"), "{}", outcome.said);
}

#[test]
fn e_does_not_overwrite() {
    let desk = Desk::new();
    desk.write("config.yaml", "mine");
    let outcome = desk.run(&["--generate-example-config"]);
    assert_eq!(outcome.code, Some(22));
    assert!(outcome.complained.contains("config.yaml exists"), "{}", outcome.complained);
    assert_eq!(desk.read("config.yaml"), "mine");
}

#[test]
fn e_prints_the_example_when_the_path_is_a_dash() {
    let outcome = Desk::new().run(&["-e", "-c", "-"]);
    assert_eq!((outcome.code, outcome.said.as_str()), (Some(0), EXAMPLE));
}

#[test]
fn g_makes_a_registration_and_saves_the_tokens_and_nothing_else() {
    let desk = Desk::with_config();
    let before = desk.read("config.yaml");
    let outcome = desk.run(&["-g", "-c", "config.yaml", "-r", "registration.yaml"]);
    assert_eq!((outcome.code, outcome.complained.as_str()), (Some(0), ""));
    let (as_token, hs_token) = (desk.value("config.yaml", "as_token"), desk.value("config.yaml", "hs_token"));
    assert!(as_token.len() == 64 && hs_token.len() == 64 && as_token != hs_token);
    assert_eq!(desk.value("registration.yaml", "as_token"), as_token);
    assert_eq!(desk.value("registration.yaml", "hs_token"), hs_token);
    assert_eq!(desk.value("registration.yaml", "sender_localpart").len(), 32);
    assert_eq!(desk.mode("registration.yaml"), 0o600);
    let placeholder = "\"This value is generated when generating the registration\"";
    let secret = desk.value("config.yaml", "shared_secret");
    assert!(secret.len() == 64 && secret != as_token && secret != hs_token);
    let after = desk.read("config.yaml").replace(&as_token, placeholder).replace(&hs_token, placeholder);
    assert_eq!(after.replace(&secret, "generate"), before);
    assert!([as_token, hs_token, secret].iter().all(|secret| !outcome.said.contains(secret)));
}

#[test]
fn g_again_keeps_tokens_and_sender_and_brings_the_rest_up_to_date() {
    let desk = Desk::registered();
    let (config, sender) = (desk.read("config.yaml"), desk.value("registration.yaml", "sender_localpart"));
    desk.write("config.yaml", &config.replace("http://127.0.0.1:29355", "http://bridge:29355"));
    assert_eq!(desk.run(&["check", "-r", "registration.yaml"]).code, Some(24));
    assert_eq!(desk.run(&["-g"]).code, Some(0));
    assert_eq!(desk.run(&["check", "-r", "registration.yaml"]).code, Some(0));
    assert_eq!(desk.value("registration.yaml", "sender_localpart"), sender);
    assert_eq!(desk.value("registration.yaml", "url"), "http://bridge:29355");
    assert_eq!(desk.value("registration.yaml", "as_token"), desk.value("config.yaml", "as_token"));
}

#[test]
fn g_makes_the_registration_for_double_puppets_where_the_configuration_has_its_token_and_keeps_what_is_there() {
    let desk = Desk::registered();
    assert!(!desk.path("doublepuppet.yaml").exists());
    let config = desk.read("config.yaml");
    assert!(config.contains("    secrets: {}"));
    let with =
        |token: &str| config.replace("    secrets: {}", &format!("    secrets: {{\"hs.test\": \"as_token:{token}\"}}"));
    desk.write("config.yaml", &with("hunter2"));
    let outcome = desk.run(&["-g"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.complained);
    assert!(
        outcome.said.contains("doublepuppet.yaml is written") && !outcome.said.contains("hunter2"),
        "{}",
        outcome.said
    );
    assert_eq!(desk.mode("doublepuppet.yaml"), 0o600);
    let value = |key: &str| desk.value("doublepuppet.yaml", key);
    assert_eq!(
        (value("as_token"), value("url"), value("rate_limited")),
        ("hunter2".into(), "null".into(), "false".into())
    );
    let made = desk.read("doublepuppet.yaml");
    assert!(made.contains("- exclusive: false\n    regex: ^@.*:hs\\.test$\n"), "{made}");
    let outcome = desk.run(&["-g"]);
    assert_eq!((outcome.code, outcome.said.contains("doublepuppet.yaml is")), (Some(0), false));
    assert_eq!(desk.read("doublepuppet.yaml"), made, "what fits is left alone");
    desk.write("config.yaml", &with("another"));
    let outcome = desk.run(&["-g"]);
    assert_eq!(outcome.code, Some(24), "{}", outcome.complained);
    assert!(outcome.complained.contains("its as_token is another; delete it"), "{}", outcome.complained);
    assert_eq!(desk.read("doublepuppet.yaml"), made);
}

#[test]
fn g_does_not_overwrite_a_file_that_is_not_its_own_registration() {
    let desk = Desk::registered();
    let other = desk.read("registration.yaml").replace("id: qq", "id: irc");
    for (name, text) in [("homeserver.yaml", "server_name: hs.test\n"), ("other.yaml", other.as_str())] {
        desk.write(name, text);
        let outcome = desk.run(&["-g", "-r", name]);
        assert_eq!(outcome.code, Some(21), "{name}");
        assert!(outcome.complained.contains(name), "{}", outcome.complained);
        assert_eq!(desk.read(name), text);
    }
}

#[test]
fn g_refuses_the_example_domain_before_it_writes_anything() {
    let desk = Desk::new();
    desk.write("config.yaml", EXAMPLE);
    let outcome = desk.run(&["-g"]);
    assert_eq!(outcome.code, Some(20));
    assert!(outcome.complained.contains("homeserver.domain (line "), "{}", outcome.complained);
    assert_eq!(desk.read("config.yaml"), EXAMPLE);
    assert!(!desk.path("registration.yaml").exists());
}

#[test]
fn g_uses_tokens_that_are_kept_elsewhere() {
    let desk = Desk::new();
    desk.write("token", "from-a-file\n");
    let text = "homeserver: {address: 'http://127.0.0.1:8008', domain: hs.test}\nappservice: {as_token_file: token}\n";
    desk.write("config.yaml", text);
    let variables = [("MATRIX_WEBQQ_APPSERVICE__HS_TOKEN", "from-the-environment")];
    assert_eq!(desk.run_with(&["-g"], &variables).code, Some(0));
    assert_eq!(desk.value("registration.yaml", "as_token"), "from-a-file");
    assert_eq!(desk.value("registration.yaml", "hs_token"), "from-the-environment");
    assert_eq!(desk.read("config.yaml"), text);
}

#[test]
fn g_leaves_a_configuration_alone_that_it_cannot_change_safely() {
    let desk = Desk::new();
    let text = "homeserver: {address: 'http://127.0.0.1:8008', domain: hs.test}\nappservice: {id: qq}\n";
    desk.write("config.yaml", text);
    let outcome = desk.run(&["-g"]);
    assert_eq!(outcome.code, Some(22));
    assert_eq!(desk.read("config.yaml"), text);
    assert!(!desk.path("registration.yaml").exists());
}

#[test]
fn g_with_n_is_refused_because_it_must_write() {
    let desk = Desk::with_config();
    let before = desk.read("config.yaml");
    assert_eq!(desk.run(&["-g", "-n"]).code, Some(2));
    assert_eq!(desk.read("config.yaml"), before);
}

#[test]
fn check_is_content_with_what_g_made() {
    let desk = Desk::registered();
    let outcome = desk.run(&["check", "-c", "config.yaml", "-r", "registration.yaml"]);
    assert_eq!((outcome.code, outcome.complained.as_str()), (Some(0), ""));
    assert!(outcome.said.contains("agrees"), "{}", outcome.said);
}

#[test]
fn check_reports_every_mistake_with_its_line() {
    let desk = Desk::registered();
    let broken = desk
        .read("config.yaml")
        .replace("domain: hs.test", "domian: hs.test")
        .replace("port: 29355", "port: many")
        .replace("language: en", "language: fr");
    desk.write("config.yaml", &broken);
    let outcome = desk.run(&["check"]);
    assert_eq!(outcome.code, Some(20), "the domain is not set");
    for part in ["did you mean domain?", "appservice.port (line ", "bridge.language (line ", "docs/configuration.md"] {
        assert!(outcome.complained.contains(part), "{part}: {}", outcome.complained);
    }
    assert_eq!(outcome.said, "");
}

#[test]
fn check_names_each_field_in_which_the_registration_differs() {
    let desk = Desk::registered();
    let token = desk.value("registration.yaml", "hs_token");
    let drifted = desk.read("registration.yaml").replace(&token, "hunter2").replace("qq_", "_qq_");
    desk.write("registration.yaml", &drifted);
    let outcome = desk.run(&["check", "-r", "registration.yaml"]);
    assert_eq!(outcome.code, Some(24));
    for part in ["hs_token", "namespaces.users", "-g"] {
        assert!(outcome.complained.contains(part), "{part}: {}", outcome.complained);
    }
    assert!(!outcome.complained.contains("hunter2") && !outcome.complained.contains(&token));
}

#[test]
fn each_way_to_fail_has_its_number() {
    let desk = Desk::registered();
    desk.write("broken.yaml", "a: [");
    desk.write("list.yaml", "- a");
    desk.write("typo.yaml", &desk.read("config.yaml").replace("language", "langauge"));
    desk.write("example.yaml", EXAMPLE);
    for (arguments, code) in [
        (&["-c", "absent.yaml"][..], 10),
        (&["-c", "broken.yaml"], 11),
        (&["-c", "list.yaml"], 11),
        (&["-c", "typo.yaml"], 11),
        (&["-c", "example.yaml"], 20),
        (&["doctor", "-c", "typo.yaml"], 11),
        (&["check", "-c", "absent.yaml"], 10),
        (&["check", "-r", "absent.yaml"], 24),
        (&["--no-such-option"], 2),
        (&["no-such-command"], 2),
        (&["-e", "-g"], 2),
        (&["-g", "check"], 2),
        (&["-e", "-c", "no/such/folder.yaml"], 22),
        (&["-g", "-r", "no/such/folder.yaml"], 21),
    ] {
        let outcome = desk.run(arguments);
        assert_eq!(outcome.code, Some(code), "{arguments:?}: {}", outcome.complained);
        assert!(outcome.complained.starts_with("error: "), "{arguments:?}: {}", outcome.complained);
        assert!(!outcome.complained.starts_with("error: error"), "{arguments:?}: {}", outcome.complained);
    }
}

#[test]
fn the_version_is_told_to_people_and_to_machines() {
    let desk = Desk::new();
    let version = env!("CARGO_PKG_VERSION");
    for flag in ["-v", "--version"] {
        let outcome = desk.run(&[flag]);
        assert_eq!((outcome.code, outcome.said), (Some(0), format!("matrix-webqq {version}\n")));
    }
    let json: serde_json::Value = serde_json::from_str(&desk.run(&["--version-json"]).said).unwrap();
    assert_eq!((json["name"].as_str(), json["version"].as_str()), (Some("matrix-webqq"), Some(version)));
}

#[test]
fn help_tells_the_way_from_nothing_to_a_running_bridge() {
    let outcome = Desk::new().run(&["-h"]);
    assert_eq!(outcome.code, Some(0));
    for part in ["-e", "-g", "-r", "-n", "check", "doctor", "First time"] {
        assert!(outcome.said.contains(part), "{part}: {}", outcome.said);
    }
}

#[test]
fn no_secret_is_ever_printed() {
    let desk = Desk::with_config();
    for appservice in [
        "{as_token: [hunter2], hs_token: hunter2}",
        "{as_token: hunter2, hs_token: hunter2}",
        "{as_token: 'hunter2 ', hs_token: !x hunter2}",
        "{as_token: hunter2, as_token_file: y}",
        "{as_token: hunter2, port: x, tokn: hunter2}",
        "{as_token: 'hunter2",
    ] {
        desk.write("config.yaml", &format!("appservice: {appservice}\ndatabase: {{uri: 'postgres://u:hunter2@h/d'}}"));
        for arguments in [&["check"][..], &["-g"], &["doctor"], &[]] {
            let outcome = desk.run_with(arguments, &[("MATRIX_WEBQQ_HOMESERVER__ADDRESS", "http://u:hunter2@h/")]);
            assert_ne!(outcome.code, Some(0), "{appservice}");
            let printed = format!("{}{}", outcome.said, outcome.complained);
            assert!(!printed.contains("hunter2"), "{appservice} {arguments:?}: {printed}");
        }
    }
}

//! docs/commands.md is made from the table of commands and the texts that `help` shows.

use std::fmt::Write as _;
use std::fs;

use matrix_webqq::bridge::Texts;
use matrix_webqq::config::{Language, Permission};
use matrix_webqq::control::{COMMANDS, Command, Section};

use super::root;

const INTRODUCTION: &str = "# Commands

<!-- Made from src/control/command.rs and src/bridge/texts.yaml by tests/it/docs/commands.rs; change those, then run the tests with UPDATE_DOCS=1. -->

You write them to the bot. In the control room, your direct chat with it, they need no prefix; in every other room they begin with `!qq` (`bridge.command_prefix`).
`[what stands so]` can be left out, `<what stands so>` cannot. `help` shows those that you may use, `help login` one of them, and a slip of the finger is
answered with what was probably meant. `language zh` has the bot speak Chinese to you.

Where nothing else is said, a command is for everybody whom `bridge.permissions` lets log in (`user`).
";

fn row(command: &Command, texts: Texts) -> String {
    let call = format!("{} {}", command.name, command.usage);
    let mut about = texts.say(command.about, &[]);
    match command.least {
        Permission::Admin => about.push_str(" (administrators)"),
        Permission::User => {}
        Permission::Commands | Permission::Relay | Permission::Block => {
            about.push_str(" (also those with `commands` alone)");
        }
    }
    if !command.aliases.is_empty() {
        write!(about, "; also called `{}`", command.aliases.join("`, `")).unwrap();
    }
    let cells = [format!("`{}`", call.trim_end()), about, format!("`{}`", command.example)];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|").replace('\n', " ")).join(" | "))
}

#[test]
fn docs_commands_is_made_from_the_table_of_commands() {
    let texts = Texts::new(Language::En);
    let mut wanted = INTRODUCTION.to_owned();
    for section in Section::ALL {
        let heading = texts.say(section.heading(), &[]);
        write!(wanted, "\n## {heading}\n\n| command | what it does | example |\n| --- | --- | --- |\n").unwrap();
        wanted.extend(COMMANDS.iter().filter(|command| command.section == section).map(|command| row(command, texts)));
    }
    let path = root().join("docs/commands.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/commands.md is out of date: run the tests once with UPDATE_DOCS=1");
}

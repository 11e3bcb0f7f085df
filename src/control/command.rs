//! The one table of commands: what `help` shows, what is allowed, and what runs.

use futures_util::future::BoxFuture;

use super::{
    Context, Error, audit, help, link, list, login, matching, presence, puppet, queue, raw, relay, request, status,
    whois,
};
use crate::config::Permission;

/// A command that people can write.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What may follow the name, `[optional]` and `<needed>`.
    pub usage: &'static str,
    /// Who may use it.
    pub least: Permission,
    /// The text in the table of texts that says what it does.
    pub about: &'static str,
    /// Runs it with what follows the name.
    pub run: for<'a> fn(&'a Context, &'a str) -> BoxFuture<'a, Result<(), Error>>,
}

macro_rules! command {
    ($name:literal, $aliases:expr, $usage:literal, $least:ident, $run:path) => {
        Command {
            name: $name,
            aliases: &$aliases,
            usage: $usage,
            least: Permission::$least,
            about: concat!("help.", $name),
            run: |context, arguments| Box::pin($run(context, arguments)),
        }
    };
}

/// Every command, in the order in which `help` shows them.
pub static COMMANDS: &[Command] = &[
    command!("help", ["?"], "[command]", Commands, help::help),
    command!("version", [], "", Commands, help::version),
    command!("ping", ["status"], "", Commands, status::ping),
    command!("login", [], "[qr | password <QQ number>]", User, login::login),
    command!("cancel", [], "", User, login::cancel),
    command!("logout", [], "[QQ number]", User, link::logout),
    command!("list-logins", ["logins"], "", User, link::list_logins),
    command!("set-status", [], "<status> [QQ number]", User, presence::set_status),
    command!("friends", ["contacts"], "[filter]", User, list::friends),
    command!("groups", [], "[filter]", User, list::groups),
    command!("discussions", [], "[filter]", User, list::discussions),
    command!("whois", [], "<friend|group|number>", User, whois::whois),
    command!("open", ["pm", "start-chat"], "<friend|group>", User, list::open),
    command!("matches", [], "", User, matching::matches),
    command!("match", [], "<number> <letter> | new <number> | undo <number>", User, matching::settle),
    command!("id", [], "", User, list::id),
    command!("queue", [], "[list | retry <number> | drop <number>]", User, queue::queue),
    command!("retry", [], "<number>", User, queue::retry),
    command!("drop", [], "<number>", User, queue::drop),
    command!("audit", [], "[since]", User, audit::audit),
    command!("accept", [], "[number]", User, request::accept),
    command!("deny", [], "<number> [reason]", User, request::deny),
    command!("set-relay", [], "[QQ number] [--one-way]", User, relay::set_relay),
    command!("unset-relay", [], "", User, relay::unset_relay),
    command!("login-matrix", [], "<access token>", User, puppet::login_matrix),
    command!("ping-matrix", [], "", User, puppet::ping_matrix),
    command!("logout-matrix", [], "", User, puppet::logout_matrix),
    command!("raw", [], "<number>", Admin, raw::raw),
];

/// The command called `name`.
#[must_use]
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name || command.aliases.contains(&name))
}

/// The command that somebody who wrote `name` probably meant: at most two letters away, and closer than half its length.
#[must_use]
pub(super) fn nearest(name: &str) -> Option<&'static Command> {
    COMMANDS
        .iter()
        .map(|command| (strsim::levenshtein(name, command.name), command))
        .filter(|(distance, command)| *distance <= 2 && distance * 2 < command.name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, command)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_unique() {
        let mut names: Vec<&str> = COMMANDS.iter().flat_map(|c| c.aliases.iter().copied().chain([c.name])).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_command_that_was_meant() {
        assert_eq!(nearest("logn").map(|c| c.name), Some("login"));
        assert_eq!(nearest("frends").map(|c| c.name), Some("friends"));
        assert!(nearest("xyzzy").is_none());
        assert!(nearest("a").is_none());
    }
}

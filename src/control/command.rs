//! The one table of commands: what `help` shows, what is allowed, and what runs.

use futures_util::future::BoxFuture;

use super::{
    Context, Error, admin, audit, elsewhere, existing, help, link, list, login, matching, person, portal, presence,
    puppet, queue, raw, relay, request, status, sync, whois,
};
use crate::config::Permission;

/// What a command is about; `help` shows them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// The bridge itself.
    General,
    /// QQ accounts.
    Auth,
    /// Friends, groups and their rooms.
    Chats,
    /// What QQ asks and shows.
    Qq,
    /// What became of messages.
    Delivery,
    /// People without a login.
    Relay,
    /// People's own Matrix users.
    Puppet,
    /// Those who run the bridge.
    Admin,
}

impl Section {
    /// Every section, in order.
    pub const ALL: [Self; 8] =
        [Self::General, Self::Auth, Self::Chats, Self::Qq, Self::Delivery, Self::Relay, Self::Puppet, Self::Admin];

    /// The text in the table of texts that is its heading.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::General => "section.general",
            Self::Auth => "section.auth",
            Self::Chats => "section.chats",
            Self::Qq => "section.qq",
            Self::Delivery => "section.delivery",
            Self::Relay => "section.relay",
            Self::Puppet => "section.puppet",
            Self::Admin => "section.admin",
        }
    }
}

/// A command that people can write.
pub struct Command {
    /// What it is about.
    pub section: Section,
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
    /// How somebody would write it.
    pub example: &'static str,
    /// Runs it with what follows the name.
    pub run: for<'a> fn(&'a Context, &'a str) -> BoxFuture<'a, Result<(), Error>>,
}

macro_rules! command {
    ($section:ident, $name:literal, $aliases:expr, $usage:literal, $least:ident, $example:literal, $run:path) => {
        Command {
            section: Section::$section,
            name: $name,
            aliases: &$aliases,
            usage: $usage,
            least: Permission::$least,
            about: concat!("help.", $name),
            example: $example,
            run: |context, arguments| Box::pin($run(context, arguments)),
        }
    };
}

const RUN_IN: [&str; 3] = ["do-in", "runin", "run-in"];
const RUN_AS: [&str; 4] = ["doas", "do-as", "runas", "run-as"];

/// Every command; `help` shows those of a section in this order.
pub static COMMANDS: &[Command] = &[
    command!(General, "help", ["?"], "[command]", Commands, "help open", help::help),
    command!(General, "version", [], "", Commands, "version", help::version),
    command!(General, "ping", ["status"], "", Commands, "ping", status::ping),
    command!(Auth, "login", [], "[qr | password <QQ number>]", User, "login qr", login::login),
    command!(General, "language", [], "[en | zh]", Commands, "language zh", help::language),
    command!(General, "set-management-room", [], "", Commands, "set-management-room", person::set_management_room),
    command!(General, "cancel", [], "", User, "cancel", login::cancel),
    command!(Auth, "relogin", [], "[QQ number]", User, "relogin", login::relogin),
    command!(Auth, "logout", [], "[QQ number]", User, "logout 10001", link::logout),
    command!(Auth, "list-logins", ["logins"], "", User, "list-logins", link::list_logins),
    command!(
        Auth,
        "set-preferred-login",
        ["prefer"],
        "<QQ number>",
        User,
        "set-preferred-login 10001",
        person::set_preferred_login
    ),
    command!(Qq, "set-status", [], "<status> [QQ number]", User, "set-status away", presence::set_status),
    command!(Chats, "friends", ["contacts"], "[QQ number] [filter]", User, "friends 李", list::friends),
    command!(Chats, "groups", [], "[QQ number] [filter]", User, "groups 同学", list::groups),
    command!(Chats, "discussions", [], "[QQ number] [filter]", User, "discussions", list::discussions),
    command!(Chats, "search", [], "[QQ number] <words>", User, "search 李", list::search),
    command!(Chats, "whois", [], "[QQ number] <friend|group|number>", User, "whois 李明", whois::whois),
    command!(Chats, "open", ["pm", "start-chat"], "[QQ number] <friend|group>", User, "open 李明 2", list::open),
    command!(Qq, "matches", [], "", User, "matches", matching::matches),
    command!(Qq, "match", [], "<number> <letter> | new <number> | undo <number>", User, "match 1 A", matching::settle),
    command!(Chats, "sync", ["sync-portal", "sync-chats"], "[QQ number]", User, "sync", sync::sync),
    command!(Chats, "id", [], "", User, "id", list::id),
    command!(Chats, "bridge", [], "[--overwrite] <friend|group|id>", User, "bridge 同学群", existing::bridge),
    command!(Chats, "unbridge", [], "", User, "unbridge", portal::unbridge),
    command!(Chats, "delete-portal", [], "", User, "delete-portal", portal::delete_portal),
    command!(
        Chats,
        "delete-all-portals",
        [],
        "[QQ number | code]",
        User,
        "delete-all-portals",
        portal::delete_all_portals
    ),
    command!(Delivery, "queue", [], "[list | retry <number> | drop <number>]", User, "queue list", queue::queue),
    command!(Delivery, "retry", [], "<number>", User, "retry 12", queue::retry),
    command!(Delivery, "drop", [], "<number>", User, "drop 12", queue::drop),
    command!(Delivery, "audit", [], "[since]", User, "audit 2h", audit::audit),
    command!(Qq, "accept", [], "[number]", User, "accept 1", request::accept),
    command!(Qq, "deny", [], "<number> [reason]", User, "deny 1 我们认识吗？", request::deny),
    command!(Relay, "set-relay", [], "[QQ number] [--one-way]", User, "set-relay 10001", relay::set_relay),
    command!(Relay, "unset-relay", [], "", User, "unset-relay", relay::unset_relay),
    command!(Puppet, "login-matrix", [], "<access token>", User, "login-matrix syt_YWxpY2U_…", puppet::login_matrix),
    command!(Puppet, "ping-matrix", [], "", User, "ping-matrix", puppet::ping_matrix),
    command!(Puppet, "logout-matrix", [], "", User, "logout-matrix", puppet::logout_matrix),
    command!(Puppet, "mute", [], "", User, "mute", puppet::mute),
    command!(Puppet, "unmute", [], "", User, "unmute", puppet::unmute),
    command!(General, "doin", RUN_IN, "<room id> <command>", User, "doin !room:example.org id", elsewhere::doin),
    command!(Admin, "users", [], "", Admin, "users", admin::users),
    command!(Admin, "stats", [], "", Admin, "stats", admin::stats),
    command!(Admin, "pause", [], "<QQ number | all>", Admin, "pause 10001", admin::pause),
    command!(Admin, "resume", [], "<QQ number | all>", Admin, "resume all", admin::resume),
    command!(Admin, "sudo", RUN_AS, "<user id> <command>", Admin, "sudo @you:example.org queue", elsewhere::sudo),
    command!(Admin, "set-pl", ["set-power-level"], "[user id] <level>", Admin, "set-pl 50", elsewhere::set_power_level),
    command!(Admin, "raw", [], "<number>", Admin, "raw 12", raw::raw),
];

/// The command called `name`.
#[must_use]
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name || command.aliases.contains(&name))
}

/// The command that somebody who wrote `name` and may do `permission` probably meant: at most two letters away, and closer
/// than half its length.
#[must_use]
pub(super) fn nearest(name: &str, permission: Permission) -> Option<&'static Command> {
    COMMANDS
        .iter()
        .filter(|command| command.least <= permission)
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
    fn the_bridge_knows_every_command_that_leads_on_to_one_with_a_secret() {
        let leading = COMMANDS.iter().filter(|command| command.usage.ends_with("<command>"));
        let mut names: Vec<&str> = leading.flat_map(|c| c.aliases.iter().copied().chain([c.name])).collect();
        let mut known = crate::bridge::LEADING_ON.to_vec();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known);
    }

    #[test]
    fn a_slip_of_the_finger_finds_the_command_that_was_meant() {
        let meant = |name| nearest(name, Permission::User).map(|c| c.name);
        assert_eq!(meant("logn"), Some("login"));
        assert_eq!(meant("frends"), Some("friends"));
        assert_eq!(meant("xyzzy"), None);
        assert_eq!(meant("a"), None);
    }

    #[test]
    fn nobody_is_sent_to_a_command_that_they_may_not_use() {
        assert!(nearest("frends", Permission::Commands).is_none());
    }

    #[test]
    fn every_example_calls_its_command_and_every_section_has_one() {
        for command in COMMANDS {
            assert_eq!(command.example.split(' ').next(), Some(command.name));
        }
        for section in Section::ALL {
            assert!(COMMANDS.iter().any(|command| command.section == section), "{section:?}");
        }
    }
}

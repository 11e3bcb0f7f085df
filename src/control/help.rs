//! `help`, `version` and `language`: what one can ask the bot about itself.

use super::command::{self, COMMANDS, Command, Section};
use super::{Context, Error};
use crate::config::{Language, Permission};

/// Shows every command that the person may use, or all about one of them.
pub(super) async fn help(context: &Context, name: &str) -> Result<(), Error> {
    let name = name.to_lowercase();
    match command::find(&name) {
        _ if name.is_empty() => context.reply(&overview(context)).await,
        Some(command) => context.reply(&detail(context, command)).await,
        None => unknown(context, &name).await,
    }
}

/// Says that there is no command `name`, and which one may have been meant.
pub(super) async fn unknown(context: &Context, name: &str) -> Result<(), Error> {
    match command::nearest(name, context.permission) {
        Some(near) => context.reply_key("command.near", &[("name", name), ("near", near.name)]).await,
        None => context.reply_key("command.unknown", &[("name", name)]).await,
    }
}

fn overview(context: &Context) -> String {
    let mut text = context.say("help.title", &[("prefix", &context.bridge().config.bridge.command_prefix)]);
    for section in Section::ALL {
        let mine = |command: &&Command| command.section == section && command.least <= context.permission;
        let lines: String = COMMANDS.iter().filter(mine).flat_map(|c| ["\n- ".to_owned(), line(context, c)]).collect();
        if !lines.is_empty() {
            text.extend(["\n\n**", &context.say(section.heading(), &[]), "**\n", &lines]);
        }
    }
    text
}

fn line(context: &Context, command: &Command) -> String {
    let call = format!("{} {}", command.name, command.usage);
    format!("`{}` – {}", call.trim_end(), context.say(command.about, &[]))
}

fn detail(context: &Context, command: &Command) -> String {
    let who = match command.least {
        Permission::Admin => "usage.admin",
        Permission::User => "usage.user",
        Permission::Commands | Permission::Relay | Permission::Block => "usage.commands",
    };
    let mut text = format!("{}\n", line(context, command));
    if !command.aliases.is_empty() {
        let aliases = command.aliases.join("`, `");
        text.extend(["\n- ", &context.say("usage.aliases", &[("aliases", &aliases)])]);
    }
    let example = context.say("usage.example", &[("example", command.example)]);
    text.extend(["\n- ", &example, "\n- ", &context.say(who, &[])]);
    text
}

/// Says which version of the bridge runs.
pub(super) async fn version(context: &Context, _: &str) -> Result<(), Error> {
    context.reply(&format!("matrix-webqq {}", env!("CARGO_PKG_VERSION"))).await
}

/// Says in which language the bot speaks to the person, or changes it.
pub(super) async fn language(context: &Context, code: &str) -> Result<(), Error> {
    if code.is_empty() {
        return context.reply_key("language.is", &[]).await;
    }
    let Some(language) = Language::from_code(&code.to_lowercase()) else {
        return context.reply_key("language.unknown", &[]).await;
    };
    context.bridge().set_language(&context.sender, language).await?;
    context.reply_key("language.is", &[]).await
}

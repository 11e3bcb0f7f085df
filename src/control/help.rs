//! `help` and `version`.

use super::command::{self, COMMANDS, Command};
use super::{Context, Error};

/// Shows every command that the person may use, or one of them.
pub(super) async fn help(context: &Context, name: &str) -> Result<(), Error> {
    if name.is_empty() {
        let mut text = context.say("help.title", &[("prefix", &context.bridge().config.bridge.command_prefix)]);
        for command in COMMANDS.iter().filter(|command| command.least <= context.permission) {
            text.push_str("\n- ");
            text.push_str(&line(context, command));
        }
        return context.reply(&text).await;
    }
    match command::find(name) {
        Some(command) => context.reply(&line(context, command)).await,
        None => context.reply_key("command.unknown", &[("name", name)]).await,
    }
}

fn line(context: &Context, command: &Command) -> String {
    let call = format!("{} {}", command.name, command.usage);
    format!("`{}` – {}", call.trim_end(), context.say(command.about, &[]))
}

/// Says which version of the bridge runs.
pub(super) async fn version(context: &Context, _: &str) -> Result<(), Error> {
    context.reply(&format!("matrix-webqq {}", env!("CARGO_PKG_VERSION"))).await
}

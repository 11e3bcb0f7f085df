//! `sudo`, `doin` and `set-pl`: on somebody's behalf, about another room, with the bot's powers.

use matrix_sdk::ruma::{RoomId, UserId};
use tracing::info;

use super::{Context, Error};
use crate::bridge::Error as BridgeError;
use crate::config::Permission;

/// Obeys a command as if somebody else had given it. The answers come here.
pub(super) async fn sudo(context: &Context, arguments: &str) -> Result<(), Error> {
    let Some((Ok(user), command)) = leading_on(context, arguments).map(|(user, rest)| (UserId::parse(user), rest))
    else {
        return context.reply_key("sudo.usage", &[]).await;
    };
    info!(sender = context.sender, user = user.as_str(), "a command on somebody's behalf");
    context.reply_key("sudo.as", &[("user", user.as_str())]).await?;
    super::run(&context.on_behalf_of(user.as_str()), command).await
}

/// Obeys a command as if it had been given in another room. The answers come here.
pub(super) async fn doin(context: &Context, arguments: &str) -> Result<(), Error> {
    let Some((Ok(room), command)) = leading_on(context, arguments).map(|(room, rest)| (RoomId::parse(room), rest))
    else {
        return context.reply_key("doin.usage", &[]).await;
    };
    let members = match context.bridge().homeserver.bot().joined_members(&room).await {
        Err(error) if error.is_forbidden() => return context.reply_key("doin.outside", &[]).await,
        members => members?,
    };
    if context.permission < Permission::Admin && !members.keys().any(|user| *user == context.sender) {
        // Whether there is such a room is nobody else's business.
        return context.reply_key("doin.outside", &[]).await;
    }
    super::run(&context.in_room(room.as_str()), command).await
}

/// The first word of `arguments` and the command behind it; `None` when there is none, or when it may not be run from here.
fn leading_on<'a>(context: &Context, arguments: &'a str) -> Option<(&'a str, &'a str)> {
    let (first, command) = arguments.split_once(char::is_whitespace)?;
    (context.may_lead_on() && !command.trim().is_empty()).then(|| (first, command.trim()))
}

/// Gives somebody a power level in a room of the bridge.
pub(super) async fn set_power_level(context: &Context, arguments: &str) -> Result<(), Error> {
    let bridge = context.bridge();
    let Some(room) = bridge.portals.by_room(&context.about).and_then(|portal| portal.room.clone()) else {
        return context.reply_key("setpl.elsewhere", &[("prefix", &bridge.config.bridge.command_prefix)]).await;
    };
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let (user, level) = match words.as_slice() {
        [level] => (context.sender.as_str(), *level),
        [user, level] => (*user, *level),
        _ => return context.reply_key("setpl.usage", &[]).await,
    };
    let (Ok(user), Ok(level)) = (UserId::parse(user), level.parse::<i64>()) else {
        return context.reply_key("setpl.usage", &[]).await;
    };
    match bridge.set_level(&room, &user, level).await {
        Err(BridgeError::Matrix(error)) if error.is_forbidden() => context.reply_key("setpl.refused", &[]).await,
        Err(error) => Err(error.into()),
        Ok(()) => context.reply_key("setpl.done", &[("user", user.as_str()), ("level", &level.to_string())]).await,
    }
}

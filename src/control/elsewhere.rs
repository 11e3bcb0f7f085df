//! `sudo`, `doin` and `set-pl`: on somebody's behalf, about another room, with the bot's powers.

use matrix_sdk::ruma::{OwnedRoomId, UserId};
use tracing::info;

use super::{Context, Error};
use crate::bridge::Error as BridgeError;
use crate::config::Permission;

/// Obeys a command as if somebody else had given it. The answers come here.
pub(super) async fn sudo(context: &Context, arguments: &str) -> Result<(), Error> {
    let (user, command) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let Ok(user) = UserId::parse(user) else {
        return context.reply_key("sudo.usage", &[]).await;
    };
    if command.trim().is_empty() {
        return context.reply_key("sudo.usage", &[]).await;
    }
    info!(sender = context.sender, user = user.as_str(), "a command on somebody's behalf");
    context.reply_key("sudo.as", &[("user", user.as_str())]).await?;
    super::run(&context.on_behalf_of(user.as_str()), command.trim()).await
}

/// Obeys a command as if it had been given in another room. The answers come here.
pub(super) async fn doin(context: &Context, arguments: &str) -> Result<(), Error> {
    let (room, command) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let Ok(room) = OwnedRoomId::try_from(room) else {
        return context.reply_key("doin.usage", &[]).await;
    };
    if command.trim().is_empty() {
        return context.reply_key("doin.usage", &[]).await;
    }
    let members = match context.bridge().homeserver.bot().joined_members(&room).await {
        Err(error) if error.is_forbidden() => return context.reply_key("doin.outside", &[]).await,
        members => members?,
    };
    if context.permission < Permission::Admin && !members.keys().any(|user| *user == context.sender) {
        // Whether there is such a room is nobody else's business.
        return context.reply_key("doin.outside", &[]).await;
    }
    super::run(&context.in_room(room.as_str()), command.trim()).await
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

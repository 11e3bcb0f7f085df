//! What the bot does when it is invited: it joins, and greets whoever may use it.

use super::{Context, Error};
use crate::bridge::route;
use crate::config::Permission;

/// Joins the room of the order. A room with nobody else but the inviter becomes their control room, unless they have one
/// and this has a name: then it is to be something else.
pub(super) async fn join(context: &Context) -> Result<(), Error> {
    let bridge = context.bridge();
    let bot = bridge.homeserver.bot();
    let room = context.room_id()?;
    bot.join(&room).await?;
    if context.permission < Permission::Commands {
        context.reply_key("command.blocked", &[("user", &context.sender)]).await?;
        return Ok(());
    }
    if bot.state(&room, "m.room.encryption", "").await?.is_some() {
        context.reply_key("encryption.room", &[]).await?;
        let key = route::key(&["encrypted", &context.event]);
        return Ok(bridge.tell_owner(&context.sender, &context.say("encryption.here", &[]), &key).await?);
    }
    if bridge.replaces_room_of_portal(&room).await? {
        // It waits for the portal, and is nobody's control room.
        return Ok(());
    }
    let has_name = bot.state(&room, "m.room.name", "").await?.is_some();
    let has_purpose = has_name && bridge.control_room(&context.sender).await?.is_some();
    if has_purpose || bot.joined_members(&room).await?.len() > 2 {
        return context.reply_key("greeting.room", &[("prefix", &bridge.config.bridge.command_prefix)]).await;
    }
    bridge.set_control_room(&context.sender, &context.room).await?;
    // Clients say the first words as soon as they have made the room. What is said after the greeting is pushed.
    let said = bridge.said_to_bot(&room).await?;
    context.reply_key("greeting.control", &[]).await?;
    Ok(bridge.take_up_before(said).await?)
}

//! `unbridge` and `delete-portal`: the end of a room that mirrors a chat.

use super::{Context, Error};
use crate::bridge::text::escape;
use crate::config::Permission;

/// Lets people keep this room, which mirrors its chat no more.
pub(super) async fn unbridge(context: &Context, _: &str) -> Result<(), Error> {
    end(context, false).await
}

/// Puts everybody out of this room, and leaves it.
pub(super) async fn delete_portal(context: &Context, _: &str) -> Result<(), Error> {
    end(context, true).await
}

async fn end(context: &Context, emptied: bool) -> Result<(), Error> {
    let bridge = context.bridge();
    // A room that was replaced mirrors nothing by itself: commands there are about the one that did it.
    let portal = bridge
        .portals
        .by_room(&context.about)
        .filter(|portal| portal.room.as_ref().is_some_and(|room| room.as_str() == context.about));
    let Some(portal) = portal else {
        return context.reply_key("portal.elsewhere", &[]).await;
    };
    if !context.owns(&portal.account).await? && context.permission < Permission::Admin {
        return context.reply_key("portal.not_owner", &[]).await;
    }
    // Said first: afterwards there is nobody to say it.
    let key = if emptied { "portal.emptied" } else { "portal.unbridged" };
    context.reply_key(key, &[("name", &escape(&portal.name))]).await?;
    bridge.have_room_left(&portal, emptied, &context.sender).await?;
    Ok(())
}

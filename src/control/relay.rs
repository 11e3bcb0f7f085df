//! `set-relay` and `unset-relay`: whether people without a login are carried in a room.

use std::sync::Arc;

use super::{Context, Error};
use crate::bridge::portal::Portal;
use crate::config::Permission;
use crate::store::RelayRow;

/// Lets people without a login speak in this room through the account that it belongs to, or only listen.
pub(super) async fn set_relay(context: &Context, arguments: &str) -> Result<(), Error> {
    let Some(portal) = allowed(context).await? else { return Ok(()) };
    let one_way = arguments.split_whitespace().any(|word| word == "--one-way");
    let number = arguments.split_whitespace().find(|word| *word != "--one-way");
    if number.is_some_and(|number| number != portal.account.as_str()) {
        return context.reply_key("relay.account", &[("account", portal.account.as_str())]).await;
    }
    let relay = RelayRow { portal: portal.id, one_way, set_by: context.sender.clone() };
    context.bridge().set_relay(portal.id, Some(relay)).await?;
    let key = if one_way { "relay.one_way" } else { "relay.set" };
    context.reply_key(key, &[("account", portal.account.as_str())]).await
}

/// Ends that.
pub(super) async fn unset_relay(context: &Context, _: &str) -> Result<(), Error> {
    let Some(portal) = allowed(context).await? else { return Ok(()) };
    let was_set = context.bridge().set_relay(portal.id, None).await?;
    context.reply_key(if was_set { "relay.unset" } else { "relay.none" }, &[]).await
}

/// The portal of this room, if the sender may decide about it; says why not otherwise.
async fn allowed(context: &Context) -> Result<Option<Arc<Portal>>, Error> {
    let bridge = context.bridge();
    let relay = &bridge.config.bridge.relay;
    if !relay.enabled {
        context.reply_key("relay.disabled", &[]).await?;
        return Ok(None);
    }
    let Some(portal) = bridge.portals.by_room(&context.about) else {
        context.reply_key("relay.elsewhere", &[("prefix", &bridge.config.bridge.command_prefix)]).await?;
        return Ok(None);
    };
    let is_owner = context.owns(&portal.account).await?;
    if context.permission < Permission::Admin && (relay.admin_only || !is_owner) {
        let key = if relay.admin_only { "relay.admin_only" } else { "relay.not_owner" };
        context.reply_key(key, &[]).await?;
        return Ok(None);
    }
    Ok(Some(portal))
}

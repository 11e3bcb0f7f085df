//! `unbridge`, `delete-portal` and `delete-all-portals`: the end of rooms that mirror chats.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{Context, Error};
use crate::bridge::portal::Portal;
use crate::bridge::text::escape;
use crate::config::Permission;
use crate::qq::AccountId;
use crate::store::LoginRow;

/// The rooms of one account.
struct Rooms {
    login: LoginRow,
    portals: Vec<Arc<Portal>>,
}

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
    if emptied && bridge.is_adopted(&portal) {
        return context.reply_key("portal.adopted", &[]).await;
    }
    // Said first: afterwards there is nobody to say it.
    let key = match (emptied, bridge.is_filtered(&portal.account, &portal.chat, portal.kind)) {
        (true, false) => "portal.emptied",
        (true, true) => "portal.emptied.filtered",
        (false, false) => "portal.unbridged",
        (false, true) => "portal.unbridged.filtered",
    };
    context.reply_key(key, &[("name", &escape(&bridge.public_name(&portal).await?))]).await?;
    bridge.have_room_left(&portal, emptied, &context.sender).await?;
    Ok(())
}

/// Puts everybody out of the rooms of all accounts that the sender decides about, or of one. Without the code that stands for
/// just these rooms, says which they are, and that.
pub(super) async fn delete_all_portals(context: &Context, arguments: &str) -> Result<(), Error> {
    let all = rooms(context).await?;
    for meant in all.chunks(1).chain([all.as_slice()]) {
        if !meant.is_empty() && code_for(&context.sender, meant) == arguments {
            return delete(context, meant).await;
        }
    }
    let one = all.iter().position(|rooms| rooms.login.account == arguments);
    let meant = one.and_then(|at| all.get(at..=at)).unwrap_or(&all);
    if meant.is_empty() {
        return context.reply_key("portal.all.none", &[]).await;
    }
    let mut text = String::new();
    if one.is_none() && !arguments.is_empty() {
        text = context.say("portal.all.changed", &[("word", &escape(arguments))]);
        text.push_str("\n\n");
    }
    text.push_str(&dry_run(context, meant));
    context.reply(&text).await
}

/// By account, where there is a room: of the sender, or of everybody where they run the bridge.
async fn rooms(context: &Context) -> Result<Vec<Rooms>, Error> {
    let bridge = context.bridge();
    let mut logins = bridge.store.read(|tx| Box::pin(async move { tx.logins().await })).await?;
    logins.retain(|login| context.permission == Permission::Admin || login.owner == context.sender);
    let with_rooms = logins.into_iter().map(|login| {
        let mut portals = bridge.portals.of(&AccountId::new(&login.account));
        portals.retain(|portal| portal.room.is_some());
        portals.sort_by_key(|portal| portal.id);
        Rooms { login, portals }
    });
    Ok(with_rooms.filter(|rooms| !rooms.portals.is_empty()).collect())
}

fn dry_run(context: &Context, meant: &[Rooms]) -> String {
    let mut text = context.say("portal.all.would", &[("count", &count(meant).to_string())]);
    for Rooms { login, portals } in meant {
        let values = [("owner", &*login.owner), ("account", &login.account), ("count", &portals.len().to_string())];
        text.push_str("\n- ");
        text.push_str(&context.say("portal.all.account", &values));
    }
    text.push_str("\n\n");
    text.push_str(&context.say("portal.all.confirm", &[("code", &code_for(&context.sender, meant))]));
    text
}

async fn delete(context: &Context, meant: &[Rooms]) -> Result<(), Error> {
    context.reply_key("portal.all.begun", &[("count", &count(meant).to_string())]).await?;
    let portals: Vec<Arc<Portal>> = meant.iter().flat_map(|rooms| rooms.portals.iter().cloned()).collect();
    Ok(context.bridge().have_rooms_emptied(&portals, &context.sender, &context.event).await?)
}

fn count(meant: &[Rooms]) -> usize {
    meant.iter().map(|rooms| rooms.portals.len()).sum()
}

/// What `sender` writes to confirm that just these rooms are to go: another room, another code. No digits: it is no account.
fn code_for(sender: &str, meant: &[Rooms]) -> String {
    let mut digest = Sha256::new_with_prefix(sender);
    for portal in meant.iter().flat_map(|rooms| &rooms.portals) {
        digest.update(format!("\n{} {:?}", portal.id, portal.room));
    }
    digest.finalize().iter().take(6).map(|byte| char::from(b'a' + byte % 26)).collect()
}

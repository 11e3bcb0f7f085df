//! `sync`: what QQ tells is looked at again, now.

use std::sync::Arc;

use tracing::warn;

use super::{Context, Error, link, person};
use crate::bridge::Found;
use crate::bridge::login::Live;
use crate::bridge::portal::Portal;
use crate::bridge::text::escape;
use crate::config::Permission;
use crate::qq::ChatKind;

/// Looks at the chat of this room again; elsewhere at all that the sender's accounts have, or one of them.
pub(super) async fn sync(context: &Context, number: &str) -> Result<(), Error> {
    if let Some(portal) = context.bridge().portals.by_room(&context.about) {
        return sync_portal(context, portal).await;
    }
    let (logins, unknown) = person::meant(context, number).await?;
    if logins.is_empty() {
        return link::say_none(context).await;
    }
    if !unknown.is_empty() {
        return context.reply_key("status.unknown", &[("account", unknown)]).await;
    }
    for live in logins {
        context.reply_key("sync.begun", &[("account", live.account.as_str())]).await?;
        begin(context, live, None);
    }
    Ok(())
}

async fn sync_portal(context: &Context, portal: Arc<Portal>) -> Result<(), Error> {
    if !context.owns(&portal.account).await? && context.permission < Permission::Admin {
        return context.reply_key("portal.not_owner", &[]).await;
    }
    let Some(live) = context.bridge().logins.live(&portal.account) else {
        return context.reply_key("status.unknown", &[("account", portal.account.as_str())]).await;
    };
    begin(context, live, Some(portal));
    Ok(())
}

/// Looks in a task of its own: QQ may take its time, and other commands need not wait for it.
fn begin(context: &Context, live: Arc<Live>, only: Option<Arc<Portal>>) {
    let asked = context.clone();
    context.bridge().shutdown.spawn(async move {
        let told = match asked.bridge().sync(&live, only.as_deref()).await {
            Ok(found) => report(&asked, &live, only.as_deref(), found).await,
            Err(error) => asked.reply_key("command.failed", &[("why", &error.to_string())]).await,
        };
        if let Err(error) = told {
            warn!(account = %live.account, %error, "what was found on QQ could not be told");
        }
    });
}

async fn report(context: &Context, live: &Live, only: Option<&Portal>, found: Found) -> Result<(), Error> {
    let (rooms, people, left) = (found.rooms.to_string(), found.people.to_string(), found.left.to_string());
    let changes = [("rooms", &*rooms), ("people", &people), ("left", &left)];
    let changes = context.say("sync.changes", &changes);
    let text = match only {
        Some(portal) => {
            // By now it may have another name.
            let name = match context.bridge().portals.by_id(portal.id) {
                Some(portal) => escape(&context.bridge().public_name(&portal).await?),
                None => String::new(),
            };
            context.say("sync.one", &[("name", &name), ("changes", &changes)])
        }
        None => all(context, live, found, &changes).await?,
    };
    context.reply(&text).await
}

async fn all(context: &Context, live: &Live, found: Found, changes: &str) -> Result<String, Error> {
    let chats = live.network.chats().await?;
    let count = |kind| chats.iter().filter(|chat| chat.kind == kind).count().to_string();
    let values = [
        ("account", live.account.as_str()),
        ("friends", &count(ChatKind::Friend)),
        ("groups", &count(ChatKind::Group)),
        ("discussions", &count(ChatKind::Discussion)),
        ("new", &found.new.to_string()),
        ("gone", &found.gone.to_string()),
        ("changes", changes),
    ];
    let mut text = context.say("sync.all", &values);
    if found.unasked > 0 {
        text.push_str("\n\n");
        text.push_str(&context.say("sync.unasked", &[("count", &found.unasked.to_string())]));
    }
    Ok(text)
}

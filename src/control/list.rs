//! `friends`, `groups`, `discussions`, `open` and `id`: who there is to talk to, and where.

use std::sync::Arc;

use super::{Context, Error};
use crate::bridge::login::Live;
use crate::bridge::text::escape;
use crate::qq::{Chat, ChatKind, Muting};

/// How many chats one answer lists.
const MOST: usize = 100;

/// Lists the friends whose name has the filter in it.
pub(super) async fn friends(context: &Context, filter: &str) -> Result<(), Error> {
    list(context, ChatKind::Friend, filter).await
}

/// Lists the groups whose name has the filter in it.
pub(super) async fn groups(context: &Context, filter: &str) -> Result<(), Error> {
    list(context, ChatKind::Group, filter).await
}

/// Lists the discussions whose name has the filter in it.
pub(super) async fn discussions(context: &Context, filter: &str) -> Result<(), Error> {
    list(context, ChatKind::Discussion, filter).await
}

/// Every chat of every account of the sender, with the account.
pub(super) async fn chats(context: &Context) -> Result<Vec<(Arc<Live>, Chat)>, Error> {
    let mut all = Vec::new();
    for live in context.bridge().logins.of_owner(&context.sender) {
        for chat in live.network.chats().await? {
            all.push((Arc::clone(&live), chat));
        }
    }
    Ok(all)
}

async fn list(context: &Context, kind: ChatKind, filter: &str) -> Result<(), Error> {
    // What the account calls people is for nobody else's eyes.
    if !context.is_control_room().await? {
        return context.reply_key("list.elsewhere", &[]).await;
    }
    if context.bridge().logins.of_owner(&context.sender).is_empty() {
        return context.reply_key("login.none", &[]).await;
    }
    let wanted = filter.to_lowercase();
    let mut found: Vec<(Arc<Live>, Chat)> = chats(context)
        .await?
        .into_iter()
        .filter(|(_, chat)| chat.kind == kind && chat.name.to_lowercase().contains(&wanted))
        .collect();
    if found.is_empty() {
        return context.reply_key("list.empty", &[]).await;
    }
    found.sort_by_cached_key(|(live, chat)| {
        let recent = live.network.standing(&chat.id).recent;
        // Those used last come first; the others by category and name.
        (recent.unwrap_or(usize::MAX), chat.category.clone(), chat.name.clone())
    });
    let count = found.len();
    let mut text = context.say("list.title", &[("count", &count.to_string())]);
    for (live, chat) in found.iter().take(MOST) {
        text.push_str("\n- ");
        text.push_str(&line(context, live, chat).await?);
    }
    if count > MOST {
        text.push('\n');
        text.push_str(&context.say("list.more", &[("count", &(count - MOST).to_string())]));
    }
    if found.iter().any(|(live, chat)| live.network.standing(&chat.id).muting != Muting::Loud) {
        text.push('\n');
        text.push_str(&context.say("list.muted", &[]));
    }
    context.reply(&text).await
}

async fn line(context: &Context, live: &Live, chat: &Chat) -> Result<String, Error> {
    let mut parts = vec![escape(&chat.name)];
    if let Some(peer) = &chat.peer {
        let nick = live.network.contact(peer).await?.nick;
        if nick != chat.name && !nick.is_empty() {
            parts.push(format!(" ({})", escape(&nick)));
        }
    }
    parts.extend(chat.category.iter().map(|category| format!(" [{}]", escape(category))));
    parts.extend(marks(context, live, chat).iter().map(|mark| format!(" · {mark}")));
    let portal = context.bridge().portals.by_chat(&live.account, &chat.id);
    let room = portal.and_then(|portal| portal.room.clone());
    parts.extend(room.map(|room| format!(" → [{room}]({})", room.matrix_to_uri())));
    Ok(parts.concat())
}

/// How a chat stands: what is usual goes without saying.
fn marks(context: &Context, live: &Live, chat: &Chat) -> Vec<String> {
    let standing = live.network.standing(&chat.id);
    let status = standing.status.map(|status| status.to_string());
    status.into_iter().chain(muted(context, standing.muting)).collect()
}

/// That a group is muted, in words; `None` when it is not.
pub(super) fn muted(context: &Context, muting: Muting) -> Option<String> {
    match muting {
        Muting::Loud => None,
        Muting::Silent => Some(context.say("list.silent", &[])),
        Muting::Blocked => Some(context.say("list.blocked", &[])),
    }
}

/// Makes the room of one friend, group or discussion, and asks the sender in.
pub(super) async fn open(context: &Context, name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return context.reply_key("open.usage", &[]).await;
    }
    if context.bridge().logins.of_owner(&context.sender).is_empty() {
        return context.reply_key("login.none", &[]).await;
    }
    let all = chats(context).await?;
    let found = choose(&all, name);
    match found.as_slice() {
        [] => context.reply_key("open.none", &[("name", name)]).await,
        [(live, chat)] => {
            let room = context.bridge().open_chat(&live.account, chat.clone()).await?;

            let link = room.matrix_to_uri().to_string();
            context.reply_key("open.done", &[("name", &escape(&chat.name)), ("link", &link)]).await
        }
        several => {
            let names: Vec<String> = several.iter().map(|(_, chat)| escape(&chat.name)).collect();
            context.reply_key("open.several", &[("name", name), ("names", &names.join(", "))]).await
        }
    }
}

/// The chats that `name` may mean: those called exactly so, else those that have it in their name.
pub(super) fn choose<'a, T>(all: &'a [(T, Chat)], name: &str) -> Vec<&'a (T, Chat)> {
    let wanted = name.to_lowercase();
    let exact: Vec<_> = all.iter().filter(|(_, chat)| chat.name.to_lowercase() == wanted).collect();
    if exact.is_empty() {
        all.iter().filter(|(_, chat)| chat.name.to_lowercase().contains(&wanted)).collect()
    } else {
        exact
    }
}

/// Says which QQ chat the room mirrors.
pub(super) async fn id(context: &Context, _: &str) -> Result<(), Error> {
    match context.bridge().portals.by_room(&context.room) {
        Some(portal) => {
            let values =
                [("account", portal.account.as_str()), ("chat", portal.chat.as_str()), ("name", &escape(&portal.name))];
            context.reply_key("id.portal", &values).await
        }
        None => context.reply_key("id.none", &[("room", &context.room)]).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::ChatId;

    fn chat(name: &str) -> ((), Chat) {
        let id = ChatId::new(name);
        ((), Chat { id, kind: ChatKind::Group, name: name.into(), peer: None, category: None })
    }

    #[test]
    fn an_exact_name_wins_over_names_that_have_it_in_them() {
        let all = [chat("Rust"), chat("Rust 中文"), chat("go")];
        let names = |name| choose(&all, name).iter().map(|((), chat)| chat.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names("rust"), ["Rust"]);
        assert_eq!(names("rus"), ["Rust", "Rust 中文"]);
        assert_eq!(names("x"), [""; 0]);
    }
}

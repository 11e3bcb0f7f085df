//! `friends`, `groups`, `discussions`, `open` and `id`: who there is to talk to, and where.

use std::sync::Arc;

use super::chats::{Entry, chats, find};
use super::{Context, Error, link, person};
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

/// Lists whatever has the words in its name.
pub(super) async fn search(context: &Context, words: &str) -> Result<(), Error> {
    if words.is_empty() {
        return context.reply_key("search.usage", &[]).await;
    }
    list(context, None, words).await
}

async fn list(context: &Context, kind: impl Into<Option<ChatKind>>, filter: &str) -> Result<(), Error> {
    let kind = kind.into();
    // What the account calls people is for nobody else's eyes.
    if !context.is_control_room().await? {
        return context.reply_key("list.elsewhere", &[]).await;
    }
    let (logins, filter) = person::meant(context, filter).await?;
    if logins.is_empty() {
        return link::say_none(context).await;
    }
    let wanted = filter.to_lowercase();
    let mut found = chats(&logins).await?;
    found.retain(|entry| {
        kind.is_none_or(|kind| entry.chat.kind == kind) && entry.names().any(|name| name.contains(&wanted))
    });
    found.sort_by_cached_key(|Entry { live, chat, .. }| {
        let recent = live.network.standing(&chat.id).recent;
        // Those used last come first; the others by category and name.
        (recent.unwrap_or(usize::MAX), chat.category.clone(), chat.name.clone())
    });
    let (count, mut text) = (found.len(), title(context, &logins, found.len()));
    let several = logins.len() > 1;
    for entry in found.iter().take(MOST) {
        text.push_str("\n- ");
        text.push_str(&line(context, entry, several));
    }
    // After an empty line: what follows is not of the last chat.
    if count > MOST {
        text.push_str("\n\n");
        text.push_str(&context.say("list.more", &[("count", &(count - MOST).to_string())]));
    }
    if found.iter().any(|entry| entry.live.network.standing(&entry.chat.id).muting != Muting::Loud) {
        text.push_str("\n\n");
        text.push_str(&context.say("list.muted", &[]));
    }
    if logins.len() == context.bridge().logins.of_owner(&context.sender).len() {
        text.push_str(&absent(context).await?);
    }
    context.reply(&text).await
}

/// Under a list: which accounts it has nothing of, as they are not connected.
async fn absent(context: &Context) -> Result<String, Error> {
    Ok(link::absent(context).await?.iter().flat_map(|line| ["\n\n", line]).collect())
}

/// How many chats there are, and where, if the sender has others elsewhere.
fn title(context: &Context, logins: &[Arc<Live>], count: usize) -> String {
    let count = count.to_string();
    match logins {
        [only] if context.bridge().logins.of_owner(&context.sender).len() > 1 => {
            context.say("list.title.of", &[("count", &count), ("account", only.account.as_str())])
        }
        _ if count == "0" => context.say("list.empty", &[]),
        _ => context.say("list.title", &[("count", &count)]),
    }
}

/// A chat in one line; whose it is is said when `several` accounts may be meant.
fn line(context: &Context, Entry { live, chat, nick }: &Entry, several: bool) -> String {
    let mut parts = vec![escape(&chat.name)];
    if *nick != chat.name && !nick.is_empty() {
        parts.push(format!(" ({})", escape(nick)));
    }
    parts.extend(chat.category.iter().map(|category| format!(" [{}]", escape(category))));
    parts.extend(marks(context, live, chat).iter().map(|mark| format!(" · {mark}")));
    if several {
        parts.push(format!(" · {}", live.account));
    }
    let portal = context.bridge().portals.by_chat(&live.account, &chat.id);
    let room = portal.and_then(|portal| portal.room.clone());
    parts.extend(room.map(|room| format!(" → [{room}]({})", room.matrix_to_uri())));
    parts.concat()
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
    if !context.is_control_room().await? {
        return context.reply_key("list.elsewhere", &[]).await;
    }
    if name.is_empty() {
        return context.reply_key("open.usage", &[]).await;
    }
    if context.bridge().logins.of_owner(&context.sender).is_empty() {
        return link::say_none(context).await;
    }
    let Some(Entry { live, chat, .. }) = the_one(context, "open", name).await? else { return Ok(()) };
    let room = context.bridge().open_chat(&live.account, chat.clone()).await?;
    let link = room.matrix_to_uri().to_string();
    context.reply_key("open.done", &[("name", &escape(&chat.name)), ("link", &link)]).await
}

/// The chat that `name` means, which may also be its id. When it means none or several, that is answered; `command` is
/// what was asked for. Whoever is not found in the account that is preferred is looked for in the others.
pub(super) async fn the_one(context: &Context, command: &str, name: &str) -> Result<Option<Entry>, Error> {
    let (logins, words) = person::meant(context, name).await?;
    let mut all = chats(&logins).await?;
    let mut found = find(&all, words);
    if found.is_empty() && words == name {
        all = chats(&context.bridge().logins.of_owner(&context.sender)).await?;
        found = find(&all, name);
    }
    if let [only] = found[..] {
        return Ok(Some(all.swap_remove(only)));
    }
    let absent = absent(context).await?;
    let called = escape(name);
    if found.is_empty() {
        let is_whole = absent.is_empty();
        let text = [context.say("open.none", &[("name", &called)]), absent].concat();
        // Which accounts somebody has is for nobody else's eyes.
        let told = if is_whole { context.reply(&text).await } else { context.whisper(&text).await };
        return told.map(|()| None);
    }
    let mut text = context.say("open.several", &[("name", &called)]);
    let several = all.iter().zip(all.iter().skip(1)).any(|(one, next)| one.live.account != next.live.account);
    for (n, entry) in (1..=MOST).zip(found.iter().filter_map(|at| all.get(*at))) {
        text.push_str("\n- ");
        text.push_str(&context.say("open.choice", &[("n", &n.to_string()), ("line", &line(context, entry, several))]));
    }
    let call = format!("{command} {name} 1");
    text.push_str("\n\n");
    text.push_str(&context.say("open.which", &[("call", &call)]));
    text.push_str(&absent);
    // What the account calls people is for nobody else's eyes.
    context.whisper(&text).await?;
    Ok(None)
}

/// Says which QQ chat the room mirrors.
pub(super) async fn id(context: &Context, _: &str) -> Result<(), Error> {
    match context.bridge().portals.by_room(&context.about) {
        Some(portal) => {
            let name = escape(&context.bridge().public_name(&portal).await?);
            let values = [("account", portal.account.as_str()), ("chat", portal.chat.as_str()), ("name", &name)];
            context.reply_key("id.portal", &values).await
        }
        None => context.reply_key("id.none", &[("room", &context.about)]).await,
    }
}

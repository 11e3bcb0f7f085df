//! `friends`, `groups`, `discussions`, `open` and `id`: who there is to talk to, and where.

use std::sync::Arc;

use super::{Context, Error, person};
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

/// A chat of one of the sender's accounts.
pub(super) struct Entry {
    /// The account.
    pub live: Arc<Live>,
    /// The chat.
    pub chat: Chat,
    /// What a friend calls themselves; empty for groups.
    nick: String,
}

/// Every chat of every one of `logins`, in an order that stays.
async fn chats(logins: &[Arc<Live>]) -> Result<Vec<Entry>, Error> {
    let mut all = Vec::new();
    for live in logins {
        for chat in live.network.chats().await? {
            let nick = match &chat.peer {
                Some(peer) => live.network.contact(peer).await?.nick,
                None => String::new(),
            };
            all.push(Entry { live: Arc::clone(live), chat, nick });
        }
    }
    Ok(all)
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
        return context.reply_key("login.none", &[]).await;
    }
    let wanted = filter.to_lowercase();
    let mut found = chats(&logins).await?;
    found.retain(|entry| {
        kind.is_none_or(|kind| entry.chat.kind == kind) && entry.names().any(|name| name.contains(&wanted))
    });
    let title = title(context, &logins, found.len());
    if found.is_empty() {
        return context.reply(&title).await;
    }
    found.sort_by_cached_key(|Entry { live, chat, .. }| {
        let recent = live.network.standing(&chat.id).recent;
        // Those used last come first; the others by category and name.
        (recent.unwrap_or(usize::MAX), chat.category.clone(), chat.name.clone())
    });
    let (count, mut text) = (found.len(), title);
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
    context.reply(&text).await
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
        return context.reply_key("login.none", &[]).await;
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
    match found.as_slice() {
        [] => return context.reply_key("open.none", &[("name", &escape(name))]).await.map(|()| None),
        [at] => return Ok(Some(all.swap_remove(*at))),
        _ => {}
    }
    let mut text = context.say("open.several", &[("name", &escape(name))]);
    let several = all.iter().zip(all.iter().skip(1)).any(|(one, next)| one.live.account != next.live.account);
    for (n, entry) in (1..=MOST).zip(found.iter().filter_map(|at| all.get(*at))) {
        text.push_str("\n- ");
        text.push_str(&context.say("open.choice", &[("n", &n.to_string()), ("line", &line(context, entry, several))]));
    }
    let call = format!("{command} {name} 1");
    text.push_str("\n\n");
    text.push_str(&context.say("open.which", &[("call", &call)]));
    // What the account calls people is for nobody else's eyes.
    context.whisper(&text).await?;
    Ok(None)
}

/// The places of the chats that `name` means, or that have it as their id.
fn find(all: &[Entry], name: &str) -> Vec<usize> {
    let by_id = (0..).zip(all).filter(|(_, entry)| entry.chat.id.as_str() == name);
    let found: Vec<usize> = by_id.map(|(at, _)| at).collect();
    if !found.is_empty() {
        return found;
    }
    let names: Vec<Vec<String>> = all.iter().map(|entry| entry.names().collect()).collect();
    choose(&names, name)
}

impl Entry {
    /// What others may read that it is called: a remark for a friend is the account's own.
    pub(super) fn public_name(&self) -> &str {
        if self.nick.is_empty() { &self.chat.name } else { &self.nick }
    }

    /// What it may be called, in small letters.
    fn names(&self) -> impl Iterator<Item = String> {
        [&self.chat.name, &self.nick].into_iter().filter(|name| !name.is_empty()).map(|name| name.to_lowercase())
    }
}

/// The places of those whom `name` may mean, where `all` says what each may be called: those called exactly so, else those
/// that have it in a name, else the one whose number it ends with among those that the words before may mean.
fn choose(all: &[Vec<String>], name: &str) -> Vec<usize> {
    let wanted = name.to_lowercase();
    let those = |fits: &dyn Fn(&String) -> bool| -> Vec<usize> {
        (0..).zip(all).filter(|(_, names)| names.iter().any(fits)).map(|(at, _)| at).collect()
    };
    let exact = those(&|name| *name == wanted);
    if !exact.is_empty() {
        return exact;
    }
    let within = those(&|name| name.contains(&wanted));
    if !within.is_empty() {
        return within;
    }
    let Some((before, number)) = wanted.rsplit_once(' ') else { return Vec::new() };
    let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    at.and_then(|at| choose(all, before.trim_end()).get(at).copied()).into_iter().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_name_wins_over_names_that_have_it_in_them_and_a_number_chooses_among_namesakes() {
        let all = [&["rust"][..], &["rust 中文"], &["芳芳", "王芳"], &["李明"], &["李明"], &["李明 2"]];
        let all: Vec<Vec<String>> =
            all.iter().map(|names| names.iter().map(|&name| name.to_owned()).collect()).collect();
        let cases: [(&str, &[usize]); 10] = [
            ("Rust", &[0]),
            ("rus", &[0, 1]),
            ("rus 2", &[1]),
            ("王芳", &[2]),
            ("李明", &[3, 4]),
            ("李明 1", &[3]),
            ("李明 2", &[5]),
            ("李明 3", &[]),
            ("李明 0", &[]),
            ("x", &[]),
        ];
        for (name, places) in cases {
            assert_eq!(choose(&all, name), places, "{name}");
        }
    }
}

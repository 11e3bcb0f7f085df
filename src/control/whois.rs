//! `whois`: what is known of one friend, group or discussion.

use std::sync::Arc;

use super::chats::Entry;
use super::{Context, Error, link, list, person};
use crate::bridge::login::Live;
use crate::bridge::text::escape;
use crate::qq::{Chat, ChatKind, Contact, ContactId, Officers};

/// Shows what is known of whoever or whatever `name` means.
pub(super) async fn whois(context: &Context, name: &str) -> Result<(), Error> {
    if !context.is_control_room().await? {
        return context.reply_key("list.elsewhere", &[]).await;
    }
    if name.is_empty() {
        return context.reply_key("whois.usage", &[]).await;
    }
    let logins = context.bridge().logins.of_owner(&context.sender);
    if logins.is_empty() {
        return link::say_none(context).await;
    }
    let (meant, words) = person::meant(context, name).await?;
    let (first, number) = if words.is_empty() { (logins.as_slice(), name) } else { (meant.as_slice(), words) };
    if let Some((live, contact)) = by_number(context, first.iter().chain(&logins), number).await {
        let text = person(context, &live, &contact, None).await?;
        return context.reply(&text).await;
    }
    let Some(Entry { live, chat, .. }) = list::the_one(context, "whois", name).await? else { return Ok(()) };
    let text = match &chat.peer {
        Some(peer) => {
            let contact = live.network.contact(peer).await?;
            person(context, &live, &contact, Some(&chat)).await?
        }
        None => place(context, &live, &chat).await?,
    };
    context.reply(&text).await
}

/// The person with the number `text` has after the `@qq_` of a ghost, or the ghost itself.
async fn by_number<'a>(
    context: &Context,
    logins: impl Iterator<Item = &'a Arc<Live>>,
    text: &str,
) -> Option<(Arc<Live>, Contact)> {
    let ghost = matrix_sdk::ruma::UserId::parse(text).ok();
    let id = ghost.and_then(|user| context.bridge().homeserver.contact_of(&user)).unwrap_or_else(|| text.to_owned());
    for live in logins {
        if let Ok(contact) = live.network.contact(&ContactId::new(id.clone())).await {
            return Some((Arc::clone(live), contact));
        }
    }
    None
}

async fn person(context: &Context, live: &Live, contact: &Contact, chat: Option<&Chat>) -> Result<String, Error> {
    let profile = live.network.profile(&contact.id).await?;
    let name = contact.markname.as_deref().unwrap_or(&contact.nick);
    let mut text = format!("**{}**", escape(name));
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str("\n- ");
            text.push_str(&context.say(key, &[("value", &escape(value))]));
        }
    };
    add("whois.nick", &contact.nick);
    add("whois.category", chat.and_then(|chat| chat.category.as_deref()).unwrap_or_default());
    if let Some(chat) = chat {
        let status = live.network.standing(&chat.id).status;
        add("whois.status", &status.map_or_else(|| context.say("list.offline", &[]), |status| status.to_string()));
    }
    add("whois.signature", &profile.signature);
    add("whois.level", &profile.level.map(|level| level.to_string()).unwrap_or_default());
    add("whois.place", &profile.place);
    add("whois.number", contact.id.as_str());
    Ok(text)
}

async fn place(context: &Context, live: &Live, chat: &Chat) -> Result<String, Error> {
    let Officers { owner, admins, members, .. } = live.network.officers(&chat.id).await?;
    let mut text = format!("**{}**", escape(&chat.name));
    let mut add = |key: &str, value: &str| {
        if !value.is_empty() {
            text.push_str("\n- ");
            text.push_str(&context.say(key, &[("value", value)]));
        }
    };
    let names = |people: &[Contact]| people.iter().map(called).collect::<Vec<_>>().join(", ");
    add("whois.members", &if members > 0 { members.to_string() } else { String::new() });
    add("whois.owner", &names(owner.as_slice()));
    add("whois.admins", &names(&admins));
    if chat.kind == ChatKind::Group {
        let muting = live.network.standing(&chat.id).muting;
        add("whois.muted", &list::muted(context, muting).unwrap_or_default());
    }
    Ok(text)
}

/// What a member is called in the group.
fn called(contact: &Contact) -> String {
    let name = contact.card.as_deref().unwrap_or(&contact.nick);
    escape(if name.is_empty() { contact.id.as_str() } else { name })
}

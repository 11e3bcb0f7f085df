//! The chats that accounts have, and which of them a name means.

use std::sync::Arc;

use crate::bridge::login::Live;
use crate::qq::{self, Chat, Contact, ContactId};

/// A chat of one of somebody's accounts.
pub(super) struct Entry {
    /// The account.
    pub live: Arc<Live>,
    /// The chat.
    pub chat: Chat,
    /// What a friend calls themselves; empty for groups, and for friends who were gone before they could be asked about.
    pub nick: String,
}

/// Every chat of every one of `logins`, in an order that stays.
pub(super) async fn chats(logins: &[Arc<Live>]) -> Result<Vec<Entry>, qq::Error> {
    let mut all = Vec::new();
    for live in logins {
        let chats = live.network.chats().await?;
        let chats = with_nicks(chats, |peer| async move { live.network.contact(&peer).await }).await;
        all.extend(chats.into_iter().map(|(chat, nick)| Entry { live: Arc::clone(live), chat, nick }));
    }
    Ok(all)
}

/// `chats`, each with what its friend calls themselves. One who has gone since they were listed keeps nobody else from being
/// shown.
async fn with_nicks<F>(chats: Vec<Chat>, contact: impl Fn(ContactId) -> F) -> Vec<(Chat, String)>
where
    F: Future<Output = Result<Contact, qq::Error>>,
{
    let mut named = Vec::with_capacity(chats.len());
    for chat in chats {
        let known = match chat.peer.clone() {
            Some(peer) => contact(peer).await.ok(),
            None => None,
        };
        named.push((chat, known.map(|known| known.nick).unwrap_or_default()));
    }
    named
}

/// The places of the chats that `name` means, or that have it as their id.
pub(super) fn find(all: &[Entry], name: &str) -> Vec<usize> {
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
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::{ChatId, ChatKind};

    #[tokio::test]
    async fn a_friend_who_is_gone_while_the_list_is_read_is_in_it_by_the_lists_name_and_the_others_are_whole() {
        let chats = ["芳芳", "李明", "group"].map(|name| Chat {
            id: ChatId::new(name),
            kind: if name == "group" { ChatKind::Group } else { ChatKind::Friend },
            name: name.to_owned(),
            peer: (name != "group").then(|| ContactId::new(name)),
            category: None,
        });
        let contact = |id: ContactId| async move {
            if id.as_str() == "芳芳" {
                return Err(qq::Error::Unmatched(id.to_string()));
            }
            Ok(Contact { id, nick: "Li Ming".to_owned(), markname: None, card: None })
        };
        let listed = with_nicks(chats.to_vec(), contact).await;
        let listed: Vec<_> = listed.iter().map(|(chat, nick)| (chat.name.as_str(), nick.as_str())).collect();
        assert_eq!(listed, [("芳芳", ""), ("李明", "Li Ming"), ("group", "")]);
    }

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

//! `matches` and `match`: who is who after a new login, when the bridge cannot tell for certain.

use std::sync::Arc;

use super::{Context, Error, link};
use crate::bridge::doubt::letter;
use crate::bridge::login::Live;
use crate::bridge::text::escape;
use crate::qq::{ChatId, Doubt};

/// How many doubts one answer lists.
const MOST: usize = 10;

/// Lists who is in doubt, whom they may be, and what to write.
pub(super) async fn matches(context: &Context, _: &str) -> Result<(), Error> {
    let bridge = context.bridge();
    if bridge.logins.of_owner(&context.sender).is_empty() {
        return link::say_none(context).await;
    }
    let (mut open, mut settled) = (Vec::new(), Vec::new());
    for (live, doubt) in doubts(context) {
        let waiting = bridge.waiting_for(&live.account, doubt.number).await?;
        if let Some(done) = &doubt.settled {
            settled.push(settled_line(context, &live, &doubt, &done.chat));
        } else if doubt.is_current || waiting > 0 {
            let waiting = context.say("match.waiting", &[("count", &waiting.to_string())]);
            open.push([bridge.question(&live, &doubt), waiting].join("\n\n"));
        }
    }
    if open.is_empty() && settled.is_empty() {
        return context.reply_key("match.none", &[]).await;
    }
    let more = open.len().saturating_sub(MOST);
    open.truncate(MOST);
    if more > 0 {
        open.push(context.say("list.more", &[("count", &more.to_string())]));
    }
    if !settled.is_empty() {
        open.push([context.say("match.settled", &[]), settled.join("\n")].join("\n"));
    }
    open.push(context.say("match.hint", &[]));
    context.reply(&open.join("\n\n")).await
}

fn settled_line(context: &Context, live: &Live, doubt: &Doubt, chat: &ChatId) -> String {
    let (number, name) = (doubt.number.to_string(), escape(&doubt.name));
    let values = [("number", &*number), ("name", &name), ("chat", &room_of(context, live, chat))];
    format!("- {}", context.say("match.settled.line", &values))
}

/// The room of `chat` as a link, else the chat's own name for itself.
fn room_of(context: &Context, live: &Live, chat: &ChatId) -> String {
    let room = context.bridge().portals.by_chat(&live.account, chat).and_then(|portal| portal.room.clone());
    room.map_or_else(|| format!("`{chat}`"), |room| format!("[{room}]({})", room.matrix_to_uri()))
}

/// Every doubt of every account of the sender, with the account.
fn doubts(context: &Context) -> Vec<(Arc<Live>, Doubt)> {
    let logins = context.bridge().logins.of_owner(&context.sender).into_iter();
    logins
        .flat_map(|live| live.network.matching().doubts.into_iter().map(move |doubt| (Arc::clone(&live), doubt)))
        .collect()
}

/// What the owner says.
#[derive(Clone, Copy)]
enum Choice<'a> {
    Known(&'a str),
    New,
    Undo,
}

/// Says who somebody in doubt is, or takes that back.
pub(super) async fn settle(context: &Context, arguments: &str) -> Result<(), Error> {
    let mut words: Vec<&str> = arguments.split_whitespace().collect();
    let logins = context.bridge().logins.of_owner(&context.sender);
    let is_account = |word: &&str| logins.iter().any(|live| live.account.as_str() == *word);
    // With several accounts its number may follow.
    let account = if words.len() > 2 { words.pop_if(|word| is_account(&&**word)) } else { None };
    let (number, choice) = match words.as_slice() {
        ["new", number] | [number, "new"] => (*number, Choice::New),
        ["undo", number] | [number, "undo"] => (*number, Choice::Undo),
        [number, letter] => (*number, Choice::Known(letter)),
        _ => return context.reply_key("match.usage", &[]).await,
    };
    let is_meant = |(live, doubt): &(Arc<Live>, Doubt)| {
        doubt.number.to_string() == number && account.is_none_or(|account| account == live.account.as_str())
    };
    let mut meant: Vec<_> = doubts(context).into_iter().filter(is_meant).collect();
    if let Some(preferred) = context.bridge().preferred_by(&context.sender).await?
        && meant.iter().any(|(live, _)| live.account == preferred)
    {
        meant.retain(|(live, _)| account.is_some() || live.account == preferred);
    }
    match meant.as_slice() {
        [] => context.reply_key("match.unknown", &[("number", number)]).await,
        [(live, doubt)] => carry_out(context, live, doubt, choice).await,
        _ => context.reply_key("match.which", &[("number", number)]).await,
    }
}

async fn carry_out(context: &Context, live: &Arc<Live>, doubt: &Doubt, choice: Choice<'_>) -> Result<(), Error> {
    let number = doubt.number.to_string();
    let known = match choice {
        Choice::Undo => return undo(context, live, doubt).await,
        Choice::New => None,
        Choice::Known(wanted) => {
            let mut candidates = doubt.candidates.iter().enumerate();
            match candidates.find(|(place, _)| letter(*place) == wanted.to_lowercase()) {
                Some((_, candidate)) if !candidate.is_taken => Some(&candidate.chat),
                _ => return context.reply_key("match.candidate", &[("number", &number), ("letter", wanted)]).await,
            }
        }
    };
    if doubt.settled.is_some() {
        return context.reply_key("match.already", &[("number", &number)]).await;
    }
    let waiting = context.bridge().waiting_for(&live.account, doubt.number).await?.to_string();
    let chat = context.bridge().settle(live, doubt.number, known).await?;
    let (name, room) = (escape(&doubt.name), room_of(context, live, &chat));
    let values = [("number", &*number), ("name", &name), ("chat", &room), ("count", &waiting)];
    context.reply_key(if known.is_some() { "match.done" } else { "match.done.new" }, &values).await
}

/// Takes a decision back, and says what cannot be taken back.
async fn undo(context: &Context, live: &Arc<Live>, doubt: &Doubt) -> Result<(), Error> {
    let number = doubt.number.to_string();
    if doubt.settled.is_none() {
        return context.reply_key("match.open", &[("number", &number)]).await;
    }
    let (chat, already) = context.bridge().unsettle(live, doubt.number).await?;
    let (name, room) = (escape(&doubt.name), room_of(context, live, &chat));
    let mut lines = vec![context.say("match.undone", &[("name", &name), ("chat", &room)])];
    let counts = [
        ("match.undone.shown", already.shown),
        ("match.undone.leaving", already.leaving),
        ("match.undone.said", already.said),
    ];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        lines.push(format!("- {}", context.say(key, &[("count", &count.to_string())])));
    }
    if lines.len() == 1 {
        lines.push(format!("- {}", context.say("match.undone.nothing", &[])));
    }
    if let Some(doubt) = live.network.matching().doubt(doubt.number) {
        lines.push(format!("\n{}", context.bridge().question(live, doubt)));
    }
    context.reply(&lines.join("\n")).await
}

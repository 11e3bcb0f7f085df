//! `users`, `stats`, `pause` and `resume`: what whoever runs the bridge sees and decides.

use std::collections::BTreeMap;

use super::link::state_key;
use super::{Context, Error};
use crate::base::metrics::Way;
use crate::bridge::text::escape;
use crate::qq::AccountId;
use crate::store::{LoginRow, LoginState};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Lists everybody who has logged in, with their accounts, rooms and queues.
pub(super) async fn users(context: &Context, _: &str) -> Result<(), Error> {
    let bridge = context.bridge();
    let read = bridge.store.read(|tx| Box::pin(async move { Ok((tx.logins().await?, tx.queue_counts().await?)) }));
    let (logins, queues) = read.await?;
    let mut by_owner: BTreeMap<&str, Vec<&LoginRow>> = BTreeMap::new();
    for login in &logins {
        by_owner.entry(&login.owner).or_default().push(login);
    }
    if by_owner.is_empty() {
        return context.reply_key("users.none", &[]).await;
    }
    let mut lines = Vec::new();
    for (owner, logins) in by_owner {
        lines.push(format!("- {owner}"));
        for login in logins {
            let waiting = queues
                .iter()
                .find(|queue| queue.login == login.account)
                .map_or(0, |queue| u64::from(queue.ready) + u64::from(queue.sending) + u64::from(queue.uncertain));
            let portals = bridge.portals.of(&AccountId::new(&login.account));
            let rooms = portals.iter().filter(|portal| portal.room.is_some()).count().to_string();
            let state = context.say(state_key(login.state), &[]);
            let account = format!("{} ({})", escape(&login.nick), login.account);
            let values =
                [("account", &*account), ("state", &state), ("rooms", &rooms), ("waiting", &waiting.to_string())];
            lines.push(format!("  - {}{}", context.say("users.login", &values), pause_mark(context, &login.account)));
        }
    }
    context.reply(&lines.join("\n")).await
}

/// Behind what is said of an account: that it is paused, if it is.
pub(super) fn pause_mark(context: &Context, account: &str) -> String {
    let is_paused = context.bridge().is_paused(&AccountId::new(account));
    if is_paused { format!("; {}", context.say("pause.mark", &[])) } else { String::new() }
}

/// Counts what there is, what waits, and what the last day brought.
pub(super) async fn stats(context: &Context, _: &str) -> Result<(), Error> {
    let bridge = context.bridge();
    let (view, books) = (bridge.view().await?, bridge.books_of(DAY_MS).await?);
    let ghosts = bridge.store.read(|tx| Box::pin(async move { tx.count_ghosts().await })).await?;
    let up = view.logins.iter().filter(|login| login.is_up).count().to_string();
    let accounts = view.logins.iter().map(|login| AccountId::new(&login.row.account));
    let portals: Vec<_> = accounts.flat_map(|account| bridge.portals.of(&account)).collect();
    let rooms = portals.iter().filter(|portal| portal.room.is_some()).count().to_string();
    let hours = (view.uptime.as_secs() / 3600).to_string();
    let values = [
        ("hours", hours.as_str()),
        ("logins", &view.logins.len().to_string()),
        ("up", &up),
        ("portals", &portals.len().to_string()),
        ("rooms", &rooms),
        ("ghosts", &ghosts.to_string()),
    ];
    let mut lines = vec![format!("- {}", context.say("stats.there", &values))];
    for queue in &view.queues {
        let key = if queue.way == Way::ToQq { "stats.queue.to_qq" } else { "stats.queue.to_matrix" };
        let oldest = queue.oldest.map_or(0, |oldest| oldest.as_secs()).to_string();
        lines.push(format!("- {}", context.say(key, &[("count", &queue.moving().to_string()), ("seconds", &oldest)])));
    }
    for (way, books) in &books {
        let key = if *way == Way::ToQq { "stats.day.from_matrix" } else { "stats.day.from_qq" };
        let counts: Vec<(&str, String)> =
            books.counts().into_iter().map(|(name, count)| (name, count.to_string())).collect();
        let lost = books.lost().to_string();
        let mut values: Vec<(&str, &str)> = counts.iter().map(|(name, count)| (*name, count.as_str())).collect();
        values.push(("lost", &lost));
        lines.push(format!("- {}", context.say(key, &values)));
    }
    context.reply(&lines.join("\n")).await
}

/// Has nothing said through an account, or any, for now.
pub(super) async fn pause(context: &Context, number: &str) -> Result<(), Error> {
    let Some(accounts) = accounts(context, number).await? else { return Ok(()) };
    for account in &accounts {
        context.bridge().pause(account, &context.sender).await?;
    }
    context.reply_key("pause.done", &[("accounts", &listed(&accounts))]).await
}

/// Lets go what waits because of `pause`.
pub(super) async fn resume(context: &Context, number: &str) -> Result<(), Error> {
    let Some(accounts) = accounts(context, number).await? else { return Ok(()) };
    for account in &accounts {
        context.bridge().resume(account).await?;
    }
    context.reply_key("resume.done", &[("accounts", &listed(&accounts))]).await
}

/// The accounts that `number` means; says why not otherwise.
async fn accounts(context: &Context, number: &str) -> Result<Option<Vec<AccountId>>, Error> {
    let rows = context.bridge().store.read(|tx| Box::pin(async move { tx.logins().await })).await?;
    let known: Vec<AccountId> = rows
        .iter()
        .filter(|row| row.state != LoginState::LoggedOut && (number == "all" || row.account == number))
        .map(|row| AccountId::new(&row.account))
        .collect();
    if known.is_empty() {
        context.reply_key("pause.unknown", &[("account", number)]).await?;
        return Ok(None);
    }
    Ok(Some(known))
}

fn listed(accounts: &[AccountId]) -> String {
    accounts.iter().map(AccountId::as_str).collect::<Vec<_>>().join(", ")
}

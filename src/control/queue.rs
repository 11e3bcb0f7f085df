//! `queue`, `retry` and `drop`: what waits or failed, and what people can do about it.

use super::link::logins;
use super::{Context, Error};
use crate::bridge::route;
use crate::bridge::text::escape;
use crate::config::Permission;
use crate::qq::AccountId;
use crate::store::{InboxRow, OutboxRow, OutboxState};

/// How many rows of each kind one answer lists.
const MOST: u32 = 20;

/// Lists, or does what the first word says with the row that the second names.
pub(super) async fn queue(context: &Context, arguments: &str) -> Result<(), Error> {
    let (verb, number) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    match verb.to_lowercase().as_str() {
        "" | "list" => list(context).await,
        "retry" => retry(context, number.trim()).await,
        "drop" => drop(context, number.trim()).await,
        _ => context.reply_key("queue.usage", &[]).await,
    }
}

/// Has a row tried again that failed, or waits for its next try.
pub(super) async fn retry(context: &Context, number: &str) -> Result<(), Error> {
    let Some(row) = row_of(context, number).await? else { return Ok(()) };
    if row.state == OutboxState::Uncertain {
        return context.reply_key("queue.retry.uncertain", &[("n", &row.seq.to_string())]).await;
    }
    let revived = context.bridge().retry(&row).await?;
    say_result(context, &row, revived, "queue.retried").await?;
    let waits =
        row.lane.starts_with(route::TO_QQ) && context.bridge().logins.live(&AccountId::new(&row.login)).is_none();
    if waits && revived == Some(OutboxState::Ready) {
        return context.reply_key("queue.retry.waits", &[("account", &row.login)]).await;
    }
    Ok(())
}

/// Gives up a row that waits, is in doubt or failed.
pub(super) async fn drop(context: &Context, number: &str) -> Result<(), Error> {
    let Some(row) = row_of(context, number).await? else { return Ok(()) };
    let dropped = context.bridge().give_up(&row, &context.sender).await?;
    say_result(context, &row, dropped, "queue.dropped").await
}

/// The row called `number`, if it is the sender's to touch; else says why not.
async fn row_of(context: &Context, number: &str) -> Result<Option<OutboxRow>, Error> {
    let Ok(seq) = number.trim_start_matches('#').parse::<i64>() else {
        context.reply_key("queue.usage", &[]).await?;
        return Ok(None);
    };
    let (sender, is_admin) = (context.sender.clone(), context.permission == Permission::Admin);
    let found = context.bridge().store.read(move |tx| {
        Box::pin(async move {
            let Some(row) = tx.departure(seq).await? else { return Ok(None) };
            let owner = tx.owner_of(&row.login).await?;
            Ok(Some(row).filter(|_| is_admin || owner.is_some_and(|owner| owner == sender)))
        })
    });
    let found = found.await?;
    if found.is_none() {
        // Whose it is, or whether it is there at all, is nobody else's business.
        context.reply_key("queue.unknown", &[("n", &seq.to_string())]).await?;
    }
    Ok(found)
}

/// Says what became of `row`: `done` when what was wanted was done.
async fn say_result(context: &Context, row: &OutboxRow, now: Option<OutboxState>, done: &str) -> Result<(), Error> {
    let key = match (now, row.state) {
        (Some(OutboxState::Sent), _) | (None, OutboxState::Sent) => "queue.refused.sent",
        (Some(_), _) => done,
        (None, OutboxState::Dropped) => "queue.refused.dropped",
        // It went on the wire while it was looked at.
        (None, _) => "queue.refused.sending",
    };
    context.reply_key(key, &[("n", &row.seq.to_string())]).await
}

async fn list(context: &Context) -> Result<(), Error> {
    let (mut lines, mut touchable, mut paused) = (Vec::new(), false, String::new());
    for row in logins(context).await? {
        let (login, origin) = (row.account.clone(), route::from_qq(&AccountId::new(&row.account)));
        let read = context.bridge().store.read(move |tx| {
            Box::pin(async move { Ok((tx.queue(&login, MOST).await?, tx.arrivals_with_error(&origin, MOST).await?)) })
        });
        let (leaving, odd) = read.await?;
        touchable |= !leaving.is_empty();
        lines.extend(leaving.iter().map(|row| leaving_line(context, row)));
        lines.extend(odd.iter().map(|row| odd_line(context, row)));
        if context.bridge().is_paused(&AccountId::new(&row.account)) {
            paused.push_str("\n\n");
            paused.push_str(&context.say("queue.paused", &[("account", &row.account)]));
        }
    }
    if lines.is_empty() {
        lines.push(context.say("queue.empty", &[]));
    }
    if touchable {
        lines.push(format!("\n{}", context.say("queue.hint", &[])));
    }
    context.reply(&[lines.join("\n"), paused].concat()).await
}

fn leaving_line(context: &Context, row: &OutboxRow) -> String {
    let state = context.say(queue_key(row), &[]);
    let way = if row.lane.starts_with(route::TO_QQ) { "→ QQ" } else { "→ Matrix" };
    let why = row.error.as_deref().map_or_else(String::new, |error| format!(" – {}", escape(error)));
    format!("- #{} {way}: {state}{why}", row.seq)
}

fn queue_key(row: &OutboxRow) -> &'static str {
    match row.state {
        OutboxState::Sending if !row.waits() => "queue.state.sending",
        OutboxState::Ready | OutboxState::Sending => "queue.state.ready",
        OutboxState::Sent => "queue.state.sent",
        OutboxState::Uncertain => "queue.state.uncertain",
        OutboxState::Dead => "queue.state.dead",
        OutboxState::Dropped => "queue.state.dropped",
    }
}

fn odd_line(context: &Context, row: &InboxRow) -> String {
    let why = escape(row.error.as_deref().unwrap_or_default());
    format!("- {}", context.say("queue.odd", &[("seq", &row.seq.to_string()), ("why", &why)]))
}

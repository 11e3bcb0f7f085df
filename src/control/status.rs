//! `ping` and `queue`: how the logins do, and what waits.

use super::link::{age, logins, state_key};
use super::{Context, Error};
use crate::bridge::text::escape;
use crate::qq::AccountId;
use crate::store::{InboxRow, LoginRow, OutboxRow, OutboxState};

/// How many rows of each kind one answer lists.
const MOST: u32 = 20;

/// Says that the bridge is there, and for each login when QQ was last heard.
pub(super) async fn ping(context: &Context, _: &str) -> Result<(), Error> {
    let mut text = context.say("ping.here", &[]);
    for row in logins(context).await? {
        text.push_str("\n- ");
        text.push_str(&health(context, &row).await?);
    }
    context.reply(&text).await
}

async fn health(context: &Context, row: &LoginRow) -> Result<String, Error> {
    let name = format!("{} ({})", escape(&row.nick), row.account);
    let Some(live) = context.bridge().logins.live(&AccountId::new(&row.account)) else {
        return Ok(format!("{name}: {}", context.say(state_key(row.state), &[])));
    };
    let heard = match live.last_heard() {
        Some(ago) => context.say("ping.heard", &[("seconds", &ago.as_secs().to_string())]),
        None => context.say("ping.deaf", &[]),
    };
    Ok(format!("{name}: {heard}; {}", age(context, row).await?))
}

/// Shows what waits to be delivered, what could not be, and what QQ pushed that could not be shown.
pub(super) async fn queue(context: &Context, _: &str) -> Result<(), Error> {
    let mut lines = Vec::new();
    for row in logins(context).await? {
        let (login, origin) = (row.account.clone(), crate::bridge::route::from_qq(&AccountId::new(&row.account)));
        let (leaving, odd) = context
            .bridge()
            .store
            .read(move |tx| {
                Box::pin(
                    async move { Ok((tx.queue(&login, MOST).await?, tx.arrivals_with_error(&origin, MOST).await?)) },
                )
            })
            .await?;
        lines.extend(leaving.iter().map(|row| leaving_line(context, row)));
        lines.extend(odd.iter().map(|row| odd_line(context, row)));
    }
    if lines.is_empty() {
        return context.reply_key("queue.empty", &[]).await;
    }
    context.reply(&lines.join("\n")).await
}

fn leaving_line(context: &Context, row: &OutboxRow) -> String {
    let state = context.say(queue_key(row.state), &[]);
    let way = if row.lane.starts_with(crate::bridge::route::TO_QQ) { "→ QQ" } else { "→ Matrix" };
    let why = row.error.as_deref().map_or_else(String::new, |error| format!(" – {}", escape(error)));
    format!("- #{} {way}: {state}{why}", row.seq)
}

fn queue_key(state: OutboxState) -> &'static str {
    match state {
        OutboxState::Ready => "queue.state.ready",
        OutboxState::Sending => "queue.state.sending",
        OutboxState::Sent => "queue.state.sent",
        OutboxState::Uncertain => "queue.state.uncertain",
        OutboxState::Dead => "queue.state.dead",
    }
}

fn odd_line(context: &Context, row: &InboxRow) -> String {
    let why = escape(row.error.as_deref().unwrap_or_default());
    format!("- {}", context.say("queue.odd", &[("seq", &row.seq.to_string()), ("why", &why)]))
}

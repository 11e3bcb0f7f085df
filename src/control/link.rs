//! `logout` and `list-logins`.

use super::{Context, Error};
use crate::bridge::ending::Forecast;
use crate::bridge::text::escape;
use crate::qq::AccountId;
use crate::store::{LoginRow, LoginState};

/// The sender's logins as they are on disk.
pub(super) async fn logins(context: &Context) -> Result<Vec<LoginRow>, Error> {
    let owner = context.sender.clone();
    let rows = context.bridge().store.read(move |tx| Box::pin(async move { tx.logins_of(&owner).await })).await?;
    Ok(rows)
}

/// For each account of the sender that is not connected now, though they did not log it out: that it is so, and what to do.
pub(super) async fn absent(context: &Context) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for row in logins(context).await? {
        let key = match row.state {
            LoginState::LoggedOut => continue,
            LoginState::Lost => "login.absent",
            // It is being taken up.
            LoginState::Connected => "login.absent.yet",
        };
        if context.bridge().logins.live(&AccountId::new(&row.account)).is_none() {
            lines.push(context.say(key, &[("nick", &escape(&row.nick)), ("account", &row.account)]));
        }
    }
    Ok(lines)
}

/// Says that no account of the sender is connected: which are not, or that there is none.
pub(super) async fn say_none(context: &Context) -> Result<(), Error> {
    let absent = absent(context).await?;
    if absent.is_empty() {
        return context.reply_key("login.none", &[]).await;
    }
    // Which accounts somebody has is for nobody else's eyes.
    context.whisper(&absent.join("\n\n")).await
}

/// Shows the sender's logins and how each of them does.
pub(super) async fn list_logins(context: &Context, _: &str) -> Result<(), Error> {
    let rows = logins(context).await?;
    if rows.is_empty() {
        return context.reply_key("login.none", &[]).await;
    }
    let mut lines = Vec::new();
    for row in &rows {
        let mut line = format!("- {} ({}): {}", escape(&row.nick), row.account, context.say(state_key(row.state), &[]));
        if row.state == LoginState::Connected {
            line.push_str("; ");
            line.push_str(&age(context, row).await?);
        }
        lines.push(line);
    }
    context.reply(&lines.join("\n")).await
}

/// How old the session of `row` is, and how much longer it may last.
pub(super) async fn age(context: &Context, row: &LoginRow) -> Result<String, Error> {
    let account = row.account.clone();
    let lifetimes =
        context.bridge().store.read(move |tx| Box::pin(async move { tx.lifetimes(&account).await })).await?;
    let age_ms = context.bridge().clock.now_ms().saturating_sub(row.since_ms);
    let age = context.say("session.age", &[("age", &span(context, age_ms))]);
    let left = match Forecast::new(age_ms, &lifetimes) {
        Forecast::Unknown => return Ok(age),
        Forecast::Left { ms, judged_by: 1 } => context.say("session.left.one", &[("left", &span(context, ms))]),
        Forecast::Left { ms, judged_by } => {
            context.say("session.left", &[("left", &span(context, ms)), ("count", &judged_by.to_string())])
        }
        Forecast::Overdue { judged_by } => context.say("session.overdue", &[("count", &judged_by.to_string())]),
    };
    Ok([age, left].join("; "))
}

/// `ms` for people: in hours, and before the first is over in minutes.
fn span(context: &Context, ms: i64) -> String {
    let (key, count) = in_words(ms);
    context.say(key, &[("count", &count.to_string())])
}

fn in_words(ms: i64) -> (&'static str, i64) {
    match ms / 60_000 {
        minutes @ ..60 => ("span.minutes", minutes.max(0)),
        minutes => ("span.hours", minutes / 60),
    }
}

/// The text that says how a login does.
pub(super) fn state_key(state: LoginState) -> &'static str {
    match state {
        LoginState::Connected => "login.state.connected",
        LoginState::Lost => "login.state.lost",
        LoginState::LoggedOut => "login.state.logged_out",
    }
}

/// Ends a login. With one login it needs no number.
pub(super) async fn logout(context: &Context, number: &str) -> Result<(), Error> {
    let rows: Vec<LoginRow> =
        logins(context).await?.into_iter().filter(|row| row.state != LoginState::LoggedOut).collect();
    let chosen = match (number, rows.as_slice()) {
        (_, []) => return context.reply_key("login.none", &[]).await,
        ("", [only]) => only,
        ("", _) => return context.reply_key("logout.which", &[]).await,
        (number, rows) => match rows.iter().find(|row| row.account == number) {
            Some(row) => row,
            None => return context.reply_key("logout.unknown", &[("account", number)]).await,
        },
    };
    context.bridge().log_out(&AccountId::new(&chosen.account)).await?;
    context.reply_key("logout.done", &[("nick", &escape(&chosen.nick)), ("account", &chosen.account)]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_some_minutes_old_before_it_is_some_hours_old() {
        let minute = 60_000;
        for (ms, words) in [
            (-1, ("span.minutes", 0)),
            (minute - 1, ("span.minutes", 0)),
            (59 * minute, ("span.minutes", 59)),
            (60 * minute, ("span.hours", 1)),
            (50 * 60 * minute - 1, ("span.hours", 49)),
        ] {
            assert_eq!(in_words(ms), words, "{ms}");
        }
    }
}

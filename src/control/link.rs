//! `logout` and `list-logins`.

use super::{Context, Error};
use crate::qq::AccountId;
use crate::store::{LoginRow, LoginState};

/// The sender's logins as they are on disk.
pub(super) async fn logins(context: &Context) -> Result<Vec<LoginRow>, Error> {
    let owner = context.sender.clone();
    let rows = context.bridge().store.read(move |tx| Box::pin(async move { tx.logins_of(&owner).await })).await?;
    Ok(rows)
}

/// Shows the sender's logins and how each of them does.
pub(super) async fn list_logins(context: &Context, _: &str) -> Result<(), Error> {
    let rows = logins(context).await?;
    if rows.is_empty() {
        return context.reply_key("login.none", &[]).await;
    }
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let state = context.say(state_key(row.state), &[]);
            format!("- {} ({}): {state}", row.nick, row.account)
        })
        .collect();
    context.reply(&lines.join("\n")).await
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
    context.reply_key("logout.done", &[("nick", &chosen.nick), ("account", &chosen.account)]).await
}

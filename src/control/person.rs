//! `set-management-room` and `set-preferred-login`: how people like to deal with the bridge.

use std::sync::Arc;

use super::link::logins;
use super::{Context, Error};
use crate::bridge::login::Live;
use crate::store::LoginState;

/// Makes the room in which it is said the sender's control room.
pub(super) async fn set_management_room(context: &Context, _: &str) -> Result<(), Error> {
    let bridge = context.bridge();
    if bridge.portals.by_room(&context.room).is_some() {
        return context.reply_key("management.portal", &[]).await;
    }
    let bot = bridge.homeserver.bot();
    let members = bot.joined_members(&context.room_id()?).await?;
    if members.len() != 2 || !members.keys().any(|user| *user == context.sender) {
        return context.reply_key("management.others", &[("count", &members.len().to_string())]).await;
    }
    bridge.set_control_room(&context.sender, &context.room).await?;
    context.reply_key("management.done", &[]).await
}

/// Remembers which account the sender means where they name none.
pub(super) async fn set_preferred_login(context: &Context, number: &str) -> Result<(), Error> {
    let rows = logins(context).await?;
    let known = rows.iter().filter(|row| row.state != LoginState::LoggedOut);
    let accounts: Vec<String> = known.map(|row| row.account.clone()).collect();
    if accounts.is_empty() {
        return context.reply_key("login.none", &[]).await;
    }
    let Some(account) = accounts.iter().find(|account| *account == number).cloned() else {
        let values = [("account", number), ("all", &accounts.join(", "))];
        return context.reply_key("prefer.unknown", &values).await;
    };
    let (mxid, kept) = (context.sender.clone(), account.clone());
    context.bridge().store.write(move |tx| Box::pin(async move { tx.set_preferred(&mxid, &kept).await })).await?;
    context.reply_key("prefer.done", &[("account", &account)]).await
}

/// The sender's accounts that a command is about, and what it says of them: the one whose number stands before that, else
/// whichever they mean where they name none.
pub(super) async fn meant<'a>(context: &Context, arguments: &'a str) -> Result<(Vec<Arc<Live>>, &'a str), Error> {
    let (number, rest) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let mut named = context.bridge().logins.of_owner(&context.sender);
    named.retain(|live| live.account.as_str() == number);
    if named.is_empty() {
        return Ok((context.bridge().meant_by(&context.sender).await?, arguments));
    }
    Ok((named, rest.trim_start()))
}

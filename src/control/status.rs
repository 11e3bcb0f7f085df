//! `ping`: how the logins do.

use super::admin::pause_mark;
use super::link::{age, logins, state_key};
use super::{Context, Error};
use crate::bridge::text::escape;
use crate::qq::AccountId;
use crate::store::LoginRow;

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
    Ok(format!("{name}: {heard}; {}{}", age(context, row).await?, pause_mark(context, &row.account)))
}

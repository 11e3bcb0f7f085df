//! `set-status`: how an account shows itself to its friends on QQ.

use std::sync::Arc;

use super::{Context, Error, link, person};
use crate::bridge::login::Live;
use crate::qq::Status;

/// Sets the status of one account. With one login it needs no number.
pub(super) async fn set_status(context: &Context, arguments: &str) -> Result<(), Error> {
    let (wanted, number) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let Ok(status) = wanted.to_lowercase().parse::<Status>() else {
        let all = Status::ALL.map(Status::as_str).join(", ");
        return context.reply_key("status.usage", &[("status", wanted), ("all", &all)]).await;
    };
    let (live, unknown) = person::meant(context, number.trim()).await?;
    let chosen: &Arc<Live> = match (unknown, live.as_slice()) {
        (_, []) => return link::say_none(context).await,
        ("", [only]) => only,
        ("", _) => return context.reply_key("status.which", &[("status", status.as_str())]).await,
        (unknown, _) => return context.reply_key("status.unknown", &[("account", unknown)]).await,
    };
    chosen.network.set_status(status).await?;
    // A restart must not take it back: relinks tell the status again.
    context.bridge().save_session(&chosen.network.session()).await?;
    let values = [("account", chosen.account.as_str()), ("status", status.as_str())];
    context.reply_key("status.done", &values).await
}

//! `login-matrix`, `ping-matrix` and `logout-matrix`: whether people's own words come from themselves; `mute` and `unmute`: what
//! else is done as themselves.

use matrix_sdk::ruma::{OwnedUserId, UserId};

use super::{Context, Error};
use crate::bridge::text::escape;
use crate::bridge::{Muted, Standing};

/// Lets the sender speak through the token behind the command, which was taken out of the message before it was kept. Without
/// one, goes back to what the configuration has for them, if anything.
pub(super) async fn login_matrix(context: &Context, _: &str) -> Result<(), Error> {
    let bridge = context.bridge();
    let token = bridge.take_secret(&context.event);
    let Some(user) = sender(context) else { return say_foreign(context).await };
    let Some(token) = token else {
        return match bridge.restore_puppet(&user).await? {
            Standing::None => context.reply_key("puppet.usage", &[]).await,
            standing => tell(context, &standing).await,
        };
    };
    if !context.is_control_room().await? {
        return context.reply_key("puppet.elsewhere", &[]).await;
    }
    match bridge.adopt_puppet(&user, &token).await? {
        Standing::Refused(why) => context.reply_key("puppet.wrong", &[("why", &escape(&why))]).await,
        standing => tell(context, &standing).await,
    }
}

/// Says whether the sender's puppet works, and goes on with one that works again.
pub(super) async fn ping_matrix(context: &Context, _: &str) -> Result<(), Error> {
    let Some(user) = sender(context) else { return say_foreign(context).await };
    let standing = context.bridge().check_puppet(&user).await?;
    tell(context, &standing).await
}

/// Forgets how to speak as the sender.
pub(super) async fn logout_matrix(context: &Context, _: &str) -> Result<(), Error> {
    let Some(user) = sender(context) else { return say_foreign(context).await };
    let key = if context.bridge().end_puppet(&user).await? { "puppet.ended" } else { "puppet.none" };
    context.reply_key(key, &[]).await
}

/// Lets this room notify the sender of nothing but what they are mentioned in.
pub(super) async fn mute(context: &Context, _: &str) -> Result<(), Error> {
    set_muted(context, true).await
}

/// Lets this room notify the sender of everything again.
pub(super) async fn unmute(context: &Context, _: &str) -> Result<(), Error> {
    set_muted(context, false).await
}

async fn set_muted(context: &Context, is_muted: bool) -> Result<(), Error> {
    let bridge = context.bridge();
    let Some(room) = bridge.portals.by_room(&context.about).and_then(|portal| portal.room.clone()) else {
        return context.reply_key("portal.elsewhere", &[]).await;
    };
    let Some(user) = sender(context) else { return say_foreign(context).await };
    let key = match bridge.mute(&user, &room, is_muted).await? {
        Muted::Done if is_muted => "mute.done",
        Muted::Done => "mute.ended",
        Muted::WasNot => "mute.none",
        Muted::NoPuppet => "mute.no_puppet",
    };
    context.reply_key(key, &[]).await
}

/// The sender, unless they are of a server for whose people we cannot act.
fn sender(context: &Context) -> Option<OwnedUserId> {
    let user = UserId::parse(context.sender.as_str()).ok()?;
    (user.server_name() == context.bridge().homeserver.namespace().domain()).then_some(user)
}

async fn say_foreign(context: &Context) -> Result<(), Error> {
    context.reply_key("puppet.foreign", &[("domain", &context.bridge().config.homeserver.domain)]).await
}

async fn tell(context: &Context, standing: &Standing) -> Result<(), Error> {
    match standing {
        Standing::Works(true) => context.reply_key("puppet.works.token", &[]).await,
        Standing::Works(false) => context.reply_key("puppet.works.service", &[]).await,
        Standing::None => context.reply_key("puppet.none", &[]).await,
        Standing::Off => context.reply_key("puppet.off", &[]).await,
        Standing::Refused(why) => context.reply_key("puppet.refused", &[("why", &escape(why))]).await,
        Standing::Another(user) => context.reply_key("puppet.another", &[("user", user.as_str())]).await,
    }
}

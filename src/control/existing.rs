//! `bridge`: a room that people made becomes that of a QQ chat.

use matrix_sdk::ruma::OwnedRoomId;

use super::{Context, Error, link, list};
use crate::bridge::existing::Bridged;
use crate::bridge::text::escape;

/// What lets go of the room that the chat has.
const OVERWRITE: &str = "--overwrite";

/// Makes the room that it is about that of one of the sender's chats.
pub(super) async fn bridge(context: &Context, arguments: &str) -> Result<(), Error> {
    let (flags, words): (Vec<&str>, Vec<&str>) = arguments.split_whitespace().partition(|word| *word == OVERWRITE);
    let (overwrite, name) = (!flags.is_empty(), words.join(" "));
    let bridge = context.bridge();
    let prefix = bridge.config.bridge.command_prefix.as_str();
    if name.is_empty() {
        return context.reply_key("bridge.usage", &[("prefix", prefix)]).await;
    }
    if bridge.logins.of_owner(&context.sender).is_empty() {
        return link::say_none(context).await;
    }
    let Ok(room) = OwnedRoomId::try_from(context.about.as_str()) else {
        return context.reply_key("bridge.usage", &[("prefix", prefix)]).await;
    };
    if let Some(obstacle) = bridge.why_not_bridge(&room, &context.sender).await? {
        return context.reply(&obstacle.say(context.texts(), prefix)).await;
    }
    let command = if context.about == context.room { prefix.to_owned() } else { format!("doin {room}") };
    let asked = if overwrite { format!("{command} bridge {OVERWRITE}") } else { format!("{command} bridge") };
    let Some(entry) = list::the_one(context, &asked, &name).await? else { return Ok(()) };
    // What the account calls a friend is for nobody else's eyes.
    let called = escape(entry.public_name());
    let chat = (&entry.live.account, entry.chat.clone());
    match bridge.bridge_room(chat, &room, &context.sender, overwrite, None).await? {
        Bridged::HasRoom(room) => {
            let call = format!("{command} bridge {OVERWRITE} {name}");
            let link = room.matrix_to_uri().to_string();
            context.reply_key("bridge.has_room", &[("name", &called), ("link", &link), ("call", &call)]).await
        }
        // It is said in the room itself.
        Bridged::Done if context.about == context.room => Ok(()),
        Bridged::Done => {
            let link = room.matrix_to_uri().to_string();
            context.reply_key("bridge.done_there", &[("name", &called), ("link", &link)]).await
        }
    }
}

//! Names for chats, as the console writes them: `friend:<name>`, `group:<name>`, `discussion:<name>`,
//! `temporary:<name>@group:<name>`.

use std::fmt;
use std::str::FromStr;

use super::handle::Refused;
use super::world::World;

/// A chat of the account, by the names of the world file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ChatKey {
    Friend(String),
    Group(String),
    Discussion(String),
    /// With a member of a group or discussion who need not be a friend.
    Temporary {
        name: String,
        via: Box<ChatKey>,
    },
}

impl ChatKey {
    /// Whether `world` has it.
    pub(crate) fn exists_in(&self, world: &World) -> bool {
        match self {
            Self::Friend(name) => world.friend(name).is_some(),
            Self::Group(name) => world.group(name).is_some(),
            Self::Discussion(name) => world.discussion(name).is_some(),
            Self::Temporary { name, via } => via.exists_in(world) && via.includes(name, world),
        }
    }

    /// Whether the person `name` is in it. The account is in all of its chats.
    pub(crate) fn includes(&self, name: &str, world: &World) -> bool {
        let members = match self {
            Self::Friend(friend) | Self::Temporary { name: friend, .. } => return friend == name,
            Self::Group(group) => world.group(group).map(|group| &group.members),
            Self::Discussion(discussion) => world.discussion(discussion).map(|discussion| &discussion.members),
        };
        members.is_some_and(|members| members.iter().any(|member| member.name == name))
    }
}

impl fmt::Display for ChatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Friend(name) => ("friend", name),
            Self::Group(name) => ("group", name),
            Self::Discussion(name) => ("discussion", name),
            Self::Temporary { name, via } => return write!(f, "temporary:{name}@{via}"),
        };
        write!(f, "{kind}:{name}")
    }
}

impl FromStr for ChatKey {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        match text.split_once(':') {
            Some(("friend", name)) => Ok(Self::Friend(name.to_owned())),
            Some(("group", name)) => Ok(Self::Group(name.to_owned())),
            Some(("discussion", name)) => Ok(Self::Discussion(name.to_owned())),
            Some(("temporary", both)) => {
                let unknown = || Refused::UnknownChat(text.to_owned());
                let (name, via) = both.split_once('@').ok_or_else(unknown)?;
                match via.parse()? {
                    via @ (Self::Group(_) | Self::Discussion(_)) => {
                        Ok(Self::Temporary { name: name.to_owned(), via: Box::new(via) })
                    }
                    _ => Err(unknown()),
                }
            }
            _ => Err(Refused::UnknownChat(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_is_read_as_it_is_written() {
        for text in ["friend:王芳", "group:a:b", "discussion:", "temporary:Bob@group:a@b"] {
            assert_eq!(text.parse::<ChatKey>().unwrap().to_string(), text);
        }
        assert!("room:x".parse::<ChatKey>().is_err());
        assert!("temporary:Bob@friend:a".parse::<ChatKey>().is_err());
        assert!("group".parse::<ChatKey>().is_err());
    }
}

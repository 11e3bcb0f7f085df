//! Who lives in the pretend QQ, and how its service behaves: the world file.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::people::{People, lasting_number};
use super::picture;
use super::rules::Rules;

/// The file that is used when none is given.
const EXAMPLE: &str = include_str!("../../config/world.example.yaml");

/// Everything that lasts while sessions come and go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Whose QQ it is.
    pub account: Account,
    /// The account's friends.
    #[serde(default)]
    pub friends: Vec<Friend>,
    /// 群.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// 讨论组.
    #[serde(default)]
    pub discussions: Vec<Discussion>,
    /// What people can send besides words.
    #[serde(default)]
    pub pictures: Vec<Picture>,
    /// Texts that friends can send as files.
    #[serde(default)]
    pub files: Vec<TextFile>,
    /// What goes wrong from the start.
    #[serde(default, skip_serializing)]
    pub faults: Vec<Fault>,
    /// People whom the account may hear of without having met them.
    #[serde(default)]
    pub strangers: Vec<Member>,
    /// How the service behaves.
    #[serde(default)]
    pub options: Rules,
}

/// The account that logs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Real QQ number.
    pub number: u32,
    /// Its nick, and the name under which the console speaks as the account itself.
    pub nick: String,
    /// With which it logs in, where there are passwords.
    #[serde(default = "everybodys")]
    pub password: String,
    /// 个性签名.
    #[serde(default)]
    pub signature: String,
}

/// A friend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Friend {
    /// What the console calls them; unique.
    pub name: String,
    /// The name that they gave themselves, when it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// What the account calls them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markname: Option<String>,
    /// The list that they are in; `None` is 我的好友.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Real QQ number; made from the name when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Whether they are online.
    #[serde(default = "yes")]
    pub online: bool,
    /// 个性签名.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signature: String,
    /// QQ level.
    #[serde(default)]
    pub level: u32,
}

impl Friend {
    /// Somebody of whom only the name is known.
    pub(crate) fn named(name: &str) -> Self {
        let (nick, markname, category, number) = (None, None, None, None);
        let (name, signature) = (name.to_owned(), String::new());
        Self { name, nick, markname, category, number, online: true, signature, level: 0 }
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What the console calls it; unique among groups.
    pub name: String,
    /// What QQ shows, when it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the account calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markname: Option<String>,
    /// Real group number; made from the name when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Unix time in seconds.
    #[serde(default = "long_ago")]
    pub created: i64,
    /// How the account hears it: 0 as usual, 1 without a sound, 2 not at all.
    #[serde(default)]
    pub mask: u8,
    /// 群介绍, what the group says of itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub memo: String,
    /// Name of a member, or the account's nick.
    pub owner: String,
    /// Names of members, or the account's nick.
    #[serde(default)]
    pub admins: Vec<String>,
    /// Everybody but the account.
    pub members: Vec<Member>,
}

impl Group {
    /// The name as QQ shows it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// Somebody in a group or discussion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The same name everywhere is the same person.
    pub name: String,
    /// The name that they gave themselves, when it is another. A friend's own entry goes before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// Their name within the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Real QQ number; made from the name when not given. A friend's own entry goes before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
}

/// A discussion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discussion {
    /// Its name; unique among discussions.
    pub name: String,
    /// Everybody but the account.
    pub members: Vec<Member>,
}

/// A picture that is drawn when somebody sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// What the console calls it.
    pub name: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Red, green and blue, as six hexadecimal digits.
    pub colour: String,
}

/// A text that can be sent as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    /// Its name.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl World {
    /// Reads a world file; refuses one that contradicts itself.
    pub fn parse(yaml: &str) -> Result<Self, WorldError> {
        let world: Self = serde_yaml::from_str(yaml)?;
        People::of(&world)?;
        check_pictures(&world)?;
        Ok(world)
    }

    /// The world of `config/world.example.yaml`.
    pub fn example() -> Result<Self, WorldError> {
        Self::parse(EXAMPLE)
    }

    pub(crate) fn friend(&self, name: &str) -> Option<&Friend> {
        self.friends.iter().find(|friend| friend.name == name)
    }

    pub(crate) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The real number of a group, which may be no more.
    pub(crate) fn group_number(&self, name: &str) -> u32 {
        self.group(name).and_then(|group| group.number).unwrap_or_else(|| lasting_number("group", name))
    }

    pub(crate) fn discussion(&self, name: &str) -> Option<&Discussion> {
        self.discussions.iter().find(|discussion| discussion.name == name)
    }

    /// Everybody who is mentioned, possibly several times; friends come first.
    pub(crate) fn mentions(&self) -> impl Iterator<Item = (&str, Option<&str>, Option<u32>)> {
        let friends = self.friends.iter().map(|friend| (friend.name.as_str(), friend.nick.as_deref(), friend.number));
        let groups = self.groups.iter().flat_map(|group| &group.members);
        let discussions = self.discussions.iter().flat_map(|discussion| &discussion.members);
        let members = groups.chain(discussions).chain(&self.strangers);
        friends.chain(members.map(|member| (member.name.as_str(), member.nick.as_deref(), member.number)))
    }
}

/// Why a world cannot be.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file is not what it should be.
    #[error("the world file cannot be read")]
    Yaml(#[from] serde_yaml::Error),
    /// It contradicts itself.
    #[error("the world contradicts itself: {0}")]
    Contradiction(String),
}

fn check_pictures(world: &World) -> Result<(), WorldError> {
    for Picture { name, width, height, colour } in &world.pictures {
        let sides = 1..=picture::LARGEST;
        if !sides.contains(width) || !sides.contains(height) || picture::colour(colour).is_none() {
            let wrong = format!("the picture {name} needs sides of 1 to 4096 and a colour such as ff9966");
            return Err(WorldError::Contradiction(wrong));
        }
    }
    Ok(())
}

/// The password of somebody who did not think long.
fn everybodys() -> String {
    "1234567890".to_owned()
}

const fn yes() -> bool {
    true
}

const fn long_ago() -> i64 {
    1_388_307_595
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_a_lively_world() {
        let world = World::example().unwrap();
        assert_eq!(world.account.nick, "小明");
        assert!(world.friends.len() >= 5 && world.groups.len() >= 2 && world.discussions.len() == 1);
        let nicks: Vec<_> = world.friends.iter().filter_map(|friend| friend.nick.as_deref()).collect();
        assert!(nicks.iter().filter(|nick| **nick == "李明").count() == 2, "a same-nick pair");
        assert_eq!(world.options, Rules::default());
    }

    #[test]
    fn the_example_documents_every_option_with_its_default() {
        let listed: String = EXAMPLE
            .lines()
            .skip_while(|line| !line.starts_with("options:"))
            .skip(1)
            .map(|line| line.replacen("# ", "", 1) + "\n")
            .collect();
        let documented: serde_json::Value = serde_yaml::from_str(&listed).unwrap();
        assert_eq!(documented, serde_json::to_value(Rules::default()).unwrap());
    }

    #[test]
    fn a_world_that_contradicts_itself_is_refused() {
        let account = "account: {number: 12345, nick: me}\n";
        for (why, yaml) in [
            ("unknown key", "friends: [{name: a, colour: red}]"),
            ("picture without a colour", "pictures: [{name: p, width: 1, height: 1, colour: red}]"),
            ("picture of no size", "pictures: [{name: p, width: 0, height: 1, colour: ff0000}]"),
            ("friend twice", "friends: [{name: a}, {name: a}]"),
            ("friend named like the account", "friends: [{name: me}]"),
            ("group twice", "groups: [{name: g, owner: me, members: []}, {name: g, owner: me, members: []}]"),
            ("owner outside", "groups: [{name: g, owner: b, members: []}]"),
            ("admin outside", "groups: [{name: g, owner: me, admins: [b], members: []}]"),
            ("member twice", "groups: [{name: g, owner: me, members: [{name: b}, {name: b}]}]"),
            ("discussion twice", "discussions: [{name: d, members: []}, {name: d, members: []}]"),
            ("number twice", "friends: [{name: a, number: 12345}]"),
            ("unknown fault", "faults: [{endpoint: poll2, kind: fire}]"),
            ("fault without its value", "faults: [{endpoint: poll2, kind: http}]"),
            ("empty name", "friends: [{name: ''}]"),
        ] {
            assert!(World::parse(&format!("{account}{yaml}")).is_err(), "{why}");
        }
        assert!(World::parse(account).is_ok());
    }
}

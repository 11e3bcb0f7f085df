//! What people on QQ do besides speaking: come online, type, enter and leave groups, ask for things. The world changes
//! with it, and the client is told.
//!
//! Source: protocol dossier 7.5, 7.6.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::handle::Refused;
use super::people::People;
use super::world::{Friend, Group, Member, World};

/// Something that somebody does. Names are those of the world file; new people come into being by being named.
#[expect(missing_docs, reason = "each variant says whom its names stand for")]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// A friend shows another status: `online`, `away`, …, `offline`.
    Status { friend: String, status: String },
    /// A friend begins to type.
    Type { friend: String },
    /// Somebody enters a group.
    Join { group: String, name: String },
    /// A member leaves a group; the account's nick is the account itself.
    Leave { group: String, name: String },
    /// The owner puts a member out of a group; the account's nick is the account itself.
    Remove { group: String, name: String },
    /// A member becomes an administrator or no longer is one.
    Administrator { group: String, name: String, now: bool },
    /// A member becomes the owner of a group.
    Owner { group: String, name: String },
    /// The owner ends a group.
    Dissolve { group: String },
    /// Somebody shares something in a group, told as XML.
    Web { group: String, name: String, xml: String },
    /// Somebody asks the account for friendship.
    AskFriendship { name: String, text: String },
    /// Somebody asks to enter a group.
    AskMembership { group: String, name: String, text: String },
    /// Somebody adds the account as a friend without asking.
    Add { name: String },
    /// Somebody becomes a friend: the account added them from its phone.
    Befriend { name: String },
    /// A friend is none any more.
    Unfriend { name: String },
}

/// Something that was asked of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Who asked.
    pub name: String,
    /// Which group they want to enter; none when they want to be a friend.
    pub group: Option<String>,
    /// Whether the client said yes; none while it has said nothing.
    pub accepted: Option<bool>,
    /// The reason that it gave.
    pub reason: String,
}

impl Act {
    /// Changes `world`, and gives the item by which the client hears of it, with placeholders for its numbers.
    pub(crate) fn play(&self, world: &mut World, n: u64) -> Result<Value, Refused> {
        Ok(match self {
            Self::Status { friend, status } => {
                friend_of(world, friend)?.online = status != "offline";
                item("buddies_status_change", &json!({"uin": uin(friend), "status": status, "client_type": 1}))
            }
            Self::Type { friend } => {
                friend_of(world, friend)?;
                item("input_notify", &old(n, json!({"from_uin": uin(friend), "msg_type": 121})))
            }
            Self::Web { group, name, xml } => {
                member_of(world, group, name)?;
                let value = json!({"from_uin": gid(group), "group_code": code(group), "group_type": 1, "ver": 1,
                    "send_uin": uin(name), "msg_type": 45, "xml": xml});
                item("group_web_message", &old(n, value))
            }
            Self::AskFriendship { name, text } => {
                let account = meet(world, name)?;
                let value = json!({"seq": n, "type": "verify_required", "uiuin": "", "from_uin": uin(name),
                    "account": account, "msg": text, "allow": 1, "stat": 10, "client_type": 1});
                item("system_message", &value)
            }
            Self::Add { name } => {
                let account = meet(world, name)?;
                let value = json!({"seq": n, "type": "added_buddy_nosig", "uiuin": "", "from_uin": uin(name),
                    "account": account, "stat": 20});
                item("system_message", &value)
            }
            Self::Befriend { name } => {
                befriend(world, name);
                item(
                    "buddylist_change",
                    &json!({"added_friends": [{"uin": uin(name), "groupid": 0}], "removed_friends": []}),
                )
            }
            Self::Unfriend { name } => {
                meet(world, name)?;
                world.friends.retain(|friend| friend.name != *name);
                // Their number stays theirs.
                meet(world, name)?;
                item("buddylist_change", &json!({"added_friends": [], "removed_friends": [{"uin": uin(name)}]}))
            }
            _ => self.play_in_group(world, n)?,
        })
    }

    fn play_in_group(&self, world: &mut World, n: u64) -> Result<Value, Refused> {
        match self {
            Self::Join { group, name } => {
                join(world, group, name)?;
                let owner = group_of(world, group)?.owner.clone();
                let value = json!({
                    "op_type": 3, "new_member": someone(world, name), "t_new_member": "",
                    "admin_uin": someone(world, &owner), "admin_nick": owner,
                });
                Ok(told((world, n), group, (33, "group_join"), &value))
            }
            Self::Leave { group, name } => {
                let value = json!({"op_type": 2, "old_member": someone(world, name), "t_old_member": ""});
                part(world, group, name)?;
                Ok(told((world, n), group, (34, "group_leave"), &value))
            }
            Self::Remove { group, name } => {
                let owner = group_of(world, group)?.owner.clone();
                let value = json!({
                    "op_type": 3, "old_member": someone(world, name), "t_old_member": "",
                    "admin_uin": someone(world, &owner), "t_admin_uin": "", "admin_nick": owner,
                });
                part(world, group, name)?;
                Ok(told((world, n), group, (34, "group_leave"), &value))
            }
            Self::Dissolve { group } => {
                leave_behind(world, group)?;
                let value = json!({"op_type": 1, "old_member": "$own", "t_old_member": ""});
                Ok(told((world, n), group, (34, "group_leave"), &value))
            }
            _ => self.play_with_office(world, n),
        }
    }

    fn play_with_office(&self, world: &mut World, n: u64) -> Result<Value, Refused> {
        let (group, kind, value) = match self {
            Self::Administrator { group, name, now } => {
                member_of(world, group, name)?;
                let admins = &mut group_of(world, group)?.admins;
                admins.retain(|admin| admin != name);
                if *now {
                    admins.push(name.clone());
                }
                let flag = u8::from(*now);
                let value = json!({"op_type": flag, "uin": someone(world, name), "t_uin": "", "uin_flag": flag});
                (group, (44, "group_admin_op"), value)
            }
            Self::Owner { group, name } => {
                member_of(world, group, name)?;
                let before = std::mem::replace(&mut group_of(world, group)?.owner, name.clone());
                let (before, now) = (someone(world, &before), someone(world, name));
                let value =
                    json!({"op_type": 255, "old_uin": before, "new_uin": now, "t_old_uin": "", "t_new_uin": ""});
                (group, (44, "group_admin_op"), value)
            }
            Self::AskMembership { group, name, text } => {
                group_of(world, group)?;
                meet(world, name)?;
                let value = json!({"request_uin": uin(name), "t_request_uin": "", "msg": text});
                (group, (35, "group_request_join"), value)
            }
            _ => return Err(Refused::NothingSaid),
        };
        Ok(told((world, n), group, kind, &value))
    }

    /// What the account has to answer because of it.
    pub(crate) fn asks(&self) -> Option<Asked> {
        let (name, group) = match self {
            Self::AskFriendship { name, .. } => (name.clone(), None),
            Self::AskMembership { group, name, .. } => (name.clone(), Some(group.clone())),
            _ => return None,
        };
        Some(Asked { name, group, accepted: None, reason: String::new() })
    }
}

/// What the service tells of a group. Source for `t_gcode`, the real number: protocol dossier 7.5.
fn told((world, n): (&World, u64), group: &str, (msg_type, kind): (u32, &str), more: &Value) -> Value {
    let mut value = json!({
        "from_uin": gid(group), "gcode": code(group), "t_gcode": world.group_number(group), "msg_type": msg_type, "type": kind,
    });
    if let (Some(fields), Some(more)) = (value.as_object_mut(), more.as_object()) {
        fields.extend(more.clone());
    }
    item("sys_g_msg", &old(n, value))
}

fn item(poll_type: &str, value: &Value) -> Value {
    json!({"poll_type": poll_type, "value": value})
}

/// With the fields that every event of before 2016 had; nobody saw these kinds with others.
fn old(n: u64, mut value: Value) -> Value {
    let common = json!({"msg_id": n % 60_000 + 1, "msg_id2": n, "to_uin": "$own", "reply_ip": 176_756_769});
    if let (Some(fields), Value::Object(common)) = (value.as_object_mut(), common) {
        fields.extend(common);
    }
    value
}

fn uin(name: &str) -> String {
    format!("$uin:{name}")
}

/// The placeholder of a person, who may be the account.
fn someone(world: &World, name: &str) -> String {
    if name == world.account.nick { "$own".to_owned() } else { uin(name) }
}

fn gid(group: &str) -> String {
    format!("$gid:{group}")
}

fn code(group: &str) -> String {
    format!("$code:{group}")
}

fn friend_of<'a>(world: &'a mut World, name: &str) -> Result<&'a mut Friend, Refused> {
    let unknown = || Refused::UnknownChat(format!("friend:{name}"));
    world.friends.iter_mut().find(|friend| friend.name == name).ok_or_else(unknown)
}

fn group_of<'a>(world: &'a mut World, name: &str) -> Result<&'a mut Group, Refused> {
    let unknown = || Refused::UnknownChat(format!("group:{name}"));
    world.groups.iter_mut().find(|group| group.name == name).ok_or_else(unknown)
}

fn member_of(world: &mut World, group: &str, name: &str) -> Result<(), Refused> {
    let me = world.account.nick == name;
    if me || group_of(world, group)?.members.iter().any(|member| member.name == name) {
        return Ok(());
    }
    Err(Refused::NotInChat { name: name.to_owned(), chat: format!("group:{group}") })
}

/// Makes `name` known, and gives their real number.
fn meet(world: &mut World, name: &str) -> Result<u32, Refused> {
    if !world.mentions().any(|(known, ..)| known == name) {
        world.strangers.push(member(name));
    }
    let people = People::of(world).map_err(|why| Refused::Impossible(why.to_string()))?;
    people
        .get(name)
        .map(|person| person.number)
        .ok_or_else(|| Refused::Impossible(format!("nobody is called {name:?}")))
}

/// Makes `name` a friend.
pub(crate) fn befriend(world: &mut World, name: &str) {
    if world.friend(name).is_none() {
        let nick = world.mentions().find(|(known, ..)| *known == name).and_then(|(_, nick, _)| nick.map(str::to_owned));
        world.friends.push(Friend { nick, ..Friend::named(name) });
    }
}

/// Makes `name` a member of `group`.
pub(crate) fn join(world: &mut World, group: &str, name: &str) -> Result<(), Refused> {
    let members = &mut group_of(world, group)?.members;
    if !members.iter().any(|member| member.name == name) {
        members.push(member(name));
    }
    Ok(())
}

fn part(world: &mut World, group: &str, name: &str) -> Result<(), Refused> {
    if name == world.account.nick {
        return leave_behind(world, group);
    }
    member_of(world, group, name)?;
    let found = group_of(world, group)?;
    found.members.retain(|member| member.name != name);
    found.admins.retain(|admin| admin != name);
    // Their number stays theirs.
    meet(world, name).map(drop)
}

/// The account is no longer in `group`, whose people stay who they are.
fn leave_behind(world: &mut World, group: &str) -> Result<(), Refused> {
    let left = group_of(world, group)?.clone();
    world.groups.retain(|known| known.name != group);
    let strangers: Vec<Member> =
        left.members.into_iter().filter(|one| !world.mentions().any(|(name, ..)| name == one.name)).collect();
    world.strangers.extend(strangers);
    Ok(())
}

fn member(name: &str) -> Member {
    Member { name: name.to_owned(), nick: None, card: None, number: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: &str = "相亲相爱一家人";

    fn played(act: Value) -> (World, Value) {
        let mut world = World::example().unwrap();
        let act: Act = serde_json::from_value(act).unwrap();
        let item = act.play(&mut world, 7).unwrap();
        People::of(&world).unwrap();
        (world, item)
    }

    #[test]
    fn the_world_changes_and_the_client_is_told_as_the_real_service_told_it() {
        let (world, item) = played(json!({"do": "join", "group": FAMILY, "name": "新人"}));
        assert!(world.group(FAMILY).unwrap().members.iter().any(|member| member.name == "新人"));
        assert_eq!((&item["value"]["type"], &item["value"]["new_member"]), (&json!("group_join"), &json!("$uin:新人")));
        let (world, item) = played(json!({"do": "remove", "group": FAMILY, "name": "表哥"}));
        assert!(!world.group(FAMILY).unwrap().members.iter().any(|member| member.name == "表哥"));
        assert_eq!((&item["value"]["op_type"], &item["value"]["admin_nick"]), (&json!(3), &json!("妈妈")));
        let (world, item) = played(json!({"do": "leave", "group": FAMILY, "name": "小明"}));
        assert!(world.group(FAMILY).is_none());
        assert_eq!(item["value"]["old_member"], "$own");
        let (world, _) = played(json!({"do": "befriend", "name": "Bob"}));
        assert!(world.friend("Bob").is_some());
        let (world, _) = played(json!({"do": "status", "friend": "王芳", "status": "offline"}));
        assert!(!world.friend("王芳").unwrap().online);
        let (_, item) = played(json!({"do": "owner", "group": FAMILY, "name": "爸爸"}));
        assert_eq!((&item["value"]["old_uin"], &item["value"]["new_uin"]), (&json!("$uin:妈妈"), &json!("$uin:爸爸")));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for act in [
            json!({"do": "type", "friend": "nobody"}),
            json!({"do": "leave", "group": FAMILY, "name": "nobody"}),
            json!({"do": "join", "group": "nothing", "name": "x"}),
            json!({"do": "ask_friendship", "name": "小明", "text": ""}),
        ] {
            let mut world = World::example().unwrap();
            let act: Act = serde_json::from_value(act).unwrap();
            assert!(act.play(&mut world, 7).is_err(), "{act:?}");
        }
        assert!(serde_json::from_value::<Act>(json!({"do": "dance"})).is_err());
    }
}

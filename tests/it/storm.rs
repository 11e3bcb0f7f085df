//! A storm: the bridge dies at every failpoint that has a name and at moments of chance, while words go both ways. Then
//! what arrived is compared with what was said: nothing missing, nothing twice, nothing out of order, no orphan rooms.
//!
//! The bridge is the real binary; QQ and the homeserver stand outside of it and each keeps a ledger. `scripts/crash` lets
//! the storm be long.

mod ledger;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use matrix_webqq::base::Failpoint;
use matrix_webqq::sim::{Fault, Member, Trouble, World};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use self::ledger::{Damage, Talk};
use crate::support::homeserver::World as Matrix;
use crate::support::house::House;
use crate::support::postgres::OwnDatabase;

/// Groups in which people talk from the beginning.
const GROUPS: usize = 6;
/// Members of each group who have not spoken yet.
const NEWCOMERS: usize = 40;
/// How many parts a long message has.
const PARTS: usize = 3;
/// What the owner is told of a session that is over, and of one that QQ renewed.
const ENDED: &str = "Messages wait here";
const RENEWED: &str = "QQ gave another";

/// What comes.
struct Plan {
    seed: u64,
    kills: usize,
    /// Each way.
    messages: usize,
}

impl Plan {
    /// As the environment wants it; short when it wants nothing.
    #[expect(clippy::disallowed_methods, reason = "scripts/crash has no other way to say how long the storm is")]
    fn from_environment() -> Self {
        fn number<T: FromStr<Err: Debug>>(name: &str, usual: T) -> T {
            std::env::var(name).map_or(usual, |text| text.parse().expect(name))
        }
        Self {
            seed: number("CRASH_SEED", 1),
            kills: number("CRASH_KILLS", 2 * places().len()),
            messages: number("CRASH_MESSAGES", 500),
        }
    }
}

/// How the bridge is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Where it says, the n-th time that it comes there.
    At(Failpoint, u32),
    /// When so many more messages have arrived.
    After(usize),
}

/// How it died.
enum Death {
    /// By itself, at its failpoint.
    ByFate,
    /// All had arrived before.
    Spared,
}

struct Storm {
    house: House,
    rng: StdRng,
    talks: Vec<Talk>,
    control: String,
    /// How many messages were said from either side.
    down: usize,
    up: usize,
    deaths: BTreeMap<Failpoint, usize>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_out_of_order_in_a_storm() {
    rage(&json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_out_of_order_in_a_storm_on_postgres() {
    let Some(own) = OwnDatabase::create().await else { return };
    rage(&json!({ "database": { "type": "postgres", "uri": own.url } })).await;
    own.drop().await;
}

async fn rage(database: &Value) {
    let plan = Plan::from_environment();
    let mut changes = json!({ "bridge": { "resend_uncertain": true } });
    changes.as_object_mut().unwrap().extend(database.as_object().unwrap().clone());
    let mut storm = Storm::begin(&plan, &changes).await;
    for turn in 0..plan.kills {
        storm.turn(turn, &plan).await;
    }
    storm.end(&plan).await;
}

/// Where it is to die: everywhere but where a room ends or a portal gets another, which is no part of the storm (`journeys::portals` and
/// `journeys::existing` show that), and where there are spaces, which `journeys::spaces` shows.
fn places() -> Vec<Failpoint> {
    let elsewhere = [
        Failpoint::RoomLetGo,
        Failpoint::RoomLeftByOne,
        Failpoint::RoomFollowed,
        Failpoint::RoomAdopted,
        Failpoint::SpaceMade,
        Failpoint::GhostCame,
    ];
    Failpoint::ALL.iter().copied().filter(|point| !elsewhere.contains(point)).collect()
}

/// Groups of everybody, one for each time that a room is to be made, and none of the friends whose names are alike.
fn world(kills: usize) -> World {
    let mut world = World::example().expect("the example world is good");
    let family = world.groups[1].clone();
    let late = kills.div_ceil(places().len()) + 1;
    world.groups = (0..GROUPS + late)
        .map(|number| {
            let mut group = family.clone();
            group.name = format!("group {number}");
            let newcomer =
                |at| Member { name: format!("newcomer {number}.{at}"), nick: None, card: None, number: None };
            group.members.extend((0..NEWCOMERS).map(newcomer));
            group
        })
        .collect();
    // poll2 has no acknowledgement: whatever is in the air at a kill would be gone, as the promise says.
    world.options.repeat_after_hangup = true;
    world
}

impl Storm {
    /// The bridge dies while it makes its tables; then it runs, somebody is logged in, and the first rooms are there.
    async fn begin(plan: &Plan, changes: &Value) -> Self {
        let mut house = House::with_nobody(world(plan.kills)).await;
        house.configure(changes);
        house.start_to_die(Failpoint::BetweenMigrations, 1);
        assert!(house.death().await.code().is_none(), "it died");
        house.start();
        let control = house.log_in().await;
        let mut storm = Self {
            house,
            rng: StdRng::seed_from_u64(plan.seed),
            talks: Vec::new(),
            control,
            down: 0,
            up: 0,
            deaths: BTreeMap::from([(Failpoint::BetweenMigrations, 1)]),
        };
        for number in 0..GROUPS {
            storm.add_talk(format!("group:group {number}"), format!("group {number}"));
        }
        storm.add_talk("discussion:项目讨论".to_owned(), "项目讨论".to_owned());
        for at in 0..storm.talks.len() {
            let speaker = storm.speaker(at);
            storm.say_on_qq(at, &speaker);
        }
        storm.find_rooms().await;
        storm.house.kill().await;
        storm
    }

    fn add_talk(&mut self, chat: String, name: String) {
        self.talks.push(Talk { chat, name, room: None, down: Vec::new(), up: Vec::new() });
    }

    /// Somebody who has spoken there before.
    fn speaker(&self, at: usize) -> String {
        if self.talks[at].chat.starts_with("discussion:") { "老张" } else { "妈妈" }.to_owned()
    }

    fn say_on_qq(&mut self, at: usize, speaker: &str) {
        let talk = &mut self.talks[at];
        let text = format!("down {} in {}", talk.down.len(), talk.name);
        self.house.qq.say(&talk.chat, speaker, &text).unwrap();
        talk.down.push(text);
        self.down += 1;
    }

    fn say_in_matrix(&mut self, at: usize) {
        let is_long = self.rng.random_ratio(1, 8);
        let talk = &mut self.talks[at];
        let Some(room) = &talk.room else { return };
        let words = format!("up {} in {}", talk.up.len(), talk.name);
        if is_long {
            let line = format!("{words}\n");
            let text = line.repeat((PARTS * 500 - 200) / line.len());
            self.house.owner.say(room, text.trim_end());
            talk.up.extend((1..=PARTS).map(|part| format!("({part}/{PARTS}) {words}")));
            self.up += PARTS;
        } else {
            self.house.owner.say(room, &words);
            talk.up.push(words);
            self.up += 1;
        }
    }

    /// Waits for the rooms of all talks, and until the owner is in.
    async fn find_rooms(&mut self) {
        for talk in self.talks.iter_mut().filter(|talk| talk.room.is_none()) {
            let (room, _) = self.house.sees(&talk.name, &talk.down[0]).await;
            self.house.owner_enters(&room).await;
            talk.room = Some(room);
        }
    }

    /// The bridge runs, words go both ways, and it dies.
    async fn turn(&mut self, turn: usize, plan: &Plan) {
        let fate = if turn.is_multiple_of(2) {
            let point = places()[(turn / 2) % places().len()];
            Fate::At(point, self.passes(point))
        } else {
            Fate::After(self.rng.random_range(0..6))
        };
        if self.rng.random_ratio(1, 4) {
            self.house.matrix.forget_txn_ids();
        }
        let each = plan.messages.div_ceil(plan.kills).max(2);
        self.burst(each / 2);
        match fate {
            // Only an empty database has migrations to run.
            Fate::At(Failpoint::BetweenMigrations, _) => {
                self.house.start();
                return self.house.kill().await;
            }
            Fate::At(point, n) => self.house.start_to_die(point, n),
            Fate::After(_) => self.house.start(),
        }
        self.burst(each - each / 2);
        match fate {
            Fate::At(point, _) => {
                self.provoke(point, turn).await;
                match self.death_or_calm().await {
                    Death::ByFate => *self.deaths.entry(point).or_default() += 1,
                    Death::Spared => self.house.kill().await,
                }
                self.calm_down(point).await;
            }
            Fate::After(more) => {
                self.some_arrive(more).await;
                self.house.kill().await;
            }
        }
    }

    /// How often a place is passed before the bridge dies there: those that are passed at each turn, some times.
    fn passes(&mut self, point: Failpoint) -> u32 {
        match point {
            Failpoint::BeforeCommit | Failpoint::AfterCommit => self.rng.random_range(1..12),
            Failpoint::ToMatrixSent | Failpoint::ToQqSent | Failpoint::QqTranslated => self.rng.random_range(1..3),
            _ => 1,
        }
    }

    fn burst(&mut self, each: usize) {
        let talks: Vec<usize> = (0..self.talks.len()).collect();
        let with_rooms: Vec<usize> = talks.iter().copied().filter(|at| self.talks[*at].room.is_some()).collect();
        for _ in 0..each {
            let (down, up) = (*talks.choose(&mut self.rng).unwrap(), *with_rooms.choose(&mut self.rng).unwrap());
            let speaker = self.speaker(down);
            self.say_on_qq(down, &speaker);
            self.say_in_matrix(up);
        }
    }

    /// Does what leads to `point`, beside what is said in any case.
    async fn provoke(&mut self, point: Failpoint, turn: usize) {
        let number = turn / (2 * places().len());
        match point {
            Failpoint::RoomMade => {
                let late = GROUPS + number;
                self.add_talk(format!("group:group {late}"), format!("group {late}"));
                self.say_on_qq(self.talks.len() - 1, "妈妈");
            }
            Failpoint::GhostRegistered | Failpoint::GhostInvited | Failpoint::GhostJoined => {
                let at = self.rng.random_range(0..GROUPS);
                let newcomer = format!("newcomer {at}.{}", turn % NEWCOMERS);
                self.say_on_qq(at, &newcomer);
            }
            Failpoint::ToMatrixBetween => (0..4).for_each(|_| self.say_on_qq(0, "妈妈")),
            Failpoint::ToQqAgain => {
                self.house.qq.fault(Fault::new("send_qun_msg2", Trouble::DropBefore));
                self.say_in_matrix(0);
            }
            Failpoint::SessionRenewed => {
                self.rule("resume", true);
                self.house.qq.expire(100_000).unwrap();
            }
            Failpoint::SessionEnded => self.house.qq.expire(100_000).unwrap(),
            Failpoint::LoginConfirmed | Failpoint::LoginKept => {
                let before = self.house.codes_asked_about();
                self.house.qq.expire(100_000).unwrap();
                self.house.scan_a_code(before).await;
            }
            _ => {}
        }
    }

    /// After a death around a login: somebody sees to it that there is a session again.
    async fn calm_down(&mut self, point: Failpoint) {
        match point {
            Failpoint::SessionRenewed => self.start_and_hear(RENEWED).await,
            Failpoint::SessionEnded => {
                self.start_and_hear(ENDED).await;
                self.house.log_in_from(&self.control).await;
            }
            Failpoint::LoginConfirmed => {
                self.house.start();
                self.house.log_in_from(&self.control).await;
            }
            _ => return,
        }
        self.rule("resume", false);
        self.house.kill().await;
    }

    async fn start_and_hear(&mut self, words: &str) {
        let told = self.house.told(&self.control, words);
        self.house.start();
        self.house.is_told(&self.control, words, told + 1).await;
    }

    fn rule(&self, name: &str, is_so: bool) {
        self.house.qq.change_rules([(name.to_owned(), is_so.into())].into_iter().collect()).unwrap();
    }

    /// Waits until the bridge has died, or until all has arrived.
    async fn death_or_calm(&mut self) -> Death {
        let (matrix, qq, down, up) = (self.house.matrix.clone(), self.house.qq.clone(), self.down, self.up);
        let calm = async move {
            matrix.wait_until("all that QQ said", |world| world.said_by_ghosts() >= down).await;
            qq.wait_heard(|heard| heard.len() >= up).await;
        };
        tokio::select! {
            status = self.house.death() => {
                assert!(status.code().is_none(), "it ended by itself: {status}");
                Death::ByFate
            }
            () = calm => Death::Spared,
        }
    }

    /// Waits until `more` messages have arrived on either side, as far as there are so many.
    async fn some_arrive(&self, more: usize) {
        let seen = self.house.matrix.see(Matrix::said_by_ghosts);
        let enough = (seen + more).min(self.down);
        self.house.matrix.wait_until("some messages", |world| world.said_by_ghosts() >= enough).await;
    }

    /// The storm is over: all arrives, and is compared with what was said.
    async fn end(mut self, plan: &Plan) {
        self.house.start();
        self.find_rooms().await;
        for at in 0..self.talks.len() {
            self.say_in_matrix(at);
        }
        assert!(matches!(self.death_or_calm().await, Death::Spared), "nothing lets it die");
        assert!(self.house.stop(), "it ends well");

        let (mut to_matrix, mut to_qq) = (Damage::default(), Damage::default());
        let heard = self.house.qq.heard(0);
        for talk in &self.talks {
            let arrived = self.house.said_by_ghosts(talk.room.as_deref().unwrap());
            to_matrix.add(Damage::between(&talk.down, &arrived));
            let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
            let heard: Vec<String> =
                heard.iter().filter(|heard| heard.chat == talk.chat).map(|heard| first_line(&heard.text)).collect();
            to_qq.add(Damage::between(&talk.up, &heard));
        }
        let orphans = self.house.matrix.rooms().len() - self.talks.len() - 1;
        println!("seed {}, {} kills", plan.seed, plan.kills);
        println!("QQ to Matrix: {} said, {to_matrix}", self.down);
        println!("Matrix to QQ: {} said, {to_qq}", self.up);
        println!("orphan rooms: {orphans}");
        for (point, times) in &self.deaths {
            println!("died at {}: {times}", point.name());
        }
        assert_eq!((to_matrix, to_qq, orphans), (Damage::default(), Damage::default(), 0));
        if plan.kills >= 2 * places().len() {
            let never: Vec<_> = places().into_iter().filter(|point| !self.deaths.contains_key(point)).collect();
            assert!(never.is_empty(), "the bridge never died at {never:?}");
        }
    }
}

//! The whole house: the real binary as a child process between a pretend homeserver and a pretend QQ, which outlive it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use matrix_webqq::base::failpoint::{self, Failpoint};
use matrix_webqq::sim::{Era, Handle, Options, QrState, SessionView, Simulator, World};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStdout;

use super::homeserver::{Human, PretendHomeserver, World as Matrix};
use super::inside::Inside;
use super::port::Port;

/// The user who owns the QQ account.
pub(crate) const OWNER: &str = "alice";

const PROGRAM: &str = env!("CARGO_BIN_EXE_matrix-webqq");

/// How a login ends well.
const LOGGED_IN: &str = "You are logged in";

/// A bridge that can be started, stopped and killed, and both of its neighbours.
pub(crate) struct House {
    pub(crate) matrix: PretendHomeserver,
    pub(crate) qq: Handle,
    /// The same QQ as other accounts see it.
    pub(crate) others: Vec<Handle>,
    pub(crate) owner: Human,
    simulator: Simulator,
    port: Port,
    folder: TempDir,
    bridge: Option<Child>,
    /// Ends with the bridge, which writes nothing into it.
    silence: Option<ChildStdout>,
}

impl House {
    /// Everything runs, in the simulator's own example world; nobody is logged in.
    pub(crate) async fn new() -> Self {
        Self::with(World::example().expect("the example world is good"), &json!({})).await
    }

    /// The same in a QQ of 2014, which carries pictures and files, and is entered by password.
    pub(crate) async fn of_2014(changes: &Value) -> Self {
        let mut world = World::example().expect("the example world is good");
        world.options.era = Era::Y2014;
        world.options.captcha = false;
        let mut all = json!({ "network": { "webqq": { "era": "2014" } } });
        merge(&mut all, changes);
        Self::with(world, &all).await
    }

    /// The same with `changes` to the usual configuration.
    pub(crate) async fn configured(changes: &Value) -> Self {
        Self::with(World::example().expect("the example world is good"), changes).await
    }

    /// Everything runs in `world`, with `changes` to the usual configuration; nobody is logged in.
    pub(crate) async fn with(world: World, changes: &Value) -> Self {
        let mut house = Self::with_nobody(world).await;
        house.configure(changes);
        house.start();
        house
    }

    /// Both neighbours run, the bridge does not.
    pub(crate) async fn asleep() -> Self {
        Self::with_nobody(World::example().expect("the example world is good")).await
    }

    /// Both neighbours run, QQ in `world`; the bridge does not.
    pub(crate) async fn with_nobody(world: World) -> Self {
        Self::with_accounts(world, Vec::new()).await
    }

    /// The same in a QQ with several accounts.
    pub(crate) async fn with_accounts(world: World, others: Vec<World>) -> Self {
        let matrix = PretendHomeserver::start().await;
        matrix.let_people_join();
        let options = Options { world: Some(world), others, seed: Some(7), ..Options::default() };
        let simulator = Simulator::start(options).await.expect("the simulator starts");
        let port = Port::reserve();
        matrix.connect_bridge(&format!("http://{}", port.address));
        let owner = matrix.user(OWNER);
        let folder = TempDir::new().expect("a folder");
        let (qq, others) = (simulator.handle(), simulator.others().to_vec());
        Self { matrix, qq, others, owner, simulator, port, folder, bridge: None, silence: None }
    }

    /// Writes the configuration, with `changes` to the usual one, and gives its path.
    pub(crate) fn configure(&self, changes: &Value) -> PathBuf {
        let mut config = json!({
            "network": { "webqq": { "server": format!("http://{}", self.simulator.qq_addr()), "send_interval_ms": 0 } },
            "bridge": { "permissions": { "hs.test": "user" }, "uncertain_wait_ms": 500, "avatars": false, "personal_spaces": false },
            "database": { "uri": format!("file:{}", self.path("bridge.db").display()) },
            "homeserver": { "address": self.matrix.address(), "domain": "hs.test" },
            "appservice": {
                "address": format!("http://{}", self.port.address),
                "port": self.port.address.port(),
                "as_token": "as-token-of-tests",
                "hs_token": "hs-token-of-tests",
            },
            "logging": { "min_level": "debug,hyper=info,sqlx=warn" },
        });
        merge(&mut config, changes);
        // JSON is YAML.
        let path = self.path("config.yaml");
        fs::write(&path, config.to_string()).expect("the folder can be written to");
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the bridge.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts the bridge inside the test, with `changes` to the usual configuration.
    pub(crate) fn start_inside(&self, changes: &Value) -> Inside {
        Inside::start(self.configure(changes), self.path("log"), &self.bridge_address())
    }

    /// Starts the bridge, which dies at `point` when it comes there for the `n`-th time.
    pub(crate) fn start_to_die(&mut self, point: Failpoint, n: u32) {
        self.start_with(&[(failpoint::VARIABLE, format!("{}:{n}", point.name()))]);
    }

    /// Starts the bridge on a disk that has next to no room left: no file grows beyond the database as it is now.
    pub(crate) fn start_with_little_disk(&mut self) {
        let size = |name: &str| fs::metadata(self.path(name)).map_or(0, |file| file.len());
        let most = ["bridge.db", "bridge.db-wal", "log"].into_iter().map(size).max().unwrap_or(0) / 1024 + 64;
        // Without the trap the first write beyond it would kill the bridge instead of failing.
        let script = format!("trap '' XFSZ; ulimit -f {most}; exec \"$0\" \"$@\"");
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(script).arg(PROGRAM);
        self.spawn(shell);
    }

    fn start_with(&mut self, environment: &[(&str, String)]) {
        let mut program = Command::new(PROGRAM);
        program.envs(environment.iter().map(|(name, value)| (name, value)));
        self.spawn(program);
    }

    fn spawn(&mut self, mut program: Command) {
        assert!(self.bridge.is_none(), "it runs already");
        let log = File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let mut bridge = program
            .args(["-n", "-c"])
            .arg(self.path("config.yaml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the bridge starts");
        let silence = bridge.stdout.take().map(ChildStdout::from_std).transpose();
        self.silence = silence.expect("a pipe of its own");
        self.bridge = Some(bridge);
    }

    /// Kills the bridge with SIGKILL and waits for its end, and until QQ has noticed: what it says into a connection that
    /// is dead is lost, as it was with the real one.
    pub(crate) async fn kill(&mut self) {
        let mut bridge = self.bridge.take().expect("it runs");
        bridge.kill().expect("it can be killed");
        bridge.wait().expect("it ends");
        for qq in self.others.iter().chain([&self.qq]) {
            qq.wait_session(|session| !session.polling).await;
        }
    }

    /// Waits until the bridge has died by itself. Going on to wait for something else does no harm.
    pub(crate) async fn death(&mut self) -> ExitStatus {
        let silence = self.silence.as_mut().expect("it runs");
        assert_eq!(silence.read(&mut [0]).await.expect("a pipe"), 0, "it says nothing there");
        let status = self.bridge.take().expect("it runs").wait().expect("it has ended");
        self.qq.wait_session(|session| !session.polling).await;
        status
    }

    /// Asks the bridge to stop and waits for its end; `false` when it did not end well, as when it had hardly begun.
    pub(crate) fn stop(&mut self) -> bool {
        let mut bridge = self.bridge.take().expect("it runs");
        let asked = Command::new("kill").arg(bridge.id().to_string()).status().expect("kill runs");
        assert!(asked.success());
        bridge.wait().expect("it ends").success()
    }

    /// Tells the bridge to stop, and does not wait for it.
    pub(crate) fn ask_to_stop(&self) {
        let bridge = self.bridge.as_ref().expect("it runs");
        let asked = Command::new("kill").arg(bridge.id().to_string()).status().expect("kill runs");
        assert!(asked.success());
    }

    /// Waits until the bridge says `words` in its log.
    pub(crate) async fn logs(&self, words: &str) {
        while !self.log().contains(words) {
            tokio::task::yield_now().await;
        }
    }

    /// A path in the folder of the bridge.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    /// The configuration of a second bridge beside this one: all the same, but for the port.
    pub(crate) fn twin(&self) -> PathBuf {
        let text = fs::read_to_string(self.path("config.yaml")).expect("it was configured");
        let mut config: Value = serde_json::from_str(&text).expect("we wrote JSON");
        config["appservice"]["port"] = Port::reserve().address.port().into();
        let path = self.path("twin.yaml");
        fs::write(&path, config.to_string()).expect("the folder can be written to");
        path
    }

    /// The bridge's database, for other programs.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("bridge.db")).expect("the bridge has made it")
    }

    /// Does something to the bridge's database behind its back.
    pub(crate) fn change_database(&self, statement: &str) {
        self.database().execute_batch(statement).expect("nobody else writes now");
    }

    /// What would be on the disk if the machine stopped now, while no bridge runs and the last thing that it committed was synced.
    pub(crate) fn disk(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = ["bridge.db", "bridge.db-wal"].map(|name| self.path(name));
        files.map(|file| (file.clone(), fs::read(&file).expect("the bridge has made it"))).into()
    }

    /// The machine stops, and has only what was on its `disk` when it starts again.
    pub(crate) fn lose_power(&self, disk: &[(PathBuf, Vec<u8>)]) {
        fs::remove_file(self.path("bridge.db-shm")).expect("the bridge has made it");
        for (file, bytes) in disk {
            fs::write(file, bytes).expect("the folder can be written to");
        }
        self.change_database("UPDATE meta SET value = 'an earlier one' WHERE key = 'boot'");
    }

    /// Where the bridge listens.
    pub(crate) fn bridge_address(&self) -> String {
        format!("http://{}", self.port.address)
    }

    /// What the bridge wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Whether no file of the bridge holds `text`: neither the database nor the log.
    pub(crate) fn holds_nowhere(&self, text: &str) -> bool {
        let holds = |bytes: Vec<u8>| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let files: Vec<PathBuf> = fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 3, "a configuration, a database and a log: {files:?}");
        !files.iter().any(|file| holds(fs::read(file).unwrap()))
    }

    /// Opens the control room of the owner and waits for the bot's greeting.
    pub(crate) async fn control_room(&self) -> String {
        self.control_room_of(&self.owner).await
    }

    /// The same for anybody.
    pub(crate) async fn control_room_of(&self, human: &Human) -> String {
        let bot = self.matrix.see(Matrix::bot);
        let room = human.create_dm(&bot);
        self.bot_says(&room, "control room").await;
        room
    }

    /// From now on the bot speaks Chinese to the owner, who asks for it in `room`.
    pub(crate) async fn owner_chooses_chinese(&self, room: &str) {
        self.owner.say(room, "language zh");
        self.bot_says(room, "我用中文与你交流").await;
    }

    /// Logs the owner in; gives the control room.
    pub(crate) async fn log_in(&self) -> String {
        let room = self.control_room().await;
        self.log_in_from(&room).await;
        room
    }

    /// Logs the owner in from `room`: by QR code, and by password where there are none.
    pub(crate) async fn log_in_from(&self, room: &str) {
        self.log_in_as(&self.owner, &self.qq, room).await;
    }

    /// Logs `human` in from `room` to the account that `qq` is.
    pub(crate) async fn log_in_as(&self, human: &Human, qq: &Handle, room: &str) {
        let logins = self.told(room, LOGGED_IN);
        let World { account, options, .. } = qq.world();
        if options.era == Era::SmartQq {
            let before = self.codes_asked_about();
            human.say(room, "login");
            self.scan_a_code_with(qq, before).await;
        } else {
            let asked = self.told(room, "Write the password");
            human.say(room, &format!("login password {}", account.number));
            let is_asked = |world: &Matrix| told(world, room, "Write the password") > asked;
            self.matrix.wait_until("the password to be asked for", is_asked).await;
            human.say(room, &account.password);
        }
        self.is_told(room, LOGGED_IN, logins + 1).await;
    }

    /// How often QQ was asked about a code.
    pub(crate) fn codes_asked_about(&self) -> u64 {
        asked_about_codes(&self.qq.session())
    }

    /// Scans the code that is asked about when that happened more often than `before`, and says yes.
    pub(crate) async fn scan_a_code(&self, before: u64) {
        self.scan_a_code_with(&self.qq, before).await;
    }

    /// The same with the phone of the account that `qq` is.
    pub(crate) async fn scan_a_code_with(&self, qq: &Handle, before: u64) {
        // Whoever asks about a code has shown it: an older one is not scanned by mistake. Before any phone has scanned it, that
        // is asked of the first account.
        self.qq.wait_session(|session| asked_about_codes(session) > before).await;
        qq.wait_qr(QrState::Waiting).await;
        qq.scan().expect("a code is there");
        qq.confirm().expect("it was scanned");
    }

    /// Waits until the bot says something with `words` in it in `room`, also as an edit; gives all of it.
    pub(crate) async fn bot_says(&self, room: &str, words: &str) -> String {
        let what = format!("the bot says {words:?}");
        let said = self.matrix.wait_for(&what, |world| {
            let bot = world.bot();
            world.timeline(room).iter().filter(|event| event.sender == bot).find_map(|event| {
                let edited = event.content["m.new_content"]["body"].as_str();
                let said = edited.unwrap_or_else(|| event.body());
                said.contains(words).then(|| said.to_owned())
            })
        });
        said.await
    }

    /// Waits until somebody says exactly `text` in a room called `name`; gives the room and the speaker.
    pub(crate) async fn sees(&self, name: &str, text: &str) -> (String, String) {
        let what = format!("{text:?} in the room {name:?}");
        let seen = self.matrix.wait_for(&what, |world| {
            world
                .room_ids()
                .into_iter()
                .filter(|room| room_name(&world.state(room, "m.room.name", "")) == name)
                .find_map(|room| {
                    let event = world.timeline(&room).iter().find(|event| event.body() == text)?;
                    Some((room.clone(), event.sender.clone()))
                })
        });
        seen.await
    }

    /// Waits until a ghost says exactly `text` in any room, whatever it is called now; gives the room and the ghost.
    pub(crate) async fn shows(&self, text: &str) -> (String, String) {
        let what = format!("{text:?} in any room");
        self.matrix
            .wait_for(&what, |world| {
                world.room_ids().into_iter().find_map(|room| {
                    let said = world.timeline(&room).iter();
                    let event = said.clone().find(|event| event.body() == text && event.sender.starts_with("@qq_"))?;
                    Some((room.clone(), event.sender.clone()))
                })
            })
            .await
    }

    /// How often somebody says something with `words` in `room`.
    pub(crate) fn told(&self, room: &str, words: &str) -> usize {
        self.matrix.see(|world| told(world, room, words))
    }

    /// Waits until that was said at least `times` times.
    pub(crate) async fn is_told(&self, room: &str, words: &str, times: usize) {
        self.matrix.wait_until(words, |world| told(world, room, words) >= times).await;
    }

    /// Waits until the owner is in `room`.
    pub(crate) async fn owner_enters(&self, room: &str) {
        let owner = self.owner.id().to_owned();
        self.matrix.wait_until("the owner is in", |world| world.membership(room, &owner) == "join").await;
    }

    /// The texts of everything said in `room` by ghosts, in order.
    pub(crate) fn said_by_ghosts(&self, room: &str) -> Vec<String> {
        self.matrix
            .timeline(room)
            .iter()
            .filter(|event| event.kind == "m.room.message" && event.sender.starts_with("@qq_"))
            .map(|event| event.body().to_owned())
            .collect()
    }

    /// The texts of everything that QQ accepted for `chat`, in order.
    pub(crate) fn heard_in(&self, chat: &str) -> Vec<String> {
        self.qq.heard(0).into_iter().filter(|heard| heard.chat == chat).map(|heard| heard.text).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut bridge) = self.bridge.take() {
            // It may have ended by itself.
            let _ = bridge.kill();
            let _ = bridge.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("--- the bridge's log:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

fn asked_about_codes(session: &SessionView) -> u64 {
    session.calls.get("ptqrlogin").copied().unwrap_or_default()
}

fn told(world: &Matrix, room: &str, words: &str) -> usize {
    world.timeline(room).iter().filter(|event| event.body().contains(words)).count()
}

fn room_name(state: &Value) -> String {
    state["name"].as_str().unwrap_or_default().to_owned()
}

/// Puts `changes` over `config`.
fn merge(config: &mut Value, changes: &Value) {
    match (config, changes) {
        (Value::Object(config), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(config.entry(key).or_insert(Value::Null), change);
            }
        }
        (config, change) => *config = change.clone(),
    }
}

//! `doctor`: tries both directions against the live homeserver and the QQ side, and names the wrong key.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::net::TcpListener;
use url::Url;

use super::Fatal;
use crate::base::{Clock, Shutdown};
use crate::cli::{Exit, compare, compare_second};
use crate::config::{Config, DatabaseKind};
use crate::matrix::listener::{self, Limits};
use crate::matrix::{Appservice, Homeserver, PingError, server};
use crate::qq::{self, LoginStep};
use crate::store::{self, Obstacle};

/// How many seconds two clocks may be apart.
const MOST_APART: u64 = 60;

/// How long whoever listens on our port may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// What people in containers stumble over.
const LOCALHOST: &str = " In a container localhost is the container itself: name the container of the other instead";

/// One thing that was tried.
struct Finding {
    what: String,
    problem: Option<(Exit, String)>,
}

/// Tries everything that the bridge needs and prints what it found; fails with the first thing that is wrong.
pub async fn doctor(config: Config, registration: Option<&Path>) -> Result<(), Fatal> {
    let mut findings = vec![database(&config).await];
    findings.extend(registration.map(|path| registered(&config, path)));
    findings.extend(registration.and_then(|path| registered_second(&config, path)));
    findings.extend(matrix_side(&config).await);
    findings.push(qq_side(&config).await);
    let report: Vec<String> = findings
        .iter()
        .map(|Finding { what, problem }| match problem {
            None => format!("ok    {what}\n"),
            Some((_, why)) => format!("WRONG {what}: {why}\n"),
        })
        .collect();
    let told = std::io::stdout().write_all(report.concat().as_bytes());
    told.map_err(|why| Fatal::new(Exit::Failure, format!("cannot write to standard output: {why}")))?;
    let wrong: Vec<Exit> = findings.iter().filter_map(|finding| Some(finding.problem.as_ref()?.0)).collect();
    match wrong.first() {
        None => Ok(()),
        Some(exit) => Err(Fatal::new(*exit, format!("{} of {} checks failed", wrong.len(), findings.len()))),
    }
}

fn fine(what: impl Into<String>) -> Finding {
    Finding { what: what.into(), problem: None }
}

fn wrong(what: impl Into<String>, exit: Exit, why: impl Into<String>) -> Finding {
    Finding { what: what.into(), problem: Some((exit, why.into())) }
}

/// Looks at the database without opening it as a bridge does: a running bridge holds it.
async fn database(config: &Config) -> Finding {
    let what = format!("database.uri {}", config.database.shown_uri());
    let tried = match config.database.kind {
        DatabaseKind::Sqlite => file(&config.database.uri),
        DatabaseKind::Postgres => server(config).await,
    };
    match tried {
        Ok(()) => fine(what),
        Err(why) => wrong(what, Exit::Database, why),
    }
}

/// Whether SQLite could write to the file in `uri`.
fn file(uri: &str) -> Result<(), String> {
    let path = uri.trim_start_matches("sqlite:").trim_start_matches("file:");
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(format!("there is no folder {}; make it", folder.display()));
    }
    try_to_write(Path::new(path), folder.unwrap_or_else(|| Path::new("."))).map_err(|why| {
        format!("it cannot be written to ({why}); it and its folder have to belong to the user that the bridge runs as")
    })
}

/// Whether a bridge could start on the PostgreSQL server. That of this configuration may be running there.
async fn server(config: &Config) -> Result<(), String> {
    let obstacle = match store::try_postgres(&config.database.uri).await {
        Ok(()) => return Ok(()),
        Err(obstacle) => obstacle,
    };
    match obstacle {
        Obstacle::Refused(store::Error::InUse)
            if is_bridge(&config.appservice.hostname, config.appservice.port).await =>
        {
            Ok(())
        }
        Obstacle::Unreachable(_) if is_loopback(&config.database.uri) => Err(format!("{obstacle}{LOCALHOST}")),
        obstacle => Err(obstacle.to_string()),
    }
}

/// Writes nothing into the database, and a file beside it that goes at once, as SQLite does.
fn try_to_write(path: &Path, folder: &Path) -> io::Result<()> {
    if path.exists() {
        File::options().append(true).open(path)?;
    }
    let probe = folder.join(format!(".matrix-webqq-doctor-{}", std::process::id()));
    File::options().write(true).create_new(true).open(&probe)?;
    fs::remove_file(probe)
}

/// Whether the registration in `path` is what the configuration would make.
fn registered(config: &Config, path: &Path) -> Finding {
    let what = format!("registration {}", path.display());
    match compare(config, path) {
        Ok(()) => fine(what),
        Err(Fatal { exit, message }) => wrong(what, exit, message),
    }
}

/// Whether the registration for double puppets, beside the one in `path`, fits; nothing when there is none or none is needed.
fn registered_second(config: &Config, path: &Path) -> Option<Finding> {
    match compare_second(config, path) {
        Ok(second) => second.map(|second| fine(format!("registration {}", second.display()))),
        Err(Fatal { exit, message }) => Some(wrong("registration for double puppets", exit, message)),
    }
}

async fn matrix_side(config: &Config) -> Vec<Finding> {
    let towards = format!("homeserver.address {}", config.homeserver.address);
    let homeserver = match Homeserver::new(&config.homeserver, &config.appservice).await {
        Ok(homeserver) => homeserver,
        Err(why) => return vec![wrong(towards, Exit::ConfigInvalid, why.to_string())],
    };
    // A homeserver that refuses the token may do so at the first question; it is there all the same.
    if let Err(why) = homeserver.versions().await
        && !why.is_token_refused()
    {
        let fix = "is the homeserver running, and is this the address of its client API?";
        let hint = if is_loopback(&config.homeserver.address) { LOCALHOST } else { "" };
        return vec![wrong(towards, Exit::HomeserverUnreachable, format!("{why}; {fix}{hint}"))];
    }
    let mut findings = vec![fine(towards)];
    findings.extend(homeserver.date().await.and_then(|date| clock(&date, Clock::system().now_ms())));
    let us = match homeserver.whoami().await {
        Ok(us) => us,
        Err(why) => {
            let fix = "the homeserver does not know it: give it the registration with the same token and restart it";
            findings.push(wrong("appservice.as_token", Exit::TokenRefused, format!("{why}; {fix}")));
            return findings;
        }
    };
    findings.push(fine("appservice.as_token"));
    let domain = format!("homeserver.domain {}", config.homeserver.domain);
    findings.push(if us.server_name() == config.homeserver.domain.as_str() {
        fine(domain)
    } else {
        wrong(domain, Exit::WrongAccount, format!("the homeserver calls itself {}", us.server_name()))
    });
    findings.push(back_to_us(config, &homeserver).await);
    findings
}

/// Whether the homeserver reaches us: a running bridge answers for itself, else a listener of our own does.
async fn back_to_us(config: &Config, homeserver: &Homeserver) -> Finding {
    let what = format!("appservice.address {}", config.appservice.address);
    let shutdown = Shutdown::new();
    let wanted = (config.appservice.hostname.as_str(), config.appservice.port);
    match TcpListener::bind(wanted).await {
        Ok(listener) => answer_pings(config, listener, &shutdown),
        Err(why) if why.kind() == io::ErrorKind::AddrInUse && is_bridge(wanted.0, wanted.1).await => {}
        Err(why) if why.kind() == io::ErrorKind::AddrInUse => {
            let fix = "something else than this bridge listens there: stop it, or change the port here and in appservice.address";
            return wrong(format!("appservice.port {}", wanted.1), Exit::NoListener, fix);
        }
        Err(why) => {
            let what = format!("appservice.hostname {} and appservice.port {}", wanted.0, wanted.1);
            return wrong(what, Exit::NoListener, format!("cannot listen there: {why}"));
        }
    }
    let pinged = homeserver.ping("doctor").await;
    shutdown.begin();
    match pinged {
        Ok(_) | Err(PingError::Unsupported) => fine(what),
        Err(why) => {
            let exit = super::start::ping_exit(&why);
            wrong(what, exit, format!("{why}; {}", fix(&why, config)))
        }
    }
}

/// Whether a bridge of ours listens there.
async fn is_bridge(host: &str, port: u16) -> bool {
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "::" => "[::1]",
        host => host,
    };
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build() else { return false };
    let answer = client.get(format!("http://{host}:{port}/health")).send().await;
    let Ok(answer) = answer else { return false };
    let health: serde_json::Value = answer.json().await.unwrap_or_default();
    health.get("name").and_then(serde_json::Value::as_str) == Some(env!("CARGO_PKG_NAME"))
}

/// Whether `address` leads to the machine, or the container, that asks.
fn is_loopback(address: &str) -> bool {
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."))
}

/// Whether our clock agrees with the homeserver's, which writes the time as `date`; nothing when that cannot be read.
fn clock(date: &str, now_ms: i64) -> Option<Finding> {
    let ahead = now_ms / 1000 - seconds(date)?;
    let what = "the clock of this machine";
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Some(if ahead.unsigned_abs() <= MOST_APART {
        fine(what)
    } else {
        let fix = "set both by the network, such as with `timedatectl set-ntp true`";
        wrong(what, Exit::Failure, format!("it is {} s {way} the homeserver's; {fix}", ahead.unsigned_abs()))
    })
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in seconds since 1970. Source: RFC 9110, 5.6.7.
fn seconds(date: &str) -> Option<i64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut words = date.split_once(", ")?.1.split([' ', ':']);
    let mut word = || words.next();
    let (day, month, year) = (word()?.parse().ok()?, word()?, word()?.parse().ok()?);
    let month = u8::try_from(MONTHS.find(month)? / 3 + 1).ok()?;
    let date = time::Date::from_calendar_date(year, time::Month::try_from(month).ok()?, day).ok()?;
    let (hour, minute, second) = (word()?.parse().ok()?, word()?.parse().ok()?, word()?.parse().ok()?);
    Some(date.with_hms(hour, minute, second).ok()?.assume_utc().unix_timestamp())
}

fn answer_pings(config: &Config, listener: TcpListener, shutdown: &Shutdown) {
    let appservice = Appservice {
        hs_token: config.appservice.hs_token.clone(),
        // Nothing is acknowledged here: the homeserver keeps it for the bridge.
        sink: Arc::new(|_| async { Err(server::SinkError("doctor keeps nothing".to_owned())) }.boxed()),
        knows_user: Arc::new(|_| async { false }.boxed()),
        is_ready: Arc::new(|| false),
        public: None,
    };
    let (router, until) = (server::router(appservice), shutdown.clone());
    shutdown.spawn(async move {
        // It ends with the ping; what it cannot do shows in the ping's result.
        listener::serve(listener, router, Limits::default(), &until).await;
    });
}

/// What to do about a ping that failed.
pub(super) fn fix(why: &PingError, config: &Config) -> String {
    let address = &config.appservice.address;
    match why {
        PingError::TokenRefused => {
            "appservice.as_token: give the registration to the homeserver and restart it".to_owned()
        }
        PingError::WrongId => {
            "appservice.id: make it the same as `id` in the registration, or run `matrix-webqq -g` again".to_owned()
        }
        PingError::NoUrl => format!("set `url: {address}` in the registration and restart the homeserver"),
        PingError::CannotReachUs => format!(
            "appservice.address and the registration's `url` have to be an address at which the homeserver reaches this \
             machine ({address} now); in a container localhost is the container itself"
        ),
        PingError::HsTokenWrong { .. } => {
            "appservice.hs_token: make it the same as in the homeserver's registration, or run `matrix-webqq -g` again"
                .to_owned()
        }
        PingError::SomebodyElse(_) => {
            format!("appservice.address: {address} leads to something else than this bridge")
        }
        PingError::Unsupported => "use a homeserver that knows Matrix 1.7 or later".to_owned(),
        PingError::Homeserver(_) => "look at the homeserver's log".to_owned(),
    }
}

/// Whether QQ hands out a QR code, if it has any.
async fn qq_side(config: &Config) -> Finding {
    let server = config.network.webqq.server.as_ref().map_or("the real WebQQ hosts", |server| server.as_str());
    let what = format!("network.webqq.server {server}");
    if !qq::offers(&config.network).qr {
        // There is nothing that a login by password would tell without a password.
        return fine(format!("{what} (not asked: its era has no QR codes)"));
    }
    let clock = Clock::system();
    let step = match qq::begin_login(&config.network, qq::Method::Qr, &clock) {
        Ok(mut login) => login.step().await,
        Err(why) => return wrong(what, Exit::ConfigInvalid, why.to_string()),
    };
    match step {
        Ok(LoginStep::ShowQr(_)) => fine(what),
        Ok(_) => wrong(what, Exit::Failure, "it answered, but not with a QR code"),
        Err(why) => {
            let fix = "Tencent closed WebQQ in 2019: set it to a simulator such as http://127.0.0.1:9700 (`webqq-sim`)";
            wrong(what, Exit::Failure, format!("{why}; {fix}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_off_is_told_by_what_the_homeserver_says() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(seconds(date), Some(784_111_777));
        for (now_s, problem) in [
            (784_111_777, None),
            (784_111_837, None),
            (784_111_900, Some("123 s ahead of")),
            (784_111_000, Some("777 s behind")),
        ] {
            let said = clock(date, now_s * 1000).unwrap().problem.map(|(_, why)| why);
            assert_eq!(said.is_some(), problem.is_some(), "{now_s}");
            assert!(problem.is_none_or(|words| said.unwrap().contains(words)), "{now_s}");
        }
        for odd in ["", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert!(clock(odd, 0).is_none(), "{odd}");
        }
    }
}

//! `doctor`: tries both directions against the live homeserver and the QQ side, and names the wrong key.

use std::io::Write as _;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::net::TcpListener;

use super::Fatal;
use crate::base::{Clock, Shutdown};
use crate::cli::Exit;
use crate::config::Config;
use crate::matrix::listener::{self, Limits};
use crate::matrix::{Appservice, Homeserver, PingError, server};
use crate::qq::{self, LoginStep};

/// One thing that was tried.
struct Finding {
    what: String,
    problem: Option<(Exit, String)>,
}

/// Tries everything that the bridge needs and prints what it found; fails with the first thing that is wrong.
pub async fn doctor(config: Config) -> Result<(), Fatal> {
    let mut findings = vec![database(&config)];
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

/// Looks at the place of the database without opening it: a running bridge holds it.
fn database(config: &Config) -> Finding {
    let what = format!("database.uri {}", without_password(&config.database.uri));
    let path = config.database.uri.trim_start_matches("sqlite:").trim_start_matches("file:");
    let folder = std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !path.contains("://") && !folder.is_dir() => {
            wrong(what, Exit::Database, format!("there is no folder {}; make it", folder.display()))
        }
        _ => fine(what),
    }
}

/// A database address without what is between `//` and `@`.
fn without_password(uri: &str) -> String {
    match (uri.find("://"), uri.rfind('@')) {
        (Some(start), Some(end)) if start < end => {
            let (head, tail) = (uri.get(..start + 3), uri.get(end..));
            format!("{}***{}", head.unwrap_or_default(), tail.unwrap_or_default())
        }
        _ => uri.to_owned(),
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
        return vec![wrong(towards, Exit::HomeserverUnreachable, format!("{why}; {fix}"))];
    }
    let mut findings = vec![fine(towards)];
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
        Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => {}
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
    fn a_database_password_is_not_shown() {
        assert_eq!(without_password("postgres://u:p@h/db"), "postgres://***@h/db");
        assert_eq!(without_password("file:a.db"), "file:a.db");
    }
}

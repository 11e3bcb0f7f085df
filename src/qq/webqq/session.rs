//! A logged-in session: its tickets, its cookies, and how they are kept.

use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::clientid::Clientid;
use super::era::Era;
use super::http::{Answer, Ask, Fault, Http, Service};
use super::jar::Jar;
use super::number::Uin;
use crate::base::Secret;
use crate::qq::{AccountId, Error, Session, Status};

/// What every call of a session carries. It has no `Debug`: all of it is secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tickets {
    /// The account's own, real number.
    pub(crate) uin: Uin,
    /// The web session, also a cookie; empty for some accounts since 2017.
    pub(crate) ptwebqq: String,
    /// Opens the lists.
    pub(crate) vfwebqq: String,
    /// Opens the channel.
    pub(crate) psessionid: String,
    /// Who we say we are; sessions of earlier versions kept none.
    #[serde(default)]
    pub(crate) clientid: Clientid,
    /// How the account shows itself; sessions of earlier versions kept none.
    #[serde(default)]
    pub(crate) status: Status,
}

/// What [`Session::body`] holds.
#[derive(Serialize, Deserialize)]
struct Sealed {
    tickets: Tickets,
    cookies: String,
}

/// A session in use.
pub(crate) struct Link {
    http: Http,
    account: AccountId,
    nick: String,
    epoch: String,
    held: RwLock<Held>,
}

struct Held {
    tickets: Tickets,
    saved: Arc<Session>,
    /// Of which cookies `saved` is; `None` when the tickets have changed since.
    saved_of: Option<u64>,
}

impl Link {
    /// Begins with the tickets of a new login. Its epoch is made from the psessionid, which no other login has.
    pub(crate) fn new(http: Http, tickets: Tickets, nick: String) -> Self {
        let epoch = epoch(&tickets.psessionid);
        Self::with(http, tickets, nick, epoch)
    }

    /// Takes up a kept session.
    pub(crate) fn restore(service: Service, session: &Session) -> Result<Self, Error> {
        let sealed: Sealed = serde_json::from_str(session.body.expose())
            .map_err(|why| Error::SessionUnreadable(format!("{:?} error", why.classify())))?;
        let jar = Jar::load(&sealed.cookies).ok_or_else(|| Error::SessionUnreadable("its cookies".to_owned()))?;
        if sealed.tickets.uin.to_string() != session.account.as_str() {
            return Err(Error::SessionUnreadable("it belongs to another account".to_owned()));
        }
        let http = Http::new(service, jar)?;
        Ok(Self::with(http, sealed.tickets, session.nick.clone(), session.epoch.clone()))
    }

    /// The connection with its cookies, for another login.
    pub(crate) fn into_http(self) -> Http {
        self.http
    }

    fn with(http: Http, tickets: Tickets, nick: String, epoch: String) -> Self {
        let account = AccountId::new(tickets.uin.to_string());
        let (saved_of, body) = (Some(http.jar.version()), seal(&tickets, &http.jar));
        let saved = Arc::new(Session { account: account.clone(), nick: nick.clone(), epoch: epoch.clone(), body });
        Self { http, account, nick, epoch, held: RwLock::new(Held { tickets, saved, saved_of }) }
    }

    /// Asks once.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Fault> {
        if !(self.era().chooses_clientid && ask.posts_to_channel()) {
            return self.http.ask(ask).await;
        }
        let tickets = self.tickets();
        let clientid = tickets.clientid.as_str().to_owned();
        self.http.ask(ask.beside([("clientid", clientid), ("psessionid", tickets.psessionid)])).await
    }

    /// The address that `ask` means.
    pub(crate) fn address(&self, ask: &Ask) -> Option<Url> {
        self.http.address(ask).ok()
    }

    /// Of which time the QQ is that is asked.
    pub(crate) fn era(&self) -> &'static Era {
        self.http.era()
    }

    /// The `Cookie` header that a call of `url` carries.
    pub(crate) fn cookies(&self, url: &Url) -> Option<String> {
        self.http.jar.header(url)
    }

    /// The cookie `name` as `url` gets it; empty when there is none.
    pub(crate) fn cookie(&self, url: &str, name: &str) -> String {
        Url::parse(url).ok().and_then(|url| self.http.jar.value(&url, name)).unwrap_or_default()
    }

    /// The tickets of this moment.
    pub(crate) fn tickets(&self) -> Tickets {
        self.held.read().unwrap_or_else(PoisonError::into_inner).tickets.clone()
    }

    /// The session whose numbers this link speaks in.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Whose session it is.
    pub(crate) fn account(&self) -> &AccountId {
        &self.account
    }

    /// The account's own nick.
    pub(crate) fn nick(&self) -> &str {
        &self.nick
    }

    /// The account's own number.
    pub(crate) fn uin(&self) -> Uin {
        self.held.read().unwrap_or_else(PoisonError::into_inner).tickets.uin
    }

    /// Takes the new `ptwebqq` of a 116, as ticket and as cookie. Source: protocol dossier 5.4.
    pub(crate) fn rotate(&self, ptwebqq: &str) {
        if let Ok(site) = Url::parse("https://d1.web2.qq.com/") {
            let cookie = ["ptwebqq=", ptwebqq, "; PATH=/; DOMAIN=qq.com"].concat();
            self.http.jar.take(&site, std::iter::once(cookie.as_str()));
        }
        self.change(|tickets| ptwebqq.clone_into(&mut tickets.ptwebqq));
    }

    /// Changes the tickets; the epoch stays, since numbers outlive a relink.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Tickets)) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut held.tickets);
        held.saved_of = None;
    }

    /// What must survive a restart; the same `Arc` until something in it changed.
    pub(crate) fn session(&self) -> Arc<Session> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        // Before they are saved: what comes meanwhile is looked at the next time.
        let now = Some(self.http.jar.version());
        if held.saved_of == now {
            return Arc::clone(&held.saved);
        }
        held.saved_of = now;
        let body = seal(&held.tickets, &self.http.jar);
        if body != held.saved.body {
            let (account, nick, epoch) = (self.account.clone(), self.nick.clone(), self.epoch.clone());
            held.saved = Arc::new(Session { account, nick, epoch, body });
        }
        Arc::clone(&held.saved)
    }
}

fn seal(tickets: &Tickets, jar: &Jar) -> Secret {
    let sealed = Sealed { tickets: tickets.clone(), cookies: jar.save() };
    // Strings and numbers only: this cannot fail, and an empty body reads as "log in again".
    Secret::new(serde_json::to_string(&sealed).unwrap_or_default())
}

fn epoch(psessionid: &str) -> String {
    hex::encode(Sha256::digest(psessionid)).chars().take(16).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A session that never asked anything.
    pub(crate) fn link() -> Link {
        let (ptwebqq, vfwebqq, psessionid) = ("web".to_owned(), "vf".to_owned(), "ps".to_owned());
        let (clientid, status) = (Clientid::default(), Status::Online);
        let tickets = Tickets { uin: Uin(10_001), ptwebqq, vfwebqq, psessionid, clientid, status };
        let http = Http::new(service(), Jar::default()).unwrap();
        Link::new(http, tickets, "me".to_owned())
    }

    fn service() -> Service {
        Service::of(&crate::config::WebQq::default())
    }

    #[test]
    fn a_kept_session_comes_back_whole_and_prints_nothing() {
        let link = link();
        link.rotate("new");
        let session = link.session();
        assert!(!format!("{session:?}").contains("new"));
        let again = Link::restore(service(), &session).ok().unwrap();
        assert!(again.tickets() == link.tickets() && again.tickets().ptwebqq == "new");
        assert_eq!((again.epoch(), again.account()), (link.epoch(), link.account()));
        assert_eq!(again.session().body, session.body);
    }

    #[test]
    fn the_session_is_the_same_arc_until_something_changes() {
        let link = link();
        let first = link.session();
        assert!(Arc::ptr_eq(&first, &link.session()));
        link.rotate("new");
        let second = link.session();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&second, &link.session()));
        assert_eq!(first.epoch, second.epoch);
        let site = Url::parse("https://d1.web2.qq.com/").unwrap();
        link.http.jar.take(&site, std::iter::once("ptwebqq=new; PATH=/; DOMAIN=qq.com"));
        assert!(Arc::ptr_eq(&second, &link.session()), "the same cookie again");
        link.http.jar.take(&site, std::iter::once("p_skey=x; PATH=/; DOMAIN=qq.com"));
        let third = link.session();
        assert!(!Arc::ptr_eq(&second, &third), "another cookie");
        link.change(|tickets| "other".clone_into(&mut tickets.vfwebqq));
        assert!(!Arc::ptr_eq(&third, &link.session()), "another ticket");
    }

    #[test]
    fn a_session_that_cannot_be_read_asks_for_a_login() {
        let session = link().session();
        for spoilt in [
            Session { body: Secret::new("{}"), ..(*session).clone() },
            Session { account: AccountId::new("7"), ..(*session).clone() },
        ] {
            let error = Link::restore(service(), &spoilt).err().unwrap();
            assert_eq!(error.verdict(), crate::qq::Verdict::LogIn);
        }
    }
}

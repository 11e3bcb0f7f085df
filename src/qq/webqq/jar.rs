//! The cookies of one login, under their real qq.com domains whichever server answers in QQ's place.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cookie_store::{CookieStore, RawCookie};
use url::Url;

/// A cookie jar that can be kept, session cookies included: QQ's login is nothing but session cookies.
#[derive(Default)]
pub(crate) struct Jar {
    store: Mutex<CookieStore>,
    /// How many answers have brought cookies.
    taken: AtomicU64,
}

impl Jar {
    /// The `Cookie` header for `url`; `None` when there is no cookie for it.
    pub(crate) fn header(&self, url: &Url) -> Option<String> {
        let store = self.store();
        let mut pairs: Vec<String> =
            store.get_request_values(url).map(|(name, value)| [name, value].join("=")).collect();
        pairs.sort();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Takes the `Set-Cookie` headers of an answer to `url`. Whether any cookie changed.
    pub(crate) fn take<'a>(&self, url: &Url, headers: impl Iterator<Item = &'a str>) -> bool {
        let mut headers = headers.peekable();
        if headers.peek().is_none() {
            return false;
        }
        let mut store = self.store();
        self.taken.fetch_add(1, Ordering::Relaxed);
        let before = values(&store);
        for header in headers {
            if let Ok(cookie) = RawCookie::parse(header.to_owned()) {
                // A cookie for somebody else's domain is refused by the store; that is all there is to do about it.
                let _ = store.insert_raw(&cookie, url);
            }
        }
        values(&store) != before
    }

    /// The value of a cookie that would go to `url`.
    pub(crate) fn value(&self, url: &Url, name: &str) -> Option<String> {
        self.store().get_request_values(url).find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }

    /// Another number whenever [`Jar::save`] may give something else.
    pub(crate) fn version(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Every cookie as JSON.
    pub(crate) fn save(&self) -> String {
        let mut json = Vec::new();
        let saved = cookie_store::serde::json::save_incl_expired_and_nonpersistent(&self.store(), &mut json);
        saved.ok().and_then(|()| String::from_utf8(json).ok()).unwrap_or_else(|| "[]".to_owned())
    }

    /// What [`Jar::save`] gave; `None` when it is not that.
    pub(crate) fn load(json: &str) -> Option<Self> {
        let store = cookie_store::serde::json::load_all(json.as_bytes()).ok()?;
        Some(Self { store: Mutex::new(store), taken: AtomicU64::default() })
    }

    fn store(&self) -> MutexGuard<'_, CookieStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn values(store: &CookieStore) -> BTreeSet<(String, String, String)> {
    store
        .iter_unexpired()
        .map(|cookie| (String::from(&cookie.domain), cookie.name().to_owned(), cookie.value().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn cookies_keep_their_domains_and_survive_being_saved() {
        let jar = Jar::default();
        let login = url("https://ssl.ptlogin2.qq.com/ptqrlogin");
        let headers = [
            "qrsig=sig; PATH=/; DOMAIN=ptlogin2.qq.com;",
            "ptwebqq=web; PATH=/; DOMAIN=qq.com; Secure",
            "theirs=x; PATH=/; DOMAIN=example.com;",
            "old=1; EXPIRES=Fri, 02-Jan-1970 00:00:00 GMT; PATH=/; DOMAIN=qq.com;",
        ];
        assert!(jar.take(&login, headers.into_iter()));
        assert!(!jar.take(&login, headers.into_iter()), "the same again is no change");
        let jar = Jar::load(&jar.save()).unwrap();
        assert_eq!(jar.header(&login).unwrap(), "ptwebqq=web; qrsig=sig");
        assert_eq!(jar.header(&url("https://d1.web2.qq.com/channel/poll2")).unwrap(), "ptwebqq=web");
        assert_eq!(jar.header(&url("https://example.com/")), None);
        assert_eq!(jar.value(&login, "qrsig").as_deref(), Some("sig"));
        assert!(Jar::load("nonsense").is_none());
    }

    #[test]
    fn a_deleted_cookie_is_gone() {
        let jar = Jar::default();
        let site = url("https://ptlogin4.web2.qq.com/check_sig");
        jar.take(&site, ["p_skey=a; PATH=/; DOMAIN=web2.qq.com;"].into_iter());
        assert!(
            jar.take(
                &site,
                ["p_skey=; EXPIRES=Fri, 02-Jan-1970 00:00:00 GMT; PATH=/; DOMAIN=web2.qq.com;"].into_iter()
            )
        );
        assert_eq!(jar.header(&site), None);
    }
}

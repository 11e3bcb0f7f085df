//! Who may see the status page: whoever shows the secret, or a cookie that was signed with it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokio::time::Instant;

use crate::base::Secret;

/// What the cookie is called.
const NAME: &str = "webqq_status";

/// How long it is good, in seconds.
const LIFETIME_S: i64 = 12 * 60 * 60;

/// How many wrong secrets may be shown at once.
const TRIES: u32 = 5;

/// After how long one more may be.
const ONE_MORE: Duration = Duration::from_secs(10);

/// What came of showing something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is right.
    Right,
    /// It is not.
    Wrong,
    /// Too many were wrong: it was not looked at.
    TooMany,
}

/// Knows the secret, and how often somebody guessed.
#[derive(Debug)]
pub(super) struct Key {
    secret: Secret,
    guesses: Mutex<Guesses>,
}

#[derive(Debug)]
struct Guesses {
    left: u32,
    since: Instant,
}

impl Key {
    /// For `secret`.
    pub(super) fn new(secret: Secret) -> Self {
        Self { secret, guesses: Mutex::new(Guesses { left: TRIES, since: Instant::now() }) }
    }

    /// Whether `shown` is the secret; compared in constant time, and wrong ones only so often.
    pub(super) fn try_secret(&self, shown: &str) -> Shown {
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        while guesses.left < TRIES && guesses.since.elapsed() >= ONE_MORE {
            guesses.since += ONE_MORE;
            guesses.left += 1;
        }
        if guesses.left == 0 {
            return Shown::TooMany;
        }
        if !self.secret.is_empty() && self.secret.matches(shown) {
            return Shown::Right;
        }
        if guesses.left == TRIES {
            guesses.since = Instant::now();
        }
        guesses.left -= 1;
        Shown::Wrong
    }

    /// Whether whoever sent `headers` may come in: by a cookie of ours, or by the secret as a bearer token.
    pub(super) fn admits(&self, headers: &HeaderMap, now_ms: i64) -> Shown {
        if cookie(headers).is_some_and(|cookie| self.is_ours(cookie, now_ms / 1000)) {
            return Shown::Right;
        }
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
        match bearer {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => self.try_secret(token.trim()),
            _ => Shown::Wrong,
        }
    }

    /// The header that gives a browser a cookie. It is sent to the folder of this page only, wherever a proxy puts that, and
    /// read by no script.
    pub(super) fn cookie(&self, now_ms: i64, is_secure: bool) -> String {
        let until = now_ms / 1000 + LIFETIME_S;
        let signature = hex::encode(self.sign(until).finalize().into_bytes());
        let secure = if is_secure { "; Secure" } else { "" };
        format!("{NAME}={until}.{signature}; Max-Age={LIFETIME_S}; HttpOnly; SameSite=Strict{secure}")
    }

    /// The header that takes it back.
    pub(super) fn no_cookie() -> String {
        format!("{NAME}=; Max-Age=0; HttpOnly; SameSite=Strict")
    }

    fn is_ours(&self, cookie: &str, now_s: i64) -> bool {
        let Some((until, signature)) = cookie.split_once('.') else { return false };
        let (Ok(until), Ok(signature)) = (until.parse::<i64>(), hex::decode(signature)) else { return false };
        // In constant time.
        self.sign(until).verify_slice(&signature).is_ok() && now_s <= until && !self.secret.is_empty()
    }

    fn sign(&self, until: i64) -> Hmac<Sha256> {
        // A key of any length will do.
        let mut digest = Hmac::<Sha256>::new_from_slice(self.secret.expose().as_bytes())
            .unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
        digest.update(b"matrix-webqq status page ");
        digest.update(until.to_string().as_bytes());
        digest
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    fn given(key: &Key) -> String {
        key.cookie(NOW_MS, true).split(';').next().unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_cookie_of_ours_lets_in_until_its_time_is_over_and_no_other_does() {
        let key = Key::new(Secret::new("a long secret"));
        let ours = given(&key);
        let admits = |cookie: &str, now_ms| key.admits(&headers("cookie", cookie), now_ms) == Shown::Right;
        assert!(admits(&ours, NOW_MS) && admits(&format!("a=b; {ours}"), NOW_MS));
        assert!(!admits(&ours, NOW_MS + (LIFETIME_S + 1) * 1000), "too old");
        let (until, _) = ours.split_once('.').unwrap();
        for forged in ["webqq_status=", "webqq_status=1.", &format!("{until}.00"), &ours.replace('=', "=9"), "x=y"] {
            assert!(!admits(forged, NOW_MS), "{forged}");
        }
        let other = given(&Key::new(Secret::new("another secret")));
        assert!(!admits(&other, NOW_MS), "signed with another secret");
        let none = Key::new(Secret::default());
        assert_eq!(
            none.admits(&headers("cookie", &given(&none)), NOW_MS),
            Shown::Wrong,
            "an empty secret lets nobody in"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_may_be_guessed_only_so_often_and_then_is_not_even_looked_at() {
        let key = Key::new(Secret::new("right"));
        assert_eq!(key.admits(&headers("authorization", "Bearer right"), NOW_MS), Shown::Right);
        for _ in 0..TRIES {
            assert_eq!(key.try_secret("wrong"), Shown::Wrong);
        }
        assert_eq!((key.try_secret("wrong"), key.try_secret("right")), (Shown::TooMany, Shown::TooMany));
        tokio::time::advance(ONE_MORE).await;
        assert_eq!(key.try_secret("wrong"), Shown::Wrong);
        assert_eq!(key.try_secret("right"), Shown::TooMany);
        tokio::time::advance(ONE_MORE).await;
        assert_eq!(key.try_secret("right"), Shown::Right);
    }
}

//! Who asks: somebody with the shared secret, who acts for everybody, or a person with their own access token.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::Uri;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use matrix_sdk::ruma::OwnedUserId;
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::answer::Refused;
use crate::base::Secret;
use crate::bridge::Bridge;
use crate::config::Permission;
use crate::matrix;

/// How long it is remembered whose a token is, in which it may be taken back.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// How many tokens are remembered at most.
const MOST_KNOWN: usize = 1000;
/// How many tokens the homeserver is asked about at once.
const QUESTIONS: usize = 4;

/// The person for whom a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person(pub(super) String);

/// Knows whose tokens are.
#[derive(Debug)]
pub(super) struct Doorman {
    known: Mutex<Known>,
    questions: Semaphore,
}

impl Default for Doorman {
    fn default() -> Self {
        Self { known: Mutex::default(), questions: Semaphore::new(QUESTIONS) }
    }
}

impl Doorman {
    /// The person for whom `headers` ask for `uri`; they may log in.
    pub(super) async fn admit(&self, bridge: &Bridge, headers: &HeaderMap, uri: &Uri) -> Result<Person, Refused> {
        let settings = &bridge.config.provisioning;
        if settings.is_disabled() {
            return Err(Refused::forbidden("Provisioning API is disabled"));
        }
        let shown = bearer(headers).ok_or_else(Refused::missing_token)?;
        let wanted = query(uri, "user_id");
        let person = if settings.is_secret(shown.expose()) {
            let wanted = wanted.ok_or_else(|| Refused::invalid("user_id is missing"))?;
            OwnedUserId::try_from(wanted).map_err(|_| Refused::invalid("user_id is no user id"))?
        } else if settings.allow_matrix_auth {
            let owner = self.owner_of(bridge, &shown).await.map_err(|error| {
                tracing::warn!(%error, "the homeserver could not be asked whose an access token is");
                Refused::failed("The homeserver does not say whose the token is")
            })?;
            owner
                .filter(|owner| wanted.is_none_or(|wanted| owner == wanted.as_str()))
                .ok_or_else(Refused::unknown_token)?
        } else {
            return Err(Refused::unknown_token());
        };
        let may_log_in = bridge.config.bridge.permission(person.as_str()) >= Permission::User;
        if bridge.homeserver.is_ours(&person) || !may_log_in {
            return Err(Refused::forbidden("User does not have login permissions"));
        }
        Ok(Person(person.into()))
    }

    async fn owner_of(&self, bridge: &Bridge, token: &Secret) -> Result<Option<OwnedUserId>, matrix::Error> {
        let hash = Sha256::digest(token.expose()).into();
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(owner) = known().owner(&hash) {
            return Ok(Some(owner));
        }
        // It is never closed.
        let _turn = self.questions.acquire().await;
        let owner = bridge.homeserver.owner_of(token).await?;
        if let Some(owner) = &owner {
            known().put(hash, owner.clone());
        }
        Ok(owner)
    }
}

/// Owners of tokens, by the tokens' hashes.
#[derive(Debug, Default)]
struct Known(HashMap<[u8; 32], (OwnedUserId, Instant)>);

impl Known {
    fn owner(&self, hash: &[u8; 32]) -> Option<OwnedUserId> {
        self.0.get(hash).filter(|(_, since)| since.elapsed() < GOOD_FOR).map(|(owner, _)| owner.clone())
    }

    fn put(&mut self, hash: [u8; 32], owner: OwnedUserId) {
        if self.0.len() >= MOST_KNOWN {
            self.0.retain(|_, (_, since)| since.elapsed() < GOOD_FOR);
        }
        if self.0.len() >= MOST_KNOWN {
            let oldest = self.0.iter().min_by_key(|(_, (_, since))| *since).map(|(hash, _)| *hash);
            oldest.and_then(|oldest| self.0.remove(&oldest));
        }
        self.0.insert(hash, (owner, Instant::now()));
    }
}

fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| Secret::new(token))
}

/// What `uri` says of `name` behind its question mark, if anything.
fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The login that `uri` names; an empty name is none.
pub(super) fn login_id(uri: &Uri) -> Option<String> {
    query(uri, "login_id").filter(|account| !account.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whose_a_token_is_is_known_for_five_minutes_and_never_of_more_than_a_thousand() {
        let mut known = Known::default();
        let alice = || OwnedUserId::try_from("@alice:hs.test").unwrap();
        let hash = |n: usize| <[u8; 32]>::from(Sha256::digest(n.to_be_bytes()));
        for n in 0..MOST_KNOWN + 10 {
            known.put(hash(n), alice());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(known.0.len(), MOST_KNOWN);
        assert_eq!((known.owner(&hash(0)), known.owner(&hash(MOST_KNOWN))), (None, Some(alice())));
        tokio::time::advance(GOOD_FOR).await;
        assert_eq!(known.owner(&hash(MOST_KNOWN)), None);
        known.put(hash(0), alice());
        assert_eq!(known.0.len(), 1, "what is too old goes first");
    }

    #[test]
    fn a_token_stands_behind_the_word_bearer() {
        let shown = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(|token| token.expose().to_owned())
        };
        assert_eq!(shown("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(shown("bearer  abc"), Some("abc".to_owned()));
        for nothing in ["", "Bearer", "Bearer ", "abc", "Basic abc"] {
            assert_eq!(shown(nothing), None, "{nothing:?}");
        }
        let uri: Uri = "/x?user_id=%40a%3Ahs&login_id=".parse().unwrap();
        assert_eq!(query(&uri, "user_id").as_deref(), Some("@a:hs"));
        assert_eq!((query(&uri, "login_id").as_deref(), login_id(&uri)), (Some(""), None));
    }
}

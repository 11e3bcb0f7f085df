//! QR codes that are on show now, each at an address that nobody guesses, for those whose client shows no pictures.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::StatusPage;

/// A code that is on show.
#[derive(Clone)]
pub struct Code {
    /// The picture.
    pub png: Arc<Vec<u8>>,
    /// Who is logging in.
    pub owner: String,
}

/// All that are on show, by the last part of their addresses.
#[derive(Clone, Default)]
pub struct Codes(Arc<Mutex<HashMap<String, Code>>>);

/// Takes its code down when it is dropped.
pub struct OnShow {
    codes: Codes,
    token: String,
}

impl Codes {
    /// Shows `png` until the guard is dropped.
    #[must_use]
    pub fn show(&self, png: Vec<u8>, owner: &str) -> OnShow {
        let token = hex::encode(rand::random::<[u8; 16]>());
        let code = Code { png: Arc::new(png), owner: owner.to_owned() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), code);
        OnShow { codes: self.clone(), token }
    }

    /// The code behind `token`, if it is still on show.
    #[must_use]
    pub fn get(&self, token: &str) -> Option<Code> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// All, by who is logging in.
    #[must_use]
    pub fn all(&self) -> Vec<Code> {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Code> = codes.values().cloned().collect();
        all.sort_by(|one, other| one.owner.cmp(&other.owner));
        all
    }
}

impl OnShow {
    /// Where people find it; none when there is no status page, or nobody said where it is.
    #[must_use]
    pub fn address(&self, page: &StatusPage) -> Option<String> {
        let address = page.address.trim_end_matches('/');
        (page.enabled && !address.is_empty()).then(|| format!("{address}{PATH}/{}", self.token))
    }
}

/// What the addresses begin with.
pub const PATH: &str = "/_webqq/qr";

impl Drop for OnShow {
    fn drop(&mut self) {
        self.codes.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_as_long_as_it_is_on_show() {
        let codes = Codes::default();
        let (shown, other) = (codes.show(vec![1], "@b:hs"), codes.show(vec![2], "@a:hs"));
        assert_eq!(codes.all().iter().map(|code| code.png[0]).collect::<Vec<_>>(), [2, 1]);
        let token = shown.token.clone();
        assert_eq!((token.len(), *codes.get(&token).unwrap().png == [1]), (32, true));
        drop(shown);
        assert!(codes.get(&token).is_none() && codes.get(&other.token).is_some());
    }

    #[test]
    fn an_address_is_given_only_where_the_page_can_be_reached() {
        let codes = Codes::default();
        let shown = codes.show(vec![1], "@b:hs");
        let page =
            |enabled, address: &str| StatusPage { enabled, address: address.to_owned(), ..StatusPage::default() };
        assert_eq!(shown.address(&page(false, "https://x")), None);
        assert_eq!(shown.address(&page(true, "")), None);
        let address = shown.address(&page(true, "https://x/a/")).unwrap();
        assert!(address.starts_with("https://x/a/_webqq/qr/") && address.ends_with(&shown.token), "{address}");
    }
}

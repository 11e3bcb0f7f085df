//! In which language the bot speaks to whom: the one that a person chose, else that of the configuration.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::{Bridge, Error, Texts};
use crate::config::Language;

/// What people chose, as it is on disk.
#[derive(Default)]
pub(super) struct Languages(RwLock<HashMap<String, Language>>);

impl Languages {
    fn of(&self, user: &str) -> Option<Language> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(user).copied()
    }

    fn set(&self, user: &str, language: Language) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(user.to_owned(), language);
    }
}

impl Bridge {
    /// The texts in the language of `user`.
    #[must_use]
    pub fn texts_for(&self, user: &str) -> Texts {
        self.languages.of(user).map_or(self.texts, Texts::new)
    }

    /// Speaks to `user` in `language` from now on.
    pub async fn set_language(&self, user: &str, language: Language) -> Result<(), Error> {
        let mxid = user.to_owned();
        self.store.write(move |tx| Box::pin(async move { tx.set_language(&mxid, language.code()).await })).await?;
        self.languages.set(user, language);
        Ok(())
    }

    /// Remembers what people chose before the process began.
    pub(super) async fn load_languages(&self) -> Result<(), Error> {
        for user in self.store.read(|tx| Box::pin(async move { tx.users_with_language().await })).await? {
            if let Some(language) = user.language.as_deref().and_then(Language::from_code) {
                self.languages.set(&user.mxid, language);
            }
        }
        Ok(())
    }
}

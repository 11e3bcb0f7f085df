//! In which language the bot speaks to whom: the one that a person chose, else that of the configuration.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::{Bridge, Error, Texts};
use crate::config::Language;
use crate::qq::AccountId;

/// Who is spoken to in which language. Nothing is said in that of the configuration without asking here whom it is said to.
pub(super) struct Languages {
    configured: Language,
    /// What people chose, as it is on disk.
    chosen: RwLock<HashMap<String, Language>>,
}

impl Languages {
    /// Nobody has chosen yet.
    pub(super) fn new(configured: Language) -> Self {
        Self { configured, chosen: RwLock::default() }
    }

    fn of(&self, user: &str) -> Language {
        self.chosen.read().unwrap_or_else(PoisonError::into_inner).get(user).copied().unwrap_or(self.configured)
    }

    fn set(&self, user: &str, language: Language) {
        self.chosen.write().unwrap_or_else(PoisonError::into_inner).insert(user.to_owned(), language);
    }
}

impl Bridge {
    /// The texts in the language of `user`.
    #[must_use]
    pub fn texts_for(&self, user: &str) -> Texts {
        Texts::new(self.languages.of(user))
    }

    /// The texts for what is said in the rooms of `account`, whose owner understands them.
    pub(super) async fn texts_of(&self, account: &AccountId) -> Result<Texts, Error> {
        Ok(self.texts_for(self.owner_of(account).await?.as_ref().map_or("", |owner| owner.as_str())))
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

//! Several accounts on one QQ: what happens to one of them and concerns others, too.
//!
//! Each account has a stage of its own: its numbers, its friends and its sessions are nobody else's business. Groups and
//! discussions of one name are the same one, and a friend whose name is an account's nick is that account.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::album::Kept;
use super::chat::ChatKey;
use super::handle::who_speaks;
use super::people::People;
use super::qr::Attempt;
use super::stage::{Shared, Stage};
use super::world::{World, WorldError};
use crate::base::{Clock, Shutdown};

/// The stages of the account of `world` and of those of `others`, which hear of one another from now on.
pub(crate) fn gather(
    world: World,
    others: Vec<World>,
    seed: u64,
    clock: &Clock,
    shutdown: &Shutdown,
) -> Result<(Arc<Shared>, Vec<Arc<Shared>>), WorldError> {
    let mut known = HashSet::new();
    // Two accounts of one seed would be dealt the same tokens.
    let mut raise = |world: World, nth| {
        let account = &world.account;
        if !known.insert(account.number.to_string()) || !known.insert(format!("the nick {}", account.nick)) {
            let what = format!("{} shares number or nick with another account", account.nick);
            return Err(WorldError::Contradiction(what));
        }
        let people = People::of(&world)?;
        let stage = Stage::new(world, people, seed.wrapping_add(nth));
        Ok(Arc::new(Shared::new(stage, clock.clone(), shutdown.clone())))
    };
    let first = raise(world, 0)?;
    let others = others.into_iter().zip(1..).map(|(world, nth)| raise(world, nth)).collect::<Result<Vec<_>, _>>()?;
    for one in others.iter().chain([&first]) {
        let rest = others.iter().chain([&first]).filter(|other| !Arc::ptr_eq(one, other));
        one.meet(rest.map(Arc::downgrade).collect());
    }
    Ok((first, others))
}

/// What the stages of other accounts have to hear of.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A code is shown. Every phone can scan it: whose code it is turns out then.
    Code(Attempt),
    /// Somebody said something.
    Said(Word),
}

/// Something said, as it concerns one account; each makes of it what it is for that one.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// The nick of the account on whose stage it was said.
    pub(crate) told_by: String,
    pub(crate) chat: ChatKey,
    /// Name of the speaker.
    pub(crate) who: String,
    pub(crate) content: Vec<Value>,
    /// The pictures in it.
    pub(crate) kept: Vec<Kept>,
    pub(crate) at_ms: i64,
}

impl Stage {
    /// Takes note of what happened on the stage of another account, as far as it concerns this one.
    pub(crate) fn learn(&mut self, news: &[News]) {
        for news in news.iter().cloned() {
            match news {
                News::Code(attempt) => self.add_attempt(attempt),
                News::Said(word) => self.listen(word),
            }
        }
    }

    fn listen(&mut self, word: Word) {
        let Word { told_by, chat, who, content, kept, at_ms } = word;
        let chat = match chat {
            ChatKey::Friend(name) if name == self.world.account.nick => ChatKey::Friend(told_by),
            ChatKey::Friend(_) | ChatKey::Temporary { .. } => return,
            common => common,
        };
        let Ok(speaker) = who_speaks(self, &chat, &who) else { return };
        for kept in kept {
            self.album.share(kept);
        }
        self.bring(chat, speaker, content, at_ms);
    }
}

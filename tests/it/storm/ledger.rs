//! What was said on both sides, and how what arrived differs from it.

use std::collections::BTreeMap;
use std::fmt;

/// One chat on QQ and its room in Matrix, and what was said in it from either side, in order.
pub(super) struct Talk {
    /// As the simulator calls it.
    pub(super) chat: String,
    /// What its room is called.
    pub(super) name: String,
    /// Its room, once something was seen in it.
    pub(super) room: Option<String>,
    /// Said on QQ.
    pub(super) down: Vec<String>,
    /// Said in Matrix: as QQ hears it, every part of a long message for itself.
    pub(super) up: Vec<String>,
}

/// How what arrived differs from what was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) missing: usize,
    pub(super) twice: usize,
    pub(super) foreign: usize,
    pub(super) out_of_order: usize,
}

impl Damage {
    /// Compares `arrived` with `said`; every text is said once.
    pub(super) fn between(said: &[String], arrived: &[String]) -> Self {
        let places: BTreeMap<&str, usize> = said.iter().enumerate().map(|(at, text)| (text.as_str(), at)).collect();
        let mut seen = vec![false; said.len()];
        let mut damage = Self::default();
        let mut newest = 0;
        for text in arrived {
            match places.get(text.as_str()) {
                None => {
                    println!("nobody said {text:?}");
                    damage.foreign += 1;
                }
                Some(at) if seen[*at] => damage.twice += 1,
                Some(at) => {
                    seen[*at] = true;
                    damage.out_of_order += usize::from(*at < newest);
                    newest = newest.max(*at);
                }
            }
        }
        damage.missing = seen.iter().filter(|seen| !**seen).count();
        damage
    }

    pub(super) fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.twice += other.twice;
        self.foreign += other.foreign;
        self.out_of_order += other.out_of_order;
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} missing, {} twice, {} that nobody said, {} out of order",
            self.missing, self.twice, self.foreign, self.out_of_order
        )
    }
}

#[test]
fn each_kind_of_damage_is_seen() {
    let texts = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let damage = |arrived: &str| Damage::between(&texts("a b c d"), &texts(arrived));
    assert_eq!(damage("a b c d"), Damage::default());
    assert_eq!(damage("a c d"), Damage { missing: 1, ..Damage::default() });
    assert_eq!(damage("a b b c a d"), Damage { twice: 2, ..Damage::default() });
    assert_eq!(damage("a c b d"), Damage { out_of_order: 1, ..Damage::default() });
    assert_eq!(damage("d x"), Damage { missing: 3, foreign: 1, ..Damage::default() });
}

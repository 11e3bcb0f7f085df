//! Finds who is called by name in a text: `@<card or nick> `.
//!
//! Source: protocol dossier 8.2 rule 7: a mention has no other form on the wire, and the card goes before the nick.

use std::collections::HashMap;
use std::ops::Range;

use crate::qq::webqq::members::{Member, Members};
use crate::qq::webqq::number::Uin;
use crate::qq::{ContactId, Piece};

/// In one text no more `@` are looked at: nobody calls that many.
const MOST_SIGNS: usize = 200;

/// What the members of a place can be called.
pub(crate) struct Names<'a> {
    /// `None` for a name that several share.
    uins: HashMap<&'a str, Option<Uin>>,
    longest: usize,
}

impl<'a> Names<'a> {
    pub(crate) fn of(members: &'a Members) -> Self {
        let mut uins = HashMap::new();
        let cards = members.list.iter().filter_map(|member| Some((member.card.as_deref()?, member.uin)));
        collect(&mut uins, cards);
        let mut nicks = HashMap::new();
        let nick = |member: &'a Member| (member.nick.as_str(), member.uin);
        collect(&mut nicks, members.list.iter().map(nick));
        for (name, uin) in nicks {
            uins.entry(name).or_insert(uin);
        }
        let longest = uins.keys().map(|name| name.len()).max().unwrap_or(0);
        Self { uins, longest }
    }

    /// Where in `text` somebody is called, from `@` to the end of the name; nobody in doubt.
    fn called(&self, text: &str) -> Vec<(Range<usize>, Uin)> {
        let mut called: Vec<(Range<usize>, Uin)> = Vec::new();
        for (at, _) in text.match_indices('@').take(MOST_SIGNS) {
            let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
            // As in an address: me@qq.com.
            let is_address = before.ends_with(|c: char| c.is_ascii_alphanumeric());
            let is_within = called.last().is_some_and(|(last, _)| at < last.end);
            if is_address || is_within {
                continue;
            }
            if let Some((length, Some(uin))) = self.longest_at(after) {
                called.push((at..at + 1 + length, uin));
            }
        }
        called
    }

    /// The longest name at the start of `text`, if it ends where a word does, and whose it is.
    fn longest_at(&self, text: &str) -> Option<(usize, Option<Uin>)> {
        let mut longest = None;
        let ends = text.char_indices().skip(1).map(|(at, c)| (at, c.is_alphanumeric()));
        let ends = ends.chain([(text.len(), false)]).take_while(|(end, _)| *end <= self.longest);
        for (end, _) in ends.filter(|(_, goes_on)| !goes_on) {
            if let Some(uin) = self.uins.get(text.get(..end).unwrap_or_default()) {
                longest = Some((end, *uin));
            }
        }
        longest
    }
}

/// Keeps whose name is whose; a name of two is nobody's, and neither is an empty one.
fn collect<'a>(uins: &mut HashMap<&'a str, Option<Uin>>, names: impl Iterator<Item = (&'a str, Uin)>) {
    for (name, uin) in names.filter(|(name, _)| !name.trim().is_empty()) {
        uins.entry(name).and_modify(|known| *known = known.filter(|known| *known == uin)).or_insert(Some(uin));
    }
}

/// Whether anybody may be called in `pieces`.
pub(crate) fn may_call(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains('@')))
}

/// The numbers of everybody who is called in `pieces`.
pub(crate) fn called(pieces: &[Piece], names: &Names<'_>) -> Vec<Uin> {
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Text(text) => Some(text),
        _ => None,
    });
    texts.flat_map(|text| names.called(text)).map(|(_, uin)| uin).collect()
}

/// `pieces` with the names in their texts apart, for everybody whom `contact` knows.
pub(crate) fn mark(pieces: Vec<Piece>, names: &Names<'_>, contact: impl Fn(Uin) -> Option<ContactId>) -> Vec<Piece> {
    let mut marked = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Piece::Text(text) = piece else {
            marked.push(piece);
            continue;
        };
        let mut from = 0;
        for (range, uin) in names.called(&text) {
            let Some(who) = contact(uin) else { continue };
            push(&mut marked, text.get(from..range.start));
            from = range.end;
            let name = text.get(range.start + 1..range.end).unwrap_or_default().to_owned();
            marked.push(Piece::Mention { who, name });
        }
        push(&mut marked, text.get(from..));
    }
    marked
}

fn push(pieces: &mut Vec<Piece>, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::qq::webqq::members::Member;

    fn family() -> Members {
        let member = |uin, nick: &str, card: Option<&str>| Member {
            uin: Uin(uin),
            nick: nick.to_owned(),
            card: card.map(str::to_owned),
            account: None,
        };
        let list = vec![
            member(1, "小明", None),
            member(2, "晓梅", Some("妈妈")),
            member(3, "妈妈", None),
            member(4, "Li", Some("Li Lei")),
            member(5, "Lei", None),
            member(6, "老王", None),
            member(7, "老王", None),
            member(8, "老", None),
            member(9, " ", Some("")),
            member(10, "", None),
        ];
        Members { list, ..Members::default() }
    }

    fn marked(text: &str) -> Vec<Piece> {
        let members = family();
        let names = Names::of(&members);
        mark(vec![Piece::Text(text.to_owned())], &names, |Uin(uin)| {
            (uin != 10).then(|| ContactId::new(uin.to_string()))
        })
    }

    fn name(uin: u64, name: &str) -> Piece {
        Piece::Mention { who: ContactId::new(uin.to_string()), name: name.to_owned() }
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn the_longest_name_is_meant_the_card_before_the_nick_and_nobody_in_doubt() {
        let cases = [
            ("@小明 你好", vec![name(1, "小明"), text(" 你好")]),
            ("在吗@小明", vec![text("在吗"), name(1, "小明")]),
            // The nick of 3 is the card of 2.
            ("@妈妈，@晓梅!", vec![name(2, "妈妈"), text("，"), name(2, "晓梅"), text("!")]),
            ("@Li Lei @Li @Lei", vec![name(4, "Li Lei"), text(" "), name(4, "Li"), text(" "), name(5, "Lei")]),
            // Two are called so; the shorter name is not meant.
            ("@老王 @老 ", vec![text("@老王 "), name(8, "老"), text(" ")]),
            ("@Lively me@Li.com @小明明 @谁 @ @", vec![text("@Lively me@Li.com @小明明 @谁 @ @")]),
            ("@@小明", vec![text("@"), name(1, "小明")]),
            ("", vec![]),
        ];
        for (said, expected) in cases {
            assert_eq!(marked(said), expected, "{said}");
        }
    }

    proptest! {
        #[test]
        fn names_are_found_in_what_was_encoded(parts in prop::collection::vec((0_usize..3, "( [a-z你<]{0,8} )?"), 1..5)) {
            let known = [(1, "小明"), (2, "妈妈"), (4, "Li Lei")];
            let mut said = Vec::new();
            for (who, words) in parts {
                said.push(name(known[who].0, known[who].1));
                said.push(text(&words));
            }
            let content = super::super::encode::encode(&said, &crate::qq::Style::default()).unwrap();
            let heard = super::super::decode::decode(&serde_json::from_str(&content).unwrap());
            let super::super::decode::Decoded::Pieces(heard) = heard else { panic!("ghost") };
            let members = family();
            let heard = mark(heard, &Names::of(&members), |Uin(uin)| Some(ContactId::new(uin.to_string())));
            let names = |pieces: &[Piece]| {
                let is_name = |piece: &&Piece| matches!(piece, Piece::Mention { .. });
                pieces.iter().filter(is_name).cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(names(&heard), names(&said));
        }

        #[test]
        fn marking_changes_no_word(said in "[@小明妈老王Lie a,]{0,30}") {
            let plain = |piece: Piece| match piece {
                Piece::Text(text) => text,
                Piece::Mention { name, .. } => format!("@{name}"),
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(marked(&said).into_iter().map(plain).collect::<String>(), said);
        }
    }
}

//! The field `hash` with which the friend and group lists are asked for: it changed five times, and came back twice.
//!
//! Source: protocol dossier 6.1. The letters are the dossier's.

/// One way of making the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListHash {
    /// From July 2013: the sum of digits walks over the ticket.
    N,
    /// Before July 2013: the ticket, masked with the number.
    O,
    /// December 2013, and from June 2014 to the end.
    P,
    /// August to December 2013, and May 2014: a sort that counts its own steps.
    Q,
}

impl ListHash {
    /// The hash of the account's number (modulo 2³²) and `ptwebqq`, which was empty for some accounts in 2018.
    pub(crate) fn of(self, uin: u64, ptwebqq: &str) -> String {
        let number = u32::try_from(uin & 0xffff_ffff).unwrap_or_default();
        let key = ptwebqq.as_bytes();
        match self {
            Self::N => n(number, key),
            Self::O => o(number, key),
            Self::P => p(number, key),
            Self::Q => q(number, key),
        }
    }
}

fn n(number: u32, key: &[u8]) -> String {
    let byte = |at: usize| u32::from(key.get(at).copied().unwrap_or_default());
    let (mut hash, mut at) = (u32::MAX, 0);
    for digit in number.to_string().bytes() {
        at = (at + usize::from(digit - b'0')) % key.len().max(1);
        // What would lie past the end is taken from the beginning, the rest from where we are, though not in that order.
        let missing = (at + 4).saturating_sub(key.len());
        let four = (0..4).map(|step| if missing == 0 || step < missing { at + step } else { step - missing });
        hash ^= four.fold(0, |word, at| (word << 8) | byte(at));
    }
    hex::encode_upper(hash.to_be_bytes())
}

fn o(number: u32, key: &[u8]) -> String {
    let number = number.to_string();
    let bytes = key.iter().chain(b"password error").zip(number.bytes().cycle()).map(|(byte, mask)| byte ^ mask);
    hex::encode_upper(bytes.collect::<Vec<u8>>())
}

fn p(number: u32, key: &[u8]) -> String {
    let mut folded = [0_u8; 4];
    for chunk in key.chunks(4) {
        for (sum, byte) in folded.iter_mut().zip(chunk) {
            *sum ^= byte;
        }
    }
    let keyed = number.to_be_bytes().into_iter().zip(*b"ECOK").map(|(byte, key)| byte ^ key);
    hex::encode_upper(folded.into_iter().zip(keyed).flat_map(|(folded, keyed)| [folded, keyed]).collect::<Vec<u8>>())
}

fn q(number: u32, key: &[u8]) -> String {
    let mut sort = Sort { key: key.to_vec(), steps: number.to_be_bytes() };
    let mut ranges = vec![(0, key.len())];
    while let Some((from, to)) = ranges.pop() {
        match to.saturating_sub(from) {
            0..=1 => {}
            2 => sort.order(from),
            _ => {
                let middle = sort.split(from, to - 1);
                ranges.extend([(from, middle), (middle + 1, to)]);
            }
        }
    }
    hex::encode_upper(sort.steps)
}

/// A quicksort of which only the number of its steps counts.
struct Sort {
    key: Vec<u8>,
    steps: [u8; 4],
}

impl Sort {
    fn at(&self, at: usize) -> u8 {
        self.key.get(at).copied().unwrap_or_default()
    }

    fn put(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.key.get_mut(at) {
            *place = byte;
        }
    }

    fn order(&mut self, at: usize) {
        if self.at(at) > self.at(at + 1) {
            self.key.swap(at, at + 1);
        }
    }

    /// Puts what is smaller than the first byte of `low..=high` before it, and gives its new place.
    fn split(&mut self, mut low: usize, mut high: usize) -> usize {
        let pivot = self.at(low);
        let [mut a, mut b, mut c, mut d] = self.steps;
        while low < high {
            while low < high && self.at(high) >= pivot {
                high -= 1;
                a = a.wrapping_add(3);
            }
            if low < high {
                self.put(low, self.at(high));
                low += 1;
                b = b.wrapping_mul(13).wrapping_add(43);
            }
            while low < high && self.at(low) <= pivot {
                low += 1;
                c = c.wrapping_sub(3);
            }
            if low < high {
                self.put(high, self.at(low));
                high -= 1;
                d = a ^ b ^ c ^ d.wrapping_add(1);
            }
        }
        self.put(low, pivot);
        self.steps = [a, b, c, d];
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::vectors;

    #[test]
    fn every_hash_agrees_with_the_vectors() {
        for (name, hash) in [("N", ListHash::N), ("O", ListHash::O), ("P", ListHash::P), ("Q", ListHash::Q)] {
            let mut told = 0;
            for case in vectors::cases("friends_hash") {
                let uin = case["uin"].as_str().unwrap().parse().unwrap();
                let Some(expected) = case[name].as_str() else { continue };
                assert_eq!(hash.of(uin, case["ptwebqq"].as_str().unwrap()), expected, "{name} {case}");
                told += 1;
            }
            assert!(told >= 4, "{name}");
        }
    }

    #[test]
    fn no_ticket_is_too_short_and_the_number_counts_modulo_2_to_the_32() {
        proptest::proptest!(|(uin: u64, ptwebqq: String)| {
            for hash in [ListHash::N, ListHash::O, ListHash::P, ListHash::Q] {
                assert_eq!(hash.of(uin, &ptwebqq), hash.of(uin & 0xffff_ffff, &ptwebqq));
            }
        });
    }
}

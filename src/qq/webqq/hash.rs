//! The little hashes that WebQQ puts on its own cookies and tickets.
//!
//! Source: protocol dossier 4.3 (`hash33`), 6.1 (the friends hash, algorithm P), 6.9 (`bkn`), 4.6 (`time33`).

use std::fmt::Write as _;

/// `ptqrtoken` of the cookie `qrsig`.
#[must_use]
pub fn hash33(text: &str) -> u32 {
    times33(0, text) & 0x7fff_ffff
}

/// `bkn` (also called `g_tk`) of the cookie `skey`.
#[must_use]
pub fn bkn(skey: &str) -> u32 {
    times33(5381, skey) & 0x7fff_ffff
}

/// `auth_token` of the cookie `supertoken`.
#[must_use]
pub fn time33(text: &str) -> u32 {
    times33(0, text)
}

fn times33(start: u32, text: &str) -> u32 {
    text.bytes().fold(start, |sum, byte| sum.wrapping_mul(33).wrapping_add(u32::from(byte)))
}

/// The `hash` field of the friend and group lists: 16 capital hex digits.
///
/// `uin` counts modulo 2³²; an empty `ptwebqq` (seen in 2018) is like zeros.
#[must_use]
pub fn friends(uin: u64, ptwebqq: &str) -> String {
    let mut folded = [0_u8; 4];
    for chunk in ptwebqq.as_bytes().chunks(4) {
        for (sum, byte) in folded.iter_mut().zip(chunk) {
            *sum ^= byte;
        }
    }
    let [_, _, _, _, number @ ..] = uin.to_be_bytes();
    let keyed = number.into_iter().zip(*b"ECOK").map(|(byte, key)| byte ^ key);
    folded.into_iter().zip(keyed).fold(String::new(), |mut hex, (folded, keyed)| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{folded:02X}{keyed:02X}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::vectors;

    #[test]
    fn hash33_bkn_and_time33_agree_with_the_vectors() {
        let agree = |group: &str, input: &str, output: &str, hash: fn(&str) -> u32| {
            for case in vectors::cases(group) {
                let text = case[input].as_str().unwrap();
                assert_eq!(u64::from(hash(text)), case[output].as_u64().unwrap(), "{group} {text}");
            }
        };
        agree("hash33_ptqrtoken", "qrsig", "ptqrtoken", hash33);
        agree("bkn_gtk", "skey", "bkn", bkn);
        agree("time33_auth_token", "s", "value", time33);
    }

    #[test]
    fn the_friends_hash_agrees_with_the_vectors() {
        for case in vectors::cases("friends_hash") {
            let uin = case["uin"].as_str().unwrap().parse().unwrap();
            assert_eq!(friends(uin, case["ptwebqq"].as_str().unwrap()), case["P"].as_str().unwrap(), "{case}");
        }
    }

    #[test]
    fn the_friends_hash_takes_the_number_modulo_2_to_the_32() {
        assert_eq!(friends(10_001 + (1 << 32), "abc"), friends(10_001, "abc"));
    }
}

//! The little hashes that WebQQ puts on its own cookies and tickets.
//!
//! Source: protocol dossier 4.3 (`hash33`), 6.9 (`bkn`), 4.6 (`time33`).

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
}

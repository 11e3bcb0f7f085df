//! What a client shows instead of a password, checked as the service checked it: by making or opening it again.
//!
//! Source: protocol dossier 3.3. Tencent's private key is not needed: whoever knows the password can open the cipher around
//! the part that is encrypted for it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::era::Hiding;

/// How long the part for Tencent's key is.
const RSA_LENGTH: usize = 128;

/// Whether `shown` is `password` of the account `number`, hidden together with `captcha`.
pub(crate) fn is_right(hiding: Hiding, password: &str, number: u32, captcha: &str, shown: &str) -> bool {
    let digest = md5(password.as_bytes());
    let salt = u64::from(number).to_be_bytes();
    match hiding {
        Hiding::Unsalted => shown == sealed(&md5(&md5(&digest)), captcha),
        Hiding::Salted => shown == sealed(&md5(&[digest.as_slice(), &salt].concat()), captcha),
        Hiding::Enciphered => holds(&md5(&[digest.as_slice(), &salt].concat()), salt, captcha, shown),
    }
}

fn sealed(digest: &[u8; 16], captcha: &str) -> String {
    let text = [hex::encode(digest), captcha.to_owned()].concat().to_uppercase();
    hex::encode_upper(md5(text.as_bytes()))
}

/// Whether the cipher opens with `key` and holds salt and captcha, and something that may be for Tencent.
fn holds(key: &[u8; 16], salt: [u8; 8], captcha: &str, shown: &str) -> bool {
    let standard = shown.replace('-', "/").replace('*', "+").replace('_', "=");
    let plain = STANDARD.decode(standard).ok().and_then(|cipher| open(key, &cipher));
    let captcha = captcha.to_uppercase();
    let length = u16::try_from(captcha.len()).unwrap_or(u16::MAX).to_be_bytes();
    let wanted = [salt.as_slice(), &length, captcha.as_bytes()].concat();
    plain.is_some_and(|plain| {
        let rest = plain.strip_prefix(&[0, 128]).and_then(|rest| rest.get(RSA_LENGTH..));
        rest == Some(wanted.as_slice())
    })
}

/// QQ's form of TEA, backwards; none when the zeros at the end are not there.
fn open(key: &[u8; 16], cipher: &[u8]) -> Option<Vec<u8>> {
    if cipher.is_empty() || !cipher.len().is_multiple_of(8) {
        return None;
    }
    let mut plain = Vec::with_capacity(cipher.len());
    let (mut before, mut mixed) = ([0; 8], [0; 8]);
    for block in cipher.as_chunks::<8>().0 {
        mixed = undo(key, xor(*block, mixed));
        plain.extend(xor(mixed, before));
        before = *block;
    }
    let padded = plain.first().map(|first| usize::from(first & 7))?;
    let text = plain.strip_suffix(&[0; 7])?.get(padded + 3..)?;
    Some(text.to_vec())
}

/// One block of TEA with 16 rounds, backwards.
fn undo(key: &[u8; 16], block: [u8; 8]) -> [u8; 8] {
    const DELTA: u32 = 0x9e37_79b9;
    let word = |at: usize| key.as_chunks::<4>().0.get(at).map_or(0, |word| u32::from_be_bytes(*word));
    let step = |half: u32, first: usize, sum: u32| {
        (half << 4).wrapping_add(word(first)) ^ half.wrapping_add(sum) ^ (half >> 5).wrapping_add(word(first + 1))
    };
    let [y0, y1, y2, y3, z0, z1, z2, z3] = block;
    let (mut y, mut z) = (u32::from_be_bytes([y0, y1, y2, y3]), u32::from_be_bytes([z0, z1, z2, z3]));
    for round in (1..=16).rev() {
        let sum = DELTA.wrapping_mul(round);
        z = z.wrapping_sub(step(y, 2, sum));
        y = y.wrapping_sub(step(z, 0, sum));
    }
    ((u64::from(y) << 32) | u64::from(z)).to_be_bytes()
}

fn xor(one: [u8; 8], other: [u8; 8]) -> [u8; 8] {
    (u64::from_be_bytes(one) ^ u64::from_be_bytes(other)).to_be_bytes()
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn cases(group: &str) -> Vec<Value> {
        let all: Value = serde_json::from_str(include_str!("../../tests/fixtures/webqq/vectors.json")).unwrap();
        all[group]["cases"].as_array().unwrap().clone()
    }

    #[test]
    fn what_real_pages_showed_is_right_and_nothing_else_is() {
        for (hiding, group, shown) in [
            (Hiding::Unsalted, "password_digest_before_june_2012", "p"),
            (Hiding::Salted, "password_digest_2012_2014", "p"),
            (Hiding::Enciphered, "password_tea_2014_plus", "p_sample"),
        ] {
            for case in cases(group) {
                let text = |name: &str| case[name].as_str().unwrap();
                let number = case["uin"].as_u64().map_or(1, |uin| u32::try_from(uin).unwrap());
                let right = |password: &str, number, captcha: &str, shown: &str| {
                    is_right(hiding, password, number, captcha, shown)
                };
                let (password, captcha, shown) = (text("password"), text("vcode"), text(shown));
                assert!(right(password, number, captcha, shown), "{case}");
                assert!(right(password, number, &captcha.to_lowercase(), shown), "{case}");
                assert!(!right("another", number, captcha, shown));
                assert!(!right(password, number, "!XXX", shown));
                assert!(!right(password, number, captcha, ""));
                assert!(!right(password, number, captcha, &shown[1..]));
                assert!(hiding == Hiding::Unsalted || !right(password, number ^ 1, captcha, shown));
            }
        }
    }
}

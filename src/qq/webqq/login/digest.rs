//! The MD5 digests of a password that the password logins of 2011 to 2014 sent.
//!
//! Source: protocol dossier 3.3, which also tells the wrong readings apart.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};

/// The digest before June 2012, when `ptui_checkVC` had two arguments.
#[must_use]
pub fn unsalted(password: &str, captcha: &str) -> String {
    let thrice = md5(&[&md5(&[&md5(&[password.as_bytes()])])]);
    sealed(&thrice, captcha)
}

/// The digest from June 2012 to mid 2014; `salt` is the account as `ptui_checkVC` gave it: 8 raw bytes, big endian.
#[must_use]
pub fn salted(password: &str, salt: [u8; 8], captcha: &str) -> String {
    let salted = md5(&[&md5(&[password.as_bytes()]), &salt]);
    sealed(&salted, captcha)
}

fn sealed(digest: &[u8; 16], captcha: &str) -> String {
    hex(&md5(&[hex(digest).as_bytes(), captcha.to_uppercase().as_bytes()]))
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qq::webqq::vectors;

    #[test]
    fn the_salted_digest_agrees_with_the_vectors() {
        for case in vectors::cases("password_digest_2012_2014") {
            let salt = case["uin"].as_u64().unwrap().to_be_bytes();
            let digest = salted(case["password"].as_str().unwrap(), salt, case["vcode"].as_str().unwrap());
            assert_eq!(digest, case["p"].as_str().unwrap(), "{case}");
        }
    }

    #[test]
    fn the_unsalted_digest_agrees_with_the_vectors() {
        for case in vectors::cases("password_digest_before_june_2012") {
            let digest = unsalted(case["password"].as_str().unwrap(), case["vcode"].as_str().unwrap());
            assert_eq!(digest, case["p"].as_str().unwrap(), "{case}");
        }
    }
}

//! What is sent instead of a password: the digest of 2011, the one of 2012 to 2014, and the cipher that came after.
//!
//! Source: protocol dossier 3.3, which also tells the wrong readings apart. Each of them opens the account as the password
//! does, so none is printed or kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use num_bigint::BigUint;
use rand::Rng;

use super::tea;
use crate::base::Secret;

/// Tencent's public key: 1024 bits, and 3 as the exponent.
const MODULUS: &[u8] = b"F20CE00BAE5361F8FA3AE9CEFA495362FF7DA1BA628F64A347F0A8C012BF0B254A30CD92ABFFE7A6EE0DC424CB6166F8\
    819EFA5BCCB20EDFB4AD02E412CCF579B1CA711D55B8B0B3AEB60153D5E0693A2A86F3167D7847A0CB8B00004716A9095D9BADC977CBB804DBDCBA60\
    29A9710869A453F27DFDDF83C016D928B3CBF4C7";
const EXPONENT: u32 = 3;
/// How long what that key encrypts is.
const RSA_BYTES: usize = 128;

/// Before June 2012, when `ptui_checkVC` had two arguments.
pub(super) fn unsalted(password: &Secret, captcha: &str) -> Secret {
    let thrice = md5(&[&md5(&[&md5(&[password.expose().as_bytes()])])]);
    sealed(&thrice, captcha)
}

/// From June 2012 to mid 2014; `salt` is the account as `ptui_checkVC` gave it: 8 raw bytes, big endian.
pub(super) fn salted(password: &Secret, salt: &[u8], captcha: &str) -> Secret {
    let salted = md5(&[&md5(&[password.expose().as_bytes()]), salt]);
    sealed(&salted, captcha)
}

/// From mid 2014 on, when `ptui_checkVC` had five arguments. It is another one every time.
pub(super) fn enciphered(password: &Secret, salt: &[u8], captcha: &str, rng: &mut impl Rng) -> Secret {
    let digest = md5(&[password.expose().as_bytes()]);
    let captcha = captcha.to_uppercase();
    let plain = [counted(&rsa(&digest, rng)), salt.to_vec(), counted(captcha.as_bytes())];
    let cipher = tea::encrypt(md5(&[&digest, salt]), &plain.concat(), rng);
    Secret::new(STANDARD.encode(cipher).replace('/', "-").replace('+', "*").replace('=', "_"))
}

/// `bytes` behind their length in two bytes.
fn counted(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [length.to_be_bytes().as_slice(), bytes].concat()
}

/// `text` under Tencent's public key, padded as PKCS #1 v1.5 says: `00 02`, random bytes other than 0, `00`, the text.
fn rsa(text: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let modulus = BigUint::parse_bytes(MODULUS, 16).unwrap_or_default();
    let pad = (0..RSA_BYTES.saturating_sub(3 + text.len())).map(|_| rng.random_range(1..=u8::MAX));
    let block: Vec<u8> = [0, 2].into_iter().chain(pad).chain([0]).chain(text.iter().copied()).collect();
    let cipher = BigUint::from_bytes_be(&block).modpow(&EXPONENT.into(), &modulus).to_bytes_be();
    let zeros = vec![0; RSA_BYTES.saturating_sub(cipher.len())];
    [zeros, cipher].concat()
}

fn sealed(digest: &[u8; 16], captcha: &str) -> Secret {
    Secret::new(hex::encode_upper(md5(&[hex::encode_upper(digest).as_bytes(), captcha.to_uppercase().as_bytes()])))
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use serde_json::Value;

    use super::*;
    use crate::qq::webqq::vectors;

    fn password(case: &Value) -> Secret {
        Secret::new(case["password"].as_str().unwrap())
    }

    fn salt(case: &Value) -> [u8; 8] {
        case["uin"].as_u64().unwrap().to_be_bytes()
    }

    /// The plain text of a cipher that was made of `case`.
    fn decipher(case: &Value, cipher: &str) -> Option<Vec<u8>> {
        let key = md5(&[&md5(&[password(case).expose().as_bytes()]), &salt(case)]);
        let cipher = STANDARD.decode(cipher.replace('-', "/").replace('*', "+").replace('_', "=")).ok()?;
        tea::tests::decrypt(key, &cipher)
    }

    #[test]
    fn the_salted_digest_agrees_with_the_vectors() {
        for case in vectors::cases("password_digest_2012_2014") {
            let digest = salted(&password(&case), &salt(&case), case["vcode"].as_str().unwrap());
            assert_eq!(digest.expose(), case["p"].as_str().unwrap(), "{case}");
        }
    }

    #[test]
    fn the_unsalted_digest_agrees_with_the_vectors() {
        for case in vectors::cases("password_digest_before_june_2012") {
            let digest = unsalted(&password(&case), case["vcode"].as_str().unwrap());
            assert_eq!(digest.expose(), case["p"].as_str().unwrap(), "{case}");
        }
    }

    #[test]
    fn the_ciphers_of_the_official_page_open_as_the_vectors_say() {
        for case in vectors::cases("password_tea_2014_plus") {
            let plain = decipher(&case, case["p_sample"].as_str().unwrap()).unwrap();
            assert_eq!(hex::encode(&plain), case["decoded_plain_hex"].as_str().unwrap(), "{case}");
        }
    }

    #[test]
    fn our_ciphers_have_the_form_of_those_of_the_official_page() {
        let mut rng = StdRng::seed_from_u64(1);
        for case in vectors::cases("password_tea_2014_plus") {
            let captcha = case["vcode"].as_str().unwrap();
            let cipher = enciphered(&password(&case), &salt(&case), captcha, &mut rng);
            assert_eq!(cipher.expose().len(), 216);
            let ours = decipher(&case, cipher.expose()).unwrap();
            let (rsa, rest) = ours.split_at(2 + RSA_BYTES);
            assert_eq!(rsa[..2], [0, 128]);
            let theirs = case["decoded_plain_hex"].as_str().unwrap();
            assert_eq!(hex::encode(rest), theirs[2 * (2 + RSA_BYTES)..], "salt and captcha: {case}");
        }
    }

    #[test]
    fn the_public_key_is_the_one_of_1024_bits() {
        let modulus = BigUint::parse_bytes(MODULUS, 16).unwrap();
        assert_eq!(modulus.bits(), 1024);
        let mut rng = StdRng::seed_from_u64(1);
        let (one, other) = (rsa(&[7; 16], &mut rng), rsa(&[7; 16], &mut rng));
        assert_eq!((one.len(), other.len()), (RSA_BYTES, RSA_BYTES));
        assert_ne!(one, other, "padded at random");
    }
}

//! Makes the tokens that WebQQ hands out, and the digests that it expects back.

use rand::Rng;
use rand::distr::Alphanumeric;

/// The node that the real service named in every psessionid; the address was its own.
const NODE: &[u8] = b"connserver_webqq@10.133.41.84";

/// `bytes` random bytes as lower hex.
pub(crate) fn hex(rng: &mut impl Rng, bytes: usize) -> String {
    hex::encode((0..bytes).map(|_| rng.random()).collect::<Vec<u8>>())
}

/// Random letters and digits.
pub(crate) fn letters(rng: &mut impl Rng, length: usize) -> String {
    rng.sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

/// `skey`: `@` and nine letters. Source: protocol dossier 1.
pub(crate) fn skey(rng: &mut impl Rng) -> String {
    format!("@{}", letters(rng, 9))
}

/// `psessionid`: an Erlang term of process id, own uin, skey and the vfwebqq of login2, as hex.
///
/// Source: protocol dossier 1.2.
pub(crate) fn psessionid(rng: &mut impl Rng, uin: u32, skey: &str, ticket: &[u8; 40]) -> String {
    let mut term = vec![0x83, 0x68, 0x04, 0x67, 0x64, 0x00];
    term.push(u8::try_from(NODE.len()).unwrap_or(u8::MAX));
    term.extend_from_slice(NODE);
    term.extend_from_slice(&rng.random_range(0..0x8000_u32).to_be_bytes());
    term.extend_from_slice(&rng.random_range(0..0x2000_u32).to_be_bytes());
    term.push(rng.random_range(1..4));
    term.extend_from_slice(&[0x6e, 0x04, 0x00]);
    term.extend_from_slice(&uin.to_le_bytes());
    for binary in [skey.as_bytes(), ticket] {
        term.push(0x6d);
        term.extend_from_slice(&u32::try_from(binary.len()).unwrap_or(u32::MAX).to_be_bytes());
        term.extend_from_slice(binary);
    }
    hex::encode(term)
}

/// `ptqrtoken`, made from the cookie qrsig. Source: protocol dossier 4.3.
pub(crate) fn hash33(text: &str) -> u32 {
    time33(text) & 0x7fff_ffff
}

/// `auth_token` of `pt4_auth`, made from the cookie supertoken. Source: protocol dossier 4.6.
pub(crate) fn time33(text: &str) -> u32 {
    text.bytes().fold(0_u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)))
}

/// The `hash` of the friend and group lists, generation "P". Source: protocol dossier 6.1.
pub(crate) fn list_hash(uin: u32, ptwebqq: &str) -> String {
    let mut folded = [0_u8; 4];
    for chunk in ptwebqq.as_bytes().chunks(4) {
        folded.iter_mut().zip(chunk).for_each(|(sum, byte)| *sum ^= byte);
    }
    let own = uin.to_be_bytes().into_iter().zip(*b"ECOK").map(|(byte, letter)| byte ^ letter);
    let bytes: Vec<u8> = folded.into_iter().zip(own).flat_map(|(sum, own)| [sum, own]).collect();
    hex::encode_upper(bytes)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use serde_json::Value;

    use super::*;

    fn vectors(group: &str) -> Vec<Value> {
        let all: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/webqq/vectors.json")).expect("vectors");
        all[group]["cases"].as_array().expect("cases").clone()
    }

    #[test]
    fn hash33_agrees_with_the_vectors() {
        for case in vectors("hash33_ptqrtoken") {
            assert_eq!(
                u64::from(hash33(case["qrsig"].as_str().unwrap())),
                case["ptqrtoken"].as_u64().unwrap(),
                "{case}"
            );
        }
    }

    #[test]
    fn the_list_hash_agrees_with_the_vectors() {
        for case in vectors("friends_hash") {
            let uin = case["uin"].as_str().unwrap().parse().unwrap();
            assert_eq!(list_hash(uin, case["ptwebqq"].as_str().unwrap()), case["P"], "{case}");
        }
    }

    #[test]
    fn a_psessionid_ends_as_the_vectors_do_for_the_same_account() {
        for case in vectors("psessionid_structure") {
            let (real, decoded) = (case["psessionid"].as_str().unwrap(), &case["decoded"]);
            let uin = u32::try_from(decoded["uin"].as_u64().unwrap()).unwrap();
            let ticket = decoded["vfwebqq"].as_str().unwrap();
            let ticket: Vec<u8> =
                (0..40).map(|at| u8::from_str_radix(&ticket[2 * at..2 * at + 2], 16).unwrap()).collect();
            let made = psessionid(
                &mut StdRng::seed_from_u64(1),
                uin,
                decoded["skey"].as_str().unwrap(),
                &ticket.try_into().unwrap(),
            );
            let from_uin = |id: &str| id[id.rfind("6e0400").unwrap()..].to_owned();
            assert_eq!(from_uin(&made), from_uin(real), "{case}");
        }
    }

    #[test]
    fn a_psessionid_has_the_form_of_the_real_ones() {
        let mut rng = StdRng::seed_from_u64(1);
        let session = psessionid(&mut rng, 0x9408_6470, "@hB8bQw2Ux", &[0x4e; 40]);
        assert!(session.starts_with("836804676400") && (214..=226).contains(&session.len()), "{session}");
        assert!(session.contains("6e0400706408946d0000000a406842386251773255786d000000284e4e"), "{session}");
        assert!(session.ends_with(&"4e".repeat(40)));
    }
}

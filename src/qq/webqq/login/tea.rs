//! QQ's way with the Tiny Encryption Algorithm: 16 rounds, a random pad, and each block chained to both its neighbours.
//!
//! Source: protocol dossier 3.3 ("getEncryption").

use rand::Rng;

/// What the sum grows by in each round: 2³² divided by the golden ratio.
const DELTA: u32 = 0x9e37_79b9;
const ROUNDS: u32 = 16;
const BLOCK: usize = 8;
/// Random bytes between the pad and the text.
const SALT: usize = 2;
/// Zeros after the text, by which whoever decrypts it knows that the key was right.
const TAIL: [u8; 7] = [0; 7];

/// `plain` under `key`. The pad makes every result another one.
pub(crate) fn encrypt(key: [u8; 16], plain: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let key = words(key);
    let (mut last_plain, mut last_cipher) = (0, 0);
    let mut cipher = Vec::new();
    for block in framed(plain, rng).as_chunks::<BLOCK>().0 {
        let mixed = u64::from_be_bytes(*block) ^ last_cipher;
        last_cipher = scramble(key, mixed) ^ last_plain;
        last_plain = mixed;
        cipher.extend(last_cipher.to_be_bytes());
    }
    cipher
}

/// `plain` with what fills it up to whole blocks. The low three bits of the first byte say how long the pad is.
fn framed(plain: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let bare = 1 + SALT + plain.len() + TAIL.len();
    let pad = bare.next_multiple_of(BLOCK) - bare;
    let first = (rng.random::<u8>() & !7) | u8::try_from(pad).unwrap_or_default();
    let random = (0..pad + SALT).map(|_| rng.random());
    std::iter::once(first).chain(random).chain(plain.iter().copied()).chain(TAIL).collect()
}

/// One block, without any chaining.
fn scramble(key: [u32; 4], block: u64) -> u64 {
    let [a, b, c, d] = key;
    let (mut left, mut right, mut sum) = (high(block), low(block), 0_u32);
    for _ in 0..ROUNDS {
        sum = sum.wrapping_add(DELTA);
        left = left.wrapping_add(mix(right, a, b, sum));
        right = right.wrapping_add(mix(left, c, d, sum));
    }
    (u64::from(left) << 32) | u64::from(right)
}

const fn mix(half: u32, one: u32, other: u32, sum: u32) -> u32 {
    (half << 4).wrapping_add(one) ^ half.wrapping_add(sum) ^ (half >> 5).wrapping_add(other)
}

fn words(key: [u8; 16]) -> [u32; 4] {
    let key = u128::from_be_bytes(key);
    [96, 64, 32, 0].map(|shift| u32::try_from((key >> shift) & 0xffff_ffff).unwrap_or_default())
}

fn high(block: u64) -> u32 {
    u32::try_from(block >> 32).unwrap_or_default()
}

fn low(block: u64) -> u32 {
    u32::try_from(block & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    /// What [`encrypt`] was given; `None` when the key is another.
    pub(in crate::qq::webqq::login) fn decrypt(key: [u8; 16], cipher: &[u8]) -> Option<Vec<u8>> {
        let key = words(key);
        let (mut last_plain, mut last_cipher) = (0, 0);
        let mut plain = Vec::new();
        for block in cipher.as_chunks::<BLOCK>().0 {
            let block = u64::from_be_bytes(*block);
            let mixed = unscramble(key, block ^ last_plain);
            plain.extend((mixed ^ last_cipher).to_be_bytes());
            (last_plain, last_cipher) = (mixed, block);
        }
        let pad = usize::from(plain.first()? & 7);
        let body = plain.strip_suffix(&TAIL)?;
        body.get(1 + pad + SALT..).map(<[u8]>::to_vec)
    }

    fn unscramble(key: [u32; 4], block: u64) -> u64 {
        let [a, b, c, d] = key;
        let (mut left, mut right, mut sum) = (high(block), low(block), DELTA.wrapping_mul(ROUNDS));
        for _ in 0..ROUNDS {
            right = right.wrapping_sub(mix(left, c, d, sum));
            left = left.wrapping_sub(mix(right, a, b, sum));
            sum = sum.wrapping_sub(DELTA);
        }
        (u64::from(left) << 32) | u64::from(right)
    }

    proptest! {
        #[test]
        fn what_is_encrypted_comes_back_under_its_key_and_under_no_other(
            key: [u8; 16], other: [u8; 16], plain: Vec<u8>, seed: u64
        ) {
            let cipher = encrypt(key, &plain, &mut StdRng::seed_from_u64(seed));
            prop_assert!(cipher.len().is_multiple_of(BLOCK));
            prop_assert_eq!(decrypt(key, &cipher), Some(plain));
            if key != other {
                prop_assert_eq!(decrypt(other, &cipher), None);
            }
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same_twice() {
        let mut rng = StdRng::seed_from_u64(1);
        assert_ne!(encrypt([7; 16], b"hello", &mut rng), encrypt([7; 16], b"hello", &mut rng));
    }
}

//! For tests: what a broken or hostile peer may send, made of real texts with pieces cut out, doubled or changed.

use proptest::prelude::*;

/// Pieces that readers stumble over.
const STUMBLING: [&str; 22] = [
    "'",
    "\"",
    "\\",
    "\\u",
    "\\ud83d",
    "[[",
    "{\"",
    "}",
    "]",
    "null",
    "-1",
    "1e999",
    "&#",
    "&#x110000;",
    "\0",
    ":",
    "%",
    "%00",
    "=",
    "&",
    ";",
    "99999999999999999999",
];

/// One way to spoil a text.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Double(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..8),
        prop::sample::select(STUMBLING.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        (any::<usize>(), 1_usize..64).prop_map(|(at, length)| Damage::Double(at, length)),
    ]
}

fn spoil(mut bytes: Vec<u8>, damage: Damage) -> Vec<u8> {
    let place = |at: usize, bytes: &[u8]| at % (bytes.len() + 1);
    match damage {
        Damage::Cut(at) => bytes.truncate(place(at, &bytes)),
        Damage::Flip(at, byte) => {
            let at = place(at, &bytes);
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
        }
        Damage::Insert(at, piece) => {
            let at = place(at, &bytes);
            bytes.splice(at..at, piece);
        }
        Damage::Double(at, length) => {
            let at = place(at, &bytes);
            let piece: Vec<u8> = bytes.iter().skip(at).take(length).copied().collect();
            bytes.splice(at..at, piece);
        }
    }
    bytes
}

/// Sets of injuries, to be applied with [`hurt`].
pub(crate) fn injuries() -> impl Strategy<Value = Injuries> {
    prop::collection::vec(damage(), 0..6).prop_map(Injuries)
}

/// What [`hurt`] does to a text that is only known once the test runs.
#[derive(Clone, Debug)]
pub(crate) struct Injuries(Vec<Damage>);

/// `bytes` with `injuries`.
pub(crate) fn hurt(bytes: Vec<u8>, Injuries(injuries): Injuries) -> Vec<u8> {
    injuries.into_iter().fold(bytes, spoil)
}

/// Anything that a peer may send where `real` are what it does send.
pub(crate) fn anything_like(real: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let spoilt = (prop::sample::select(real), injuries()).prop_map(|(real, injuries)| hurt(real, injuries));
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..300), 4 => spoilt]
}

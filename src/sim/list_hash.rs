//! The `hash` of the friend list in 2013: a quicksort of the ticket that counts its own steps ("Q").
//!
//! Source: protocol dossier 6.1.

/// The hash of 2013.
pub(crate) fn of_2013(number: u32, ptwebqq: &str) -> String {
    let mut key = ptwebqq.as_bytes().to_vec();
    let mut count = number.to_be_bytes();
    let mut parts = vec![(0, key.len())];
    while let Some((from, length)) = parts.pop() {
        let Some(part) = key.get_mut(from..from + length) else { continue };
        match part {
            [] | [_] => {}
            [one, other] => {
                if *one > *other {
                    std::mem::swap(one, other);
                }
            }
            part => {
                let middle = partition(part, &mut count);
                parts.push((from, middle));
                parts.push((from + middle + 1, length - middle - 1));
            }
        }
    }
    hex::encode_upper(count)
}

/// Puts the first byte in its place, counting every step; gives the place.
fn partition(part: &mut [u8], count: &mut [u8; 4]) -> usize {
    let Some((pivot, _)) = part.split_first().map(|(first, rest)| (*first, rest)) else { return 0 };
    let read = |part: &[u8], at: usize| part.get(at).copied().unwrap_or_default();
    let [from_right, moved_left, from_left, moved_right] = count;
    let (mut left, mut right) = (0, part.len() - 1);
    while left < right {
        while left < right && read(part, right) >= pivot {
            right -= 1;
            *from_right = from_right.wrapping_add(3);
        }
        if left < right {
            part.copy_within(right..=right, left);
            left += 1;
            *moved_left = moved_left.wrapping_mul(13).wrapping_add(43);
        }
        while left < right && read(part, left) <= pivot {
            left += 1;
            *from_left = from_left.wrapping_sub(3);
        }
        if left < right {
            part.copy_within(left..=left, right);
            right -= 1;
            *moved_right = *from_right ^ *moved_left ^ *from_left ^ moved_right.wrapping_add(1);
        }
    }
    if let Some(place) = part.get_mut(left) {
        *place = pivot;
    }
    left
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_agrees_with_the_vectors() {
        let all: Value = serde_json::from_str(include_str!("../../tests/fixtures/webqq/vectors.json")).unwrap();
        for case in all["friends_hash"]["cases"].as_array().unwrap() {
            let number = case["uin"].as_str().unwrap().parse().unwrap();
            assert_eq!(of_2013(number, case["ptwebqq"].as_str().unwrap()), case["Q"], "{case}");
        }
    }
}

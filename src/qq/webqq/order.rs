//! Brings events into the order in which they happened, as far as that can be known.
//!
//! Source: protocol dossier 7.3 (newest first or unsorted; `time` in seconds), 7.7 (`msg_id` grows by one per message of
//! one sender; it has 16 bits). Within one second nothing tells what two people said first but the place in the array.

use std::collections::{HashMap, VecDeque};

use super::batch::{Marked, identity};
use super::number::integer;

/// One more than the largest `msg_id`: after that it begins anew.
const MSG_IDS: i64 = 1 << 16;

/// What tells when an event happened.
struct Dated {
    second: i64,
    /// Chat and sender, for messages with a number.
    speaker: Option<[Option<i64>; 3]>,
    msg_id: i64,
    item: String,
}

impl Dated {
    /// Gives `item` back when nothing tells.
    fn read(item: String) -> Result<Self, String> {
        let Ok(Marked { value, .. }) = serde_json::from_str(&item) else { return Err(item) };
        let Some(second) = integer(&value.time) else { return Err(item) };
        let msg_id = integer(&value.msg_id);
        let speaker = msg_id.map(|_| [&value.from_uin, &value.send_uin, &value.did].map(integer));
        Ok(Self { second, speaker, msg_id: msg_id.unwrap_or_default(), item })
    }
}

/// The events of one answer, whose array is newest first where nothing else tells. One without a time keeps its place.
pub(crate) fn oldest_first(items: Vec<String>) -> Vec<String> {
    in_order(items, <[Dated]>::reverse)
}

/// What an answer brought after a torn one, and what the torn one brought before it, both oldest first: each event once,
/// and no fragment of one that came whole.
pub(crate) fn join(earlier: &[String], later: Vec<String>) -> Vec<String> {
    let in_vain = |piece: &String| later.iter().any(|whole| is_part(piece, whole));
    let missing: Vec<String> = earlier.iter().filter(|piece| !in_vain(piece)).cloned().collect();
    let said_again = missing.len() < earlier.len();
    let is_fragment = |piece: &String| earlier.iter().any(|whole| whole.len() > piece.len() && is_part(piece, whole));
    let later = later.into_iter().filter(|piece| !is_fragment(piece));
    let all: Vec<String> = missing.into_iter().chain(later).collect();
    // Without a repetition, whatever was handed out first happened first.
    if said_again { in_order(all, |_| ()) } else { all }
}

/// Whether `piece` is the same event as `whole`, or its beginning.
fn is_part(piece: &str, whole: &str) -> bool {
    // Cut in the middle of a character.
    let beginning = piece.trim_end_matches(char::REPLACEMENT_CHARACTER);
    whole.starts_with(beginning) || identity(piece).is_some_and(|one| identity(whole).as_ref() == Some(&one))
}

/// Sorts those with a time, by that and the numbers of each speaker; `prepare` has brought the others of one second into
/// their order.
fn in_order(items: Vec<String>, prepare: impl FnOnce(&mut [Dated])) -> Vec<String> {
    let (mut dated, mut places) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
    for item in items {
        places.push(Dated::read(item).map(|read| dated.push(read)).err());
    }
    prepare(&mut dated);
    dated.sort_by_key(|dated| dated.second);
    let mut sorted = dated.chunk_by(|one, next| one.second == next.second).flat_map(by_number);
    places.into_iter().filter_map(|undated| undated.or_else(|| sorted.next())).collect()
}

/// What was said in one second: each speaker's messages by their numbers, in the places that this speaker has.
fn by_number(second: &[Dated]) -> Vec<String> {
    let mut by_speaker: HashMap<_, VecDeque<&Dated>> = HashMap::new();
    for dated in second {
        by_speaker.entry(dated.speaker).or_default().push_back(dated);
    }
    for said in by_speaker.values_mut() {
        let numbers = || said.iter().map(|dated| dated.msg_id);
        let (least, most) = (numbers().min().unwrap_or_default(), numbers().max().unwrap_or_default());
        let began_anew = most < MSG_IDS && most - least > MSG_IDS / 2;
        let count = |dated: &&Dated| match dated.msg_id {
            number if began_anew && number < MSG_IDS / 2 => number + MSG_IDS,
            number => number,
        };
        said.make_contiguous().sort_by_key(count);
    }
    let next = |dated: &Dated| by_speaker.get_mut(&dated.speaker)?.pop_front().map(|dated| dated.item.clone());
    second.iter().filter_map(next).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// `speaker`, `msg_id` and perhaps a time.
    type Said = (u32, u32, Option<i64>);
    /// What it is, what came before and after, and which numbers that makes.
    type Joined<'a> = (&'a str, Vec<String>, Vec<String>, &'a [i64]);

    fn item((speaker, msg_id, time): Said) -> String {
        let mut value = json!({"from_uin": 5, "send_uin": speaker, "msg_id": msg_id});
        if let Some(time) = time {
            value["time"] = json!(time);
        }
        json!({"poll_type": "group_message", "value": value}).to_string()
    }

    fn numbers(items: &[String]) -> Vec<i64> {
        let number = |item: &String| serde_json::from_str::<Value>(item).ok()?["value"]["msg_id"].as_i64();
        items.iter().map(|item| number(item).unwrap_or(-1)).collect()
    }

    #[test]
    fn events_come_by_time_then_by_the_numbers_of_each_speaker_then_in_reverse() {
        let at = |second| Some(second);
        let table: [(&[Said], &[i64]); 10] = [
            // By time, whatever the array is.
            (&[(1, 3, at(3)), (2, 2, at(2)), (1, 1, at(1))], &[1, 2, 3]),
            (&[(1, 1, at(1)), (2, 2, at(2)), (1, 3, at(3))], &[1, 2, 3]),
            (&[(2, 2, at(2)), (1, 9, at(1)), (3, 1, at(3))], &[9, 2, 1]),
            // One speaker in one second: by number, whatever the array is.
            (&[(1, 2, at(1)), (1, 3, at(1)), (1, 1, at(1))], &[1, 2, 3]),
            (&[(1, 3, at(1)), (1, 2, at(1)), (1, 1, at(1))], &[1, 2, 3]),
            // Numbers begin anew.
            (&[(1, 0, at(1)), (1, 65_534, at(1)), (1, 1, at(1)), (1, 65_535, at(1))], &[65_534, 65_535, 0, 1]),
            // Several in one second: nothing tells but the array, which is newest first.
            (&[(1, 7, at(1)), (2, 9, at(1)), (3, 8, at(1))], &[8, 9, 7]),
            (&[(1, 7, at(1)), (2, 9, at(1)), (1, 8, at(1))], &[7, 9, 8]),
            // Without a time: in its place.
            (&[(1, 4, at(2)), (1, 3, None), (1, 1, at(1)), (1, 2, at(2))], &[1, 3, 2, 4]),
            (&[(1, 4, None), (1, 3, None)], &[4, 3]),
        ];
        for (said, expected) in table {
            let items: Vec<String> = said.iter().map(|said| item(*said)).collect();
            assert_eq!(numbers(&oldest_first(items)), expected, "{said:?}");
        }
    }

    #[test]
    fn a_repetition_is_joined_with_what_was_torn_without_loss_double_or_disorder() {
        let said = |number: u32| item((1, number, Some(i64::from(number))));
        let torn = |number: u32| said(number).chars().take(60).collect::<String>();
        let undated = || r#"{"poll_type":"sys_g_msg","value":{"msg_id":50}}"#.to_owned();
        let table: [Joined<'_>; 8] = [
            ("all again", vec![said(3), said(4), torn(2)], vec![said(1), said(2), said(3), said(4)], &[1, 2, 3, 4]),
            ("and a new one", vec![said(3), torn(2)], vec![said(1), said(2), said(3), said(4)], &[1, 2, 3, 4]),
            ("not again", vec![said(3), said(4)], vec![said(5), said(6)], &[3, 4, 5, 6]),
            ("not again, and no time", vec![said(3), undated()], vec![said(5)], &[3, 50, 5]),
            ("torn earlier", vec![said(3), said(4)], vec![said(4), torn(3)], &[3, 4]),
            ("some again, unsorted", vec![said(2), said(4)], vec![said(1), said(2)], &[1, 2, 4]),
            ("a fragment that nothing explains", vec!["{\"odd".to_owned()], vec![said(1)], &[-1, 1]),
            ("nothing more", vec![said(3), "{\"p".to_owned()], vec![], &[3, -1]),
        ];
        for (what, earlier, later, expected) in table {
            assert_eq!(numbers(&join(&earlier, later)), expected, "{what}");
        }
    }

    #[test]
    fn a_fragment_cut_within_a_character_is_known_again() {
        let whole = r#"{"poll_type":"message","value":{"content":["好啊"]}}"#;
        let cut = String::from_utf8_lossy(&whole.as_bytes()[..46]).into_owned();
        assert!(cut.ends_with(char::REPLACEMENT_CHARACTER));
        assert_eq!(join(&[cut], vec![whole.to_owned()]), [whole]);
    }
}

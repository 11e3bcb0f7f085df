//! Cuts a long text into parts that QQ takes, losing nothing.

/// Cuts `text` into parts of at most `max_bytes` bytes of UTF-8. Put together again they are `text`.
///
/// A part ends after the last line break or blank in its second half when there is one, else between two characters.
/// A limit smaller than one character is treated as four bytes.
#[must_use]
pub fn split(text: &str, max_bytes: usize) -> Vec<&str> {
    let max_bytes = max_bytes.max(4);
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > max_bytes {
        let (part, tail) = rest.split_at(cut(rest, max_bytes));
        parts.push(part);
        rest = tail;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Where to cut `text`, which is longer than `max_bytes`.
fn cut(text: &str, max_bytes: usize) -> usize {
    let hard = text.floor_char_boundary(max_bytes);
    let window = text.get(..hard).unwrap_or_default();
    ['\n', ' '].iter().filter_map(|gap| window.rfind(*gap).map(|at| at + 1)).find(|at| *at > hard / 2).unwrap_or(hard)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_stays_whole() {
        assert_eq!(split("你好", 720), ["你好"]);
        assert_eq!(split("", 720), [""]);
    }

    #[test]
    fn it_prefers_lines_to_blanks_to_characters() {
        assert_eq!(split("aaaa bb\ncc dd", 12), ["aaaa bb\n", "cc dd"]);
        assert_eq!(split("aaaa bbbb cc", 11), ["aaaa bbbb ", "cc"]);
        assert_eq!(split("你好世界", 7), ["你好", "世界"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_part_is_too_long(text in "\\PC{0,400}", max in 4usize..100) {
            let parts = split(&text, max);
            prop_assert_eq!(parts.concat(), text.as_str());
            prop_assert!(parts.iter().all(|part| part.len() <= max));
        }
    }
}

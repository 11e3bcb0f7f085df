//! QQ's own words within a group, which come as if an unknown member had said them.
//!
//! Source: protocol dossier 7.6 (mute notice), 9.4 (the texts that tell them from echoes).

/// Whether `text` is a notice about muting.
pub(crate) fn is_notice(text: &str) -> bool {
    let text = text.trim();
    let member_muted = text.split_once(") 被管理员").is_some_and(|(before, after)| {
        let number = before.rsplit_once('(').map_or("", |(_, number)| number);
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number && ["禁言", "解除禁言"].iter().any(|word| after.starts_with(word))
    });
    let all_muted = ["管理员开启了全员禁言", "管理员关闭了全员禁言"].iter().any(|words| text.starts_with(words));
    member_muted || all_muted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_told_from_words_of_people() {
        for notice in [
            "李军(1002053815) 被管理员禁言10分钟 ",
            "李军(1002053815) 被管理员禁言1小时",
            "李(军)(1002053815) 被管理员解除禁言",
            "管理员开启了全员禁言，只有群主和管理员才能发言",
            "管理员关闭了全员禁言",
        ] {
            assert!(is_notice(notice), "{notice}");
        }
        for words in ["我被管理员禁言10分钟", "(x) 被管理员禁言", "听说管理员开启了全员禁言", "hi (1) 被管理员表扬", ""]
        {
            assert!(!is_notice(words), "{words}");
        }
    }
}

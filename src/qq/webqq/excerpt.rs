//! The beginning of an answer that nobody understood, masked: its form may be told, none of its words and numbers.

/// How much is shown.
const SHOWN_BYTES: usize = 200;

/// Names of the protocol and of HTML. They are told where names stand, and nothing else is.
const NAMES: [&str; 62] = [
    "account",
    "body",
    "cards",
    "categories",
    "cb",
    "client_type",
    "code",
    "content",
    "created",
    "days",
    "did",
    "discu_name",
    "dnamelist",
    "ec",
    "em",
    "errCode",
    "errMsg",
    "errmsg",
    "flag",
    "friends",
    "from_uin",
    "gid",
    "ginfo",
    "gmarklist",
    "gmasklist",
    "gnamelist",
    "group_code",
    "head",
    "hours",
    "html",
    "info",
    "level",
    "lnick",
    "marknames",
    "mask",
    "mem_info",
    "mem_list",
    "mem_status",
    "members",
    "mflag",
    "minfo",
    "msg",
    "msg_id",
    "msg_type",
    "muin",
    "name",
    "nick",
    "p",
    "poll_type",
    "psessionid",
    "ptwebqq",
    "result",
    "ret",
    "retcode",
    "send_uin",
    "stats",
    "status",
    "t",
    "time",
    "title",
    "value",
    "vfwebqq",
];

/// Words that are JSON itself.
const LITERALS: [&str; 3] = ["null", "true", "false"];

/// What is told of `body`: its length and its first bytes. What stands in quotes becomes stars unless it is a name of
/// the protocol before a colon, and so does every other word and number unless it is the name of a tag or function.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..SHOWN_BYTES).unwrap_or(body));
    let mut told = format!("{} bytes: ", body.len());
    let mut rest = text.trim_end();
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted(rest, first),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        push_masked(&mut told, token, before, after);
        (before, rest) = (first, after);
    }
    told
}

fn push_masked(told: &mut String, token: &str, before: char, after: &str) {
    let mut inner = token.chars();
    match (inner.next(), inner.next_back()) {
        (Some(quote @ ('"' | '\'')), last) => {
            let closed = last == Some(quote);
            let inner = if closed { inner.as_str() } else { token.get(1..).unwrap_or_default() };
            told.push(quote);
            if closed && after.trim_start().starts_with(':') && NAMES.contains(&inner) {
                told.push_str(inner);
            } else {
                told.extend(inner.chars().map(|_| '*'));
            }
            told.extend(closed.then_some(quote));
        }
        (Some(first), _) if is_word(first) => {
            let is_tag = matches!(before, '<' | '/') && NAMES.contains(&token);
            let is_function = after.trim_start().starts_with('(') && matches!(token, "ptuiCB" | "ptui_checkVC");
            if is_tag || is_function || LITERALS.contains(&token) {
                told.push_str(token);
            } else {
                told.extend(token.chars().map(|_| '*'));
            }
        }
        (Some(c), _) if c.is_ascii_whitespace() => told.push(' '),
        (Some(c), _) if c.is_ascii_graphic() => told.push(c),
        (Some(_), _) => told.push('*'),
        (None, _) => {}
    }
}

/// The length of the quotation at the start of `text`, to its end when it does not close.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_told_and_no_word_or_number() {
        let cases = [
            ("", ""),
            (
                "{\"retcode\":0,\"result\":{\"vfwebqq\":\"5d4c\"}}\n",
                "{\"retcode\":*,\"result\":{\"vfwebqq\":\"****\"}}",
            ),
            ("[null,true,17]", "[null,true,**]"),
            ("{\"content\":[[\"font\"],\"你好 \\\"info\\\": 1\"]}", "{\"content\":[[\"****\"],\"**************\"]}"),
            ("{\"我的秘密\":1}", "{\"****\":*}"),
            ("<html><body>密 码</body>", "<html><body>* *</body>"),
            ("<password>", "<********>"),
            ("ptuiCB('0','登录');", "ptuiCB('*','**');"),
            ("info name secret", "**** **** ******"),
            ("{\"p\":\"cut off", "{\"p\":\"*******"),
            ("\u{1}\r\n@@", "*  @@"),
        ];
        for (body, told) in cases {
            assert_eq!(excerpt(body.as_bytes()), format!("{} bytes: {told}", body.len()), "{body}");
        }
        assert_eq!(excerpt(&[b'x'; 4096]), format!("4096 bytes: {}", "*".repeat(200)));
    }

    #[test]
    fn nothing_but_names_of_the_protocol_is_ever_told() {
        proptest::proptest!(|(text in "[\\[{\"':,<>/a-z0-9一-十\\\\ ]{0,200}")| {
            let told = excerpt(text.as_bytes());
            let told = told.split_once(": ").unwrap().1;
            for word in told.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()) {
                assert!(NAMES.contains(&word) || LITERALS.contains(&word), "{word} of {text}");
            }
        });
    }
}

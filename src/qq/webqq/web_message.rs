//! Reads the XML of a `group_web_message`: shared files, invitations and the like, as text.
//!
//! Source: protocol dossier 7.6 (below the examples). The XML is whatever a member's client wrote: it may be hostile.

use roxmltree::{Document, Node, ParsingOptions};

use super::content::name;

/// More than any real one.
const MOST_BYTES: usize = 64 << 10;
/// More elements than any real one.
const MOST_NODES: u32 = 4_000;

/// What it says; `None` when there is nothing to be read in it.
pub(crate) fn read(xml: &str) -> Option<String> {
    // A music card is binary.
    if xml.starts_with('\u{1}') {
        return Some("[音乐]".to_owned());
    }
    if xml.len() > MOST_BYTES {
        return None;
    }
    // Without a DTD there are no entities that could grow.
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml.trim(), options).ok()?;
    let said: String = document.descendants().filter(|node| node.has_tag_name("n")).map(part).collect();
    let lines = said.lines().map(name::decode).filter(|line| !line.is_empty());
    Some(lines.collect::<Vec<_>>().join("\n")).filter(|text| !text.is_empty())
}

/// One part: `t` text with or without a link, `b` a blank, `r` a new line, `i` a picture, `h` who did it.
fn part(node: Node<'_, '_>) -> String {
    let words = node.attribute("s").unwrap_or_default();
    match node.attribute("t") {
        // Names the actor by a real number only, and an icon.
        Some("h") => String::new(),
        Some("b") => " ".to_owned(),
        Some("r") => "\n".to_owned(),
        Some("i") => "[图片]".to_owned(),
        _ => match node.attribute("l") {
            Some(link) if link.starts_with("http") && link != words => format!("{words} ({link})"),
            _ => words.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_part_is_shown_as_text() {
        let shared = r#"<?xml version="1.0" encoding="utf-8"?><d><n t="h" u="2519967390"/><n t="t" s="共享文件"/><n t="b"/><n t="t" s="IMG_1193.jpg"/></d>"#;
        let linked =
            r#"<d><n t="t" s="see" l="http://qun.qq.com/?a=1&amp;b=2"/><n t="r"/><n t="i" s="x.png"/><m/></d>"#;
        for (xml, text) in [
            (shared, Some("共享文件 IMG_1193.jpg")),
            (linked, Some("see (http://qun.qq.com/?a=1&b=2)\n[图片]")),
            (r#"<d><n t="t" s="a" l="javascript:x()"/></d>"#, Some("a")),
            ("\u{1}xx tencent://miniplayer/?cmd=1", Some("[音乐]")),
            ("<d></d>", None),
            ("<d>", None),
            ("", None),
        ] {
            assert_eq!(read(xml).as_deref(), text, "{xml}");
        }
    }

    #[test]
    fn hostile_xml_is_refused_before_it_grows() {
        let bomb =
            r#"<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><d><n t="t" s="&b;"/></d>"#;
        assert_eq!(read(bomb), None, "no entities of its own");
        let outside = r#"<!DOCTYPE d SYSTEM "file:///etc/passwd"><d><n t="t" s="x"/></d>"#;
        assert_eq!(read(outside), None, "nothing from outside");
        assert_eq!(read(&"<d>".repeat(20_000)), None, "not too deep");
        let wide = format!("<d>{}</d>", r#"<n t="b"/>"#.repeat(5_000));
        assert_eq!(read(&wide), None, "not too many");
        assert_eq!(read(&format!(r#"<d><n t="t" s="{}"/></d>"#, "x".repeat(MOST_BYTES))), None, "not too long");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_a_panic(xml in "(<(d|n t=\"[thbri]\" s=\"|/d|/)?>?|&[a-z]{1,4};|\\PC){0,60}") {
            let _ = read(&xml);
        }
    }
}

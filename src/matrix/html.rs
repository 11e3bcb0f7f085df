//! Matrix HTML: plain text into it, and back out of it.
//!
//! Emphasis of a part is left out, since the words say the same without it; what changes their meaning is marked:
//! `~~struck out~~`, `||spoiler||`. A look that all words share is told apart from the words.

mod line;
mod look;

use matrix_sdk::ruma::html::{ElementData, Html, NodeData, NodeRef};
use matrix_sdk::ruma::matrix_uri::MatrixId;
use matrix_sdk::ruma::{MatrixToUri, MatrixUri, OwnedUserId};

use self::line::Line;
pub use self::look::Look;
use self::look::Looks;

/// Tags in one message. More is no message of a person, and freeing a deep tree would exhaust the stack.
const MOST_TAGS: usize = 1000;
/// Nodes in one message: a parser makes up to the square of the tags, since it opens again what was closed too early.
const MOST_NODES: usize = MOST_TAGS * MOST_TAGS;
/// Nesting beyond this is passed over. Source: Matrix specification 1.18, `m.room.message` msgtypes.
const DEEPEST: usize = 100;

/// A stretch of a message without its markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// Text with `\n` between lines.
    Text(String),
    /// Somebody is mentioned.
    User {
        /// Who.
        user_id: OwnedUserId,
        /// As the message calls them.
        name: String,
    },
}

/// `text` with everything escaped that means something in HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, char| {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

/// `text` as HTML that looks the same: escaped, with `<br>` between its lines.
#[must_use]
pub fn from_text(text: &str) -> String {
    escape(text).replace('\n', "<br>")
}

/// The plain text of `html`, people by the names the message gives them. None when it is too wild to be read: the
/// message's `body` says the same.
#[must_use]
pub fn to_text(html: &str) -> Option<String> {
    let texts = read(html)?.stretches.into_iter().map(|stretch| match stretch {
        Stretch::Text(text) => text,
        Stretch::User { name, .. } => name,
    });
    Some(texts.collect())
}

/// What a message says, and what all of it looks like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// In order.
    pub stretches: Vec<Stretch>,
    /// What every word of it has in common.
    pub look: Look,
}

/// [`to_text`], with the people kept apart, and the look.
#[must_use]
pub fn read(html: &str) -> Option<Reading> {
    page(html).map(Reading::from)
}

/// The lines of `html`; none when there is too much of it.
pub(super) fn page(html: &str) -> Option<Page> {
    if html.bytes().filter(|byte| *byte == b'<').count() > MOST_TAGS {
        return None;
    }
    let mut page = Page::default();
    Html::parse(html).children().for_each(|node| page.node(&node));
    (page.seen < MOST_NODES).then_some(page)
}

impl From<Page> for Reading {
    fn from(page: Page) -> Self {
        let mut whole = Line::default();
        let look = page.looks.common();
        for (index, line) in page.finish().into_iter().enumerate() {
            if index > 0 {
                whole.push_text("\n");
            }
            line.0.into_iter().for_each(|stretch| whole.push(stretch));
        }
        Self { stretches: whole.0, look }
    }
}

/// Lines from nodes. Quotes and list items are pages of their own, put in with something before each line.
#[derive(Default)]
pub(super) struct Page {
    lines: Vec<Line>,
    current: Line,
    /// Whether an empty line is due before the next one.
    is_apart: bool,
    is_preformatted: bool,
    depth: usize,
    /// Nodes looked at so far, each of them once.
    pub(super) seen: usize,
    looks: Looks,
}

impl Page {
    fn node(&mut self, node: &NodeRef) {
        self.seen += 1;
        match node.data() {
            NodeData::Text(text) if self.is_preformatted => self.preformatted(&text.borrow()),
            NodeData::Text(text) => self.words(&text.borrow()),
            NodeData::Element(element) => self.element(element, node),
            _ => self.children(node),
        }
    }

    fn children(&mut self, node: &NodeRef) {
        if self.depth < DEEPEST && self.seen < MOST_NODES {
            self.depth += 1;
            node.children().for_each(|child| self.node(&child));
            self.depth -= 1;
        }
    }

    fn element(&mut self, element: &ElementData, node: &NodeRef) {
        match element.name.local.as_ref() {
            // mx-reply is the quoted message, for clients that do not know replies.
            "mx-reply" | "script" | "style" | "head" => (),
            "br" => self.line_break(),
            "hr" => self.block(false, |page| page.words("---")),
            "img" => {
                let text = attribute(element, "alt").or_else(|| attribute(element, "title"));
                self.words(&text.unwrap_or_default());
            }
            "a" => self.link(element, node),
            "p" => self.block(true, |page| page.children(node)),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.block(true, |page| page.looking(|look| look.bold = true, |page| page.children(node)));
            }
            "b" | "strong" => self.looking(|look| look.bold = true, |page| page.children(node)),
            "i" | "em" => self.looking(|look| look.italic = true, |page| page.children(node)),
            "u" | "ins" => self.looking(|look| look.underline = true, |page| page.children(node)),
            "del" | "s" | "strike" => self.marked("~~", node),
            "span" | "font" => self.span(element, node),
            "pre" => self.block(false, |page| page.pre(node)),
            "blockquote" => {
                let lines = self.inner(node);
                self.put_in(lines, "> ", "> ");
            }
            "ul" => self.list(None, node),
            "ol" => self.list(attribute(element, "start").and_then(|start| start.parse().ok()).or(Some(1)), node),
            "div" | "details" | "summary" | "table" | "tr" | "caption" | "li" => {
                self.block(false, |page| page.children(node));
            }
            "td" | "th" => {
                self.gap();
                self.children(node);
            }
            _ => self.children(node),
        }
    }

    /// Something with lines of its own; a paragraph is an empty line apart from its neighbours.
    fn block(&mut self, is_apart: bool, inside: impl FnOnce(&mut Self)) {
        self.close_line();
        self.is_apart |= is_apart;
        inside(self);
        self.close_line();
        self.is_apart |= is_apart;
    }

    /// What `inside` writes looks as `change` says.
    fn looking(&mut self, change: impl FnOnce(&mut Look), inside: impl FnOnce(&mut Self)) {
        let outside = self.looks.now.clone();
        change(&mut self.looks.now);
        inside(self);
        self.looks.now = outside;
    }

    /// A span with a colour, or one that hides what is in it until somebody looks.
    fn span(&mut self, element: &ElementData, node: &NodeRef) {
        let colour = attribute(element, "data-mx-color").or_else(|| attribute(element, "color"));
        let spoiler = attribute(element, "data-mx-spoiler");
        self.looking(
            |look| look.colour = colour.or(look.colour.take()),
            |page| match spoiler {
                Some(about) if !about.is_empty() => {
                    page.words(&format!("({about}) "));
                    page.marked("||", node);
                }
                Some(_) => page.marked("||", node),
                None => page.children(node),
            },
        );
    }

    /// Something between two `mark`s.
    fn marked(&mut self, mark: &str, node: &NodeRef) {
        self.ready();
        self.current.push_text(mark);
        self.children(node);
        self.current.push_text(mark);
    }

    fn pre(&mut self, node: &NodeRef) {
        let outside = std::mem::replace(&mut self.is_preformatted, true);
        self.children(node);
        self.is_preformatted = outside;
    }

    fn list(&mut self, first: Option<i64>, node: &NodeRef) {
        let mut number = first;
        for child in node.children() {
            let is_item = child.as_element().is_some_and(|element| element.name.local.as_ref() == "li");
            if is_item {
                let mark = number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
                number = number.map(|number| number.saturating_add(1));
                let lines = self.inner(&child);
                self.put_in(lines, &mark, &" ".repeat(mark.len()));
            } else if child.as_element().is_some() {
                self.node(&child);
            }
        }
    }

    fn link(&mut self, element: &ElementData, node: &NodeRef) {
        let href = attribute(element, "href").unwrap_or_default();
        if let Some(user_id) = mentioned(&href) {
            let name = self.inner(node).iter().map(Line::text).collect::<Vec<_>>().join(" ");
            self.ready();
            self.looks.note();
            self.current.push(Stretch::User { user_id, name });
            return;
        }
        let before = (self.lines.len(), self.current.text().len());
        self.children(node);
        let shown = self.written_since(before);
        if shown.is_empty() {
            self.words(&href);
        } else if href.trim_start_matches("mailto:") != shown && !href.is_empty() && !href.starts_with('#') {
            self.words(&format!(" ({href})"));
        }
    }

    /// What was written since there were so many lines, and so much text in the one after them.
    fn written_since(&self, (lines, length): (usize, usize)) -> String {
        let texts = self.lines.iter().skip(lines).chain([&self.current]).map(Line::text).collect::<Vec<_>>();
        texts.join(" ").get(length..).unwrap_or_default().trim().to_owned()
    }

    /// The lines of `node`'s children alone.
    fn inner(&mut self, node: &NodeRef) -> Vec<Line> {
        let looks = std::mem::take(&mut self.looks);
        let (is_preformatted, depth, seen) = (self.is_preformatted, self.depth, self.seen);
        let mut page = Self { is_preformatted, depth, seen, looks, ..Self::default() };
        page.children(node);
        self.seen = page.seen;
        self.looks = std::mem::take(&mut page.looks);
        page.finish()
    }

    /// Puts in `lines`, with `first` before the first and `others` before the others.
    fn put_in(&mut self, lines: Vec<Line>, first: &str, others: &str) {
        self.close_line();
        self.ready();
        let prefixes = std::iter::once(first).chain(std::iter::repeat(others));
        self.lines.extend(lines.into_iter().zip(prefixes).map(|(line, prefix)| line.prefixed(prefix)));
    }

    /// Text whose white space means nothing but a gap.
    fn words(&mut self, text: &str) {
        let is_space = |char: char| char.is_ascii_whitespace();
        if text.starts_with(is_space) {
            self.gap();
        }
        for (index, word) in text.split_ascii_whitespace().enumerate() {
            if index > 0 {
                self.gap();
            }
            self.ready();
            self.looks.note();
            self.current.push_text(word);
        }
        if text.ends_with(is_space) {
            self.gap();
        }
    }

    fn gap(&mut self) {
        if !self.current.is_empty() && !self.current.ends_with_space() {
            self.current.push_text(" ");
        }
    }

    /// Text whose white space is kept.
    fn preformatted(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.line_break();
            }
            self.ready();
            if !line.trim().is_empty() {
                self.looks.note();
            }
            self.current.push_text(line);
        }
    }

    /// Settles the empty line that is due; nothing is due before the first line.
    fn ready(&mut self) {
        if std::mem::take(&mut self.is_apart) && !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
    }

    fn line_break(&mut self) {
        self.ready();
        self.current.trim_end();
        self.lines.push(std::mem::take(&mut self.current));
    }

    fn close_line(&mut self) {
        self.current.trim_end();
        if !self.current.is_empty() {
            self.lines.push(std::mem::take(&mut self.current));
        }
    }

    fn finish(mut self) -> Vec<Line> {
        self.close_line();
        while self.lines.pop_if(|line| line.is_empty()).is_some() {}
        self.lines.into_iter().skip_while(Line::is_empty).collect()
    }
}

fn attribute(element: &ElementData, name: &str) -> Option<String> {
    let attributes = element.attrs.borrow();
    let found = attributes.iter().find(|attribute| attribute.name.local.as_ref() == name);
    found.map(|attribute| attribute.value.to_string())
}

/// Whom a link to `https://matrix.to/#/@user:server` or `matrix:u/user:server` mentions.
fn mentioned(href: &str) -> Option<OwnedUserId> {
    let id = match MatrixToUri::parse(href) {
        Ok(uri) => uri.id().clone(),
        Err(_) => MatrixUri::parse(href).ok()?.id().clone(),
    };
    match id {
        MatrixId::User(user_id) => Some(user_id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::owned_user_id;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn html_reads_as_text() {
        let cases = [
            ("hello <em>bridge</em>", "hello bridge"),
            ("  a \n b<b> c </b> d", "a b c d"),
            ("a<br>b<br/><br/>c<br>", "a\nb\n\nc"),
            ("<p>one</p>\n<p>two</p>\n", "one\n\ntwo"),
            ("before<p>one</p>after", "before\n\none\n\nafter"),
            ("<h1>Title</h1><div>a</div><div>b</div>", "Title\n\na\nb"),
            ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>d", "- a\n- b\n  - c\nd"),
            ("<ol start=\"3\"><li><p>a</p></li>\n<li>b</li></ol>", "3. a\n4. b"),
            ("<blockquote><p>said</p><p>more</p></blockquote>answer", "> said\n> \n> more\nanswer"),
            ("<blockquote><blockquote>a</blockquote>b</blockquote>", "> > a\n> b"),
            ("<pre><code>fn a() {\n    b();\n\n}\n</code></pre>done", "fn a() {\n    b();\n\n}\ndone"),
            ("x <code>a  b</code>", "x a b"),
            ("<a href=\"https://qq.com\">QQ</a>!", "QQ (https://qq.com)!"),
            ("<a href=\"https://qq.com\">https://qq.com</a>", "https://qq.com"),
            ("<a href=\"mailto:a@b.c\">a@b.c</a> <a name=\"x\">y</a>", "a@b.c y"),
            ("<mx-reply><blockquote>old</blockquote></mx-reply>new", "new"),
            ("<img src=\"mxc://hs/x\" alt=\":cat:\"> <img src=\"mxc://hs/y\">", ":cat:"),
            ("a &amp; b &lt;c&gt; &#x4f60;", "a & b <c> 你"),
            ("1<hr>2", "1\n---\n2"),
            ("<script>alert(1)</script>ok", "ok"),
            ("<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a b\n1 2"),
            ("<font color=\"red\">r</font><span data-mx-spoiler>s</span> <del>d e</del>!", "r||s|| ~~d e~~!"),
            ("the end: <span data-mx-spoiler=\"film\">he dies</span>", "the end: (film) ||he dies||"),
            ("see <a href=\"https://qq.com\">the <b>QQ</b> page</a>", "see the QQ page (https://qq.com)"),
            ("<p>x</p><p><a href=\"https://qq.com\"><img src=\"mxc://a/b\"></a></p>", "x\n\nhttps://qq.com"),
            ("not <closed", "not"),
            ("", ""),
        ];
        for (html, text) in cases {
            assert_eq!(to_text(html).as_deref(), Some(text), "{html}");
        }
    }

    #[test]
    fn people_are_kept_apart_from_the_text() {
        let html = "hi <a href=\"https://matrix.to/#/@qq_1:hs.test\"><b>Li</b> Lei</a>,<br>\
                    and <a href=\"matrix:u/alice:hs.test\">Alice</a>";
        let user = |user_id, name: &str| Stretch::User { user_id, name: name.to_owned() };
        let text = |text: &str| Stretch::Text(text.to_owned());
        let wanted = [
            text("hi "),
            user(owned_user_id!("@qq_1:hs.test"), "Li Lei"),
            text(",\nand "),
            user(owned_user_id!("@alice:hs.test"), "Alice"),
        ];
        assert_eq!(read(html).unwrap().stretches, wanted);
        assert_eq!(to_text(html).unwrap(), "hi Li Lei,\nand Alice");
    }

    #[test]
    fn a_look_is_told_only_when_all_words_share_it() {
        let look = |bold, italic, underline, colour: &str| Look {
            bold,
            italic,
            underline,
            colour: Some(colour.to_owned()).filter(|colour| !colour.is_empty()),
        };
        let plain = Look::default;
        let cases = [
            ("<strong>all of it</strong>", look(true, false, false, "")),
            ("<p><b>one</b></p><p><b> <i>two</i></b></p>", look(true, false, false, "")),
            ("<b><em><u>x</u></em></b>", look(true, true, true, "")),
            ("<span data-mx-color=\"#ff0000\">red <b>and</b></span>", look(false, false, false, "#ff0000")),
            ("<font color=\"#00ff00\"><b>x</b></font>", look(true, false, false, "#00ff00")),
            ("<span data-mx-color=\"#f00\">a</span><span data-mx-color=\"#0f0\">b</span>", plain()),
            ("<ul><li><b>a</b></li><li><b>b</b></li></ul>", look(true, false, false, "")),
            ("<ul><li><b>a</b></li><li>b</li></ul>", plain()),
            ("<b>so</b> it is", plain()),
            ("<b><a href=\"https://matrix.to/#/@a:hs\">A</a></b> come", plain()),
            ("<h1>Title</h1>", look(true, false, false, "")),
            ("<b> </b>", plain()),
        ];
        for (html, expected) in cases {
            assert_eq!(read(html).unwrap().look, expected, "{html}");
        }
    }

    #[test]
    fn html_made_to_exhaust_the_stack_is_not_read() {
        assert_eq!(to_text(&"<div>".repeat(60_000)), None);
        let deep = format!("top{}down", "<div>".repeat(900));
        assert_eq!(to_text(&deep).as_deref(), Some("top"));
    }

    proptest! {
        #[test]
        fn what_was_made_from_text_reads_as_that_text(text in "[^ \t\r\n\\x0c\\x00\u{feff}]{1,20}(\n{1,2}[^ \t\r\n\\x0c\\x00\u{feff}]{1,20}){0,3}") {
            prop_assert_eq!(to_text(&from_text(&text)), Some(text));
        }

        #[test]
        fn no_html_makes_it_fail(html in "(<(p|b|br|ul|li|a href=\"#\"|blockquote|pre|/p|/ul|/li|/a|/blockquote)>|[a-z &;\n]){0,60}") {
            prop_assert!(to_text(&html).is_some());
        }
    }
}

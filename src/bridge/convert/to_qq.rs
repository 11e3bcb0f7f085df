//! A Matrix message as what is said on QQ.
//!
//! QQ has one font for a message: bold, italic, underline and colour are carried when all words share them. A quoted
//! message becomes a line `「name：words」`, an edit or emote gets a star.

use std::collections::HashMap;

use matrix_sdk::ruma::OwnedUserId;
use unicode_segmentation::UnicodeSegmentation as _;

use super::attachment::label;
use super::face::with_faces;
use super::split::split;
use crate::matrix::event::{Message, Relation};
use crate::matrix::html::{self, Look, Reading, Stretch};
use crate::qq::{ContactId, Outgoing, Piece, Style};

/// Room for `(12/34) ` before a part of a long text.
const NUMBERING_BYTES: usize = 12;
/// Characters of a quoted message.
const LONGEST_QUOTE: usize = 40;

/// Why a message cannot be said on QQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsayable {
    /// WebQQ carries text only.
    Media,
    /// There is nothing in it.
    Empty,
}

/// What was asked around before a message is converted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// The contacts behind the ghosts that the message mentions, and what they are called in the chat.
    pub people: HashMap<OwnedUserId, (ContactId, String)>,
    /// The message that it answers, if that could be had.
    pub quote: Option<Quote>,
    /// What its author is called in the room, if they are not the account's owner.
    pub name: Option<String>,
    /// What is said before and after it, when its author speaks through somebody else's account.
    pub frame: Option<(String, String)>,
}

/// A message that is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Who wrote it, as the chat calls them.
    pub name: String,
    /// What they wrote.
    pub words: String,
}

/// `message` as one or more QQ messages of at most `max_bytes` bytes each, numbered when there are several.
///
/// An edit is said again with a star before it: QQ cannot change what was said.
pub fn outgoing(message: &Message, around: &Around, max_bytes: usize) -> Result<Vec<Outgoing>, Unsayable> {
    let (written, edited) = written(message);
    let Reading { stretches, look } = reading(written)?;
    let mut pieces = Vec::new();
    if let Some(quote) = &around.quote {
        push_text(&mut pieces, &quote_line(quote));
    }
    if edited || written.msgtype == "m.emote" {
        push_text(&mut pieces, "* ");
    }
    if let Some((before, _)) = &around.frame {
        push_text(&mut pieces, before);
    }
    pieces_of(stretches, around, &mut pieces);
    if let Some((_, after)) = &around.frame {
        push_text(&mut pieces, after);
    }
    let style = style_of(look);
    let say = |pieces| Outgoing { pieces, style: style.clone() };
    let whole = split(&pieces, max_bytes);
    if whole.len() < 2 {
        return Ok(whole.into_iter().map(say).collect());
    }
    let parts = split(&pieces, max_bytes.saturating_sub(NUMBERING_BYTES));
    let count = parts.len();
    let numbered = |(at, part): (usize, Vec<Piece>)| {
        let mut pieces = Vec::with_capacity(part.len() + 1);
        push_text(&mut pieces, &format!("({}/{count}) ", at + 1));
        push_all(&mut pieces, part);
        say(pieces)
    };
    Ok(parts.into_iter().enumerate().map(numbered).collect())
}

/// The message that `message` answers on purpose.
#[must_use]
pub fn answered(message: &Message) -> Option<&matrix_sdk::ruma::EventId> {
    match &message.relation {
        Relation::Reply { to } | Relation::Thread { reply_to: Some(to), .. } => Some(to),
        _ => None,
    }
}

/// The users that `message` mentions by a link.
#[must_use]
pub fn mentioned(message: &Message) -> Vec<OwnedUserId> {
    let reading = written(message).0.html.as_deref().and_then(html::read).unwrap_or_default();
    let user = |stretch| match stretch {
        Stretch::User { user_id, .. } => Some(user_id),
        Stretch::Text(_) => None,
    };
    reading.stretches.into_iter().filter_map(user).collect()
}

/// What `message` says in a few words, for a quote of it.
#[must_use]
pub fn excerpt(message: &Message) -> String {
    let (written, _) = written(message);
    let words = match label(&written.msgtype) {
        Some(label) => label.to_owned(),
        None => written.html.as_deref().and_then(html::to_text).unwrap_or_else(|| written.body.clone()),
    };
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.grapheme_indices(true).nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    }
}

fn quote_line(quote: &Quote) -> String {
    format!("「{}：{}」\n", quote.name, quote.words)
}

/// The message as it is meant now, and whether it is an edit.
fn written(message: &Message) -> (&Message, bool) {
    match &message.relation {
        Relation::Edit { by, .. } => (by.as_ref(), true),
        _ => (message, false),
    }
}

fn reading(written: &Message) -> Result<Reading, Unsayable> {
    if written.msgtype == "m.location" {
        // Its body says where, in words or numbers.
        let stretches = vec![Stretch::Text(format!("[位置] {}", written.body.trim()))];
        return Ok(Reading { stretches, look: Look::default() });
    }
    if !matches!(written.msgtype.as_str(), "m.text" | "m.notice" | "m.emote") {
        return Err(Unsayable::Media);
    }
    let plain = || Reading { stretches: vec![Stretch::Text(written.body.clone())], look: Look::default() };
    let mut reading = written.html.as_deref().and_then(html::read).unwrap_or_else(plain);
    if let Some(Stretch::Text(last)) = reading.stretches.last_mut() {
        last.truncate(last.trim_end().len());
    }
    let says_something = |stretch: &Stretch| match stretch {
        Stretch::Text(text) => !text.trim().is_empty(),
        Stretch::User { .. } => true,
    };
    if reading.stretches.iter().any(says_something) { Ok(reading) } else { Err(Unsayable::Empty) }
}

fn pieces_of(stretches: Vec<Stretch>, around: &Around, pieces: &mut Vec<Piece>) {
    for stretch in stretches {
        match stretch {
            Stretch::Text(text) => {
                let is_called = matches!(pieces.last(), Some(Piece::Mention { .. }));
                // Clients of Matrix write `name: words`, those of QQ `@name words`.
                let words = if is_called { text.strip_prefix(':').unwrap_or(&text) } else { &text };
                push_all(pieces, with_faces(words));
            }
            Stretch::User { user_id, name } => match around.people.get(&user_id) {
                Some((who, name)) => pieces.push(Piece::Mention { who: who.clone(), name: name.clone() }),
                None => push_text(pieces, &format!("@{}", name.trim_start_matches('@'))),
            },
        }
    }
}

fn push_all(pieces: &mut Vec<Piece>, more: Vec<Piece>) {
    for piece in more {
        match piece {
            Piece::Text(text) => push_text(pieces, &text),
            other => pieces.push(other),
        }
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn style_of(look: Look) -> Style {
    Style {
        bold: look.bold,
        italic: look.italic,
        underline: look.underline,
        colour: look.colour.and_then(|colour| colour.strip_prefix('#')?.parse().ok()),
        ..Style::default()
    }
}

#[cfg(test)]
mod tests {
    use matrix_sdk::ruma::{event_id, user_id};

    use super::*;
    use crate::bridge::convert::tests::text;
    use crate::qq::{Colour, Face};

    fn formatted(html: &str) -> Message {
        Message { html: Some(html.to_owned()), ..text("something else") }
    }

    fn said(message: &Message, around: &Around) -> Outgoing {
        let mut all = outgoing(message, around, 720).expect("can be said");
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn one(message: &Message) -> String {
        crate::bridge::convert::to_matrix::plain(&said(message, &Around::default()).pieces)
    }

    #[test]
    fn text_stays_as_it_is_and_faces_are_faces() {
        assert_eq!(one(&text("hi\nthere <b> &lt;")), "hi\nthere <b> &lt;");
        let faces = said(&text("hi [微笑]🙂"), &Around::default()).pieces;
        assert_eq!(faces, [Piece::Text("hi ".into()), Piece::Face(Face(14)), Piece::Face(Face(14))]);
    }

    #[test]
    fn an_emote_and_an_edit_get_a_star() {
        assert_eq!(one(&Message { msgtype: "m.emote".into(), ..text("waves") }), "* waves");
        let edit = Relation::Edit { of: event_id!("$1").to_owned(), by: Box::new(text("fixed")) };
        assert_eq!(one(&Message { relation: edit, ..text("* fixed") }), "* fixed");
    }

    #[test]
    fn a_look_of_the_whole_message_is_carried_and_that_of_a_part_is_not() {
        let plain = |style: &Style| style.is_plain();
        let whole = said(&formatted("<b>hi<br>there</b>"), &Around::default());
        assert_eq!(whole.style, Style { bold: true, ..Style::default() });
        assert_eq!(whole.pieces, [Piece::Text("hi\nthere".into())]);
        let red = said(&formatted("<span data-mx-color=\"#ff0000\"><i><u>x</u></i></span>"), &Around::default()).style;
        let expected = Style { italic: true, underline: true, colour: Some(Colour(255, 0, 0)), ..Style::default() };
        assert_eq!(red, expected);
        assert!(plain(&said(&formatted("<b>part</b> of it"), &Around::default()).style));
        assert!(plain(&said(&formatted("<font color=\"red\">named</font>"), &Around::default()).style));
    }

    #[test]
    fn whoever_is_known_on_qq_is_called_as_the_chat_calls_them() {
        let people = [(user_id!("@qq_1.2:hs").to_owned(), (ContactId::new("1.2"), "妈妈".to_owned()))];
        let around = Around { people: people.into_iter().collect(), ..Around::default() };
        let html = "<a href=\"https://matrix.to/#/@qq_1.2:hs\">妈妈 (QQ)</a>: hi \
                    <a href=\"https://matrix.to/#/@bob:hs\">@bob</a>!";
        let message = formatted(html);
        assert_eq!(mentioned(&message), [user_id!("@qq_1.2:hs"), user_id!("@bob:hs")]);
        let name = Piece::Mention { who: ContactId::new("1.2"), name: "妈妈".into() };
        assert_eq!(said(&message, &around).pieces, [name, Piece::Text(" hi @bob!".into())]);
    }

    #[test]
    fn an_answer_quotes_what_it_answers_in_one_line() {
        let reply = Message { relation: Relation::Reply { to: event_id!("$1").to_owned() }, ..text("吃了") };
        assert_eq!(answered(&reply), Some(event_id!("$1")));
        let words = excerpt(&text("吃饭了吗？\n 我做了鱼"));
        let quote = Some(Quote { name: "妈妈".into(), words });
        let around = Around { quote, ..Around::default() };
        assert_eq!(said(&reply, &around).pieces, [Piece::Text("「妈妈：吃饭了吗？ 我做了鱼」\n吃了".into())]);
        assert_eq!(one(&reply), "吃了", "what is answered could not be had");
        assert_eq!(excerpt(&text(&"字".repeat(200))), format!("{}…", "字".repeat(LONGEST_QUOTE)));
        assert_eq!(excerpt(&Message { msgtype: "m.image".into(), ..text("a.png") }), "[图片]");
    }

    #[test]
    fn what_is_relayed_stands_in_its_frame() {
        let frame = Some(("「Bob」: ".to_owned(), "!".to_owned()));
        let around = Around { frame, ..Around::default() };
        assert_eq!(said(&text("hi"), &around).pieces, [Piece::Text("「Bob」: hi!".into())]);
        let emote = Message { msgtype: "m.emote".into(), ..text("waves") };
        assert_eq!(said(&emote, &around).pieces, [Piece::Text("* 「Bob」: waves!".into())]);
    }

    #[test]
    fn a_long_text_is_numbered_and_fits() {
        let long = format!("<b>{}</b>", "字[微笑]".repeat(250));
        let all = outgoing(&formatted(&long), &Around::default(), 720).expect("can be said");
        assert!(all.iter().all(|part| part.style.bold));
        let count = all.len();
        let mut heard = Vec::new();
        for (at, part) in all.iter().enumerate() {
            let first = format!("({}/{count}) ", at + 1);
            assert!(matches!(&part.pieces[0], Piece::Text(text) if text.starts_with(&first)), "{part:?}");
            assert_eq!(split(&part.pieces, 720).len(), 1);
            heard.extend(part.pieces.clone());
        }
        let faces = heard.iter().filter(|piece| **piece == Piece::Face(Face(14))).count();
        assert_eq!((count, faces), (6, 250));
    }

    #[test]
    fn pictures_and_nothing_are_refused() {
        let refused = |message: &Message| outgoing(message, &Around::default(), 720).unwrap_err();
        assert_eq!(refused(&Message { msgtype: "m.image".into(), ..text("a.png") }), Unsayable::Media);
        assert_eq!(refused(&text(" \n")), Unsayable::Empty);
        assert_eq!(refused(&formatted("<p> </p>")), Unsayable::Empty);
    }
}

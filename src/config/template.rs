//! The part of Go's `text/template` that people paste from other bridges: fields, `or`, `if`/`else`/`end`.
//!
//! ```text
//! {{.}}  {{.Name}}  {{or .Name .ID "nobody"}}  {{if .Name}}…{{else if .ID}}…{{else}}…{{end}}  {{- trims spaces -}}
//! ```

use std::iter::Peekable;
use std::vec;

/// A template that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Show(Term),
    Choose { test: Term, then: Vec<Piece>, otherwise: Vec<Piece> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// A field by its name; the bare dot has the name `.`.
    Field(String),
    Literal(String),
    /// The first one that is not empty, else the last.
    Or(Vec<Term>),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{{` without `}}`.
    #[error("{{{{ is never closed with }}}}")]
    Open,
    /// An `if` without `end`.
    #[error("{{{{if}}}} is never closed with {{{{end}}}}")]
    OpenIf,
    /// An `else` or `end` without `if`.
    #[error("{{{{{0}}}}} has no {{{{if}}}} before it")]
    Stray(String),
    /// A field that there is not.
    #[error("there is no field {found}; there are {known}")]
    Field {
        /// What was asked for.
        found: String,
        /// What there is.
        known: String,
    },
    /// Something that is not part of the language.
    #[error("{{{{{0}}}}} is not understood; only fields, texts in quotes, or, if, else and end are")]
    Action(String),
}

impl Template {
    /// Reads `text`, which may use `fields` (such as `Name`; `.` for the bare dot).
    pub fn parse(text: &str, fields: &[&str]) -> Result<Self, TemplateError> {
        let mut tokens = tokens(text)?.into_iter().peekable();
        let pieces = pieces(&mut tokens, fields)?;
        match tokens.next() {
            Some(Token::Action(stray)) => Err(TemplateError::Stray(stray)),
            _ => Ok(Self(pieces)),
        }
    }

    /// Fills it in; a field that is not in `values` is empty.
    #[must_use]
    pub fn render(&self, values: &[(&str, &str)]) -> String {
        let mut text = String::new();
        render(&self.0, values, &mut text);
        text
    }
}

fn render(pieces: &[Piece], values: &[(&str, &str)], text: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(literal) => text.push_str(literal),
            Piece::Show(term) => text.push_str(term.value(values)),
            Piece::Choose { test, then, otherwise } => {
                let chosen = if test.value(values).is_empty() { otherwise } else { then };
                render(chosen, values, text);
            }
        }
    }
}

impl Term {
    fn value<'a>(&'a self, values: &[(&str, &'a str)]) -> &'a str {
        match self {
            Self::Literal(text) => text,
            Self::Field(name) => values.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value),
            Self::Or(terms) => {
                let mut values = terms.iter().map(|term| term.value(values));
                values.find(|value| !value.is_empty()).unwrap_or_default()
            }
        }
    }

    /// Reads what stands between the braces, without `if`.
    fn parse(action: &str, fields: &[&str]) -> Result<Self, TemplateError> {
        let refuse = || TemplateError::Action(action.to_owned());
        let words = words(action).ok_or_else(refuse)?;
        match words.as_slice() {
            [one] => Self::word(one, fields, refuse),
            [first, rest @ ..] if first == "or" => {
                rest.iter().map(|word| Self::word(word, fields, refuse)).collect::<Result<_, _>>().map(Self::Or)
            }
            _ => Err(refuse()),
        }
    }

    fn word(word: &str, fields: &[&str], refuse: impl Fn() -> TemplateError) -> Result<Self, TemplateError> {
        if let Some(literal) = word.strip_prefix(['"', '`']) {
            return Ok(Self::Literal(literal.to_owned()));
        }
        let name = if word == "." { word } else { word.strip_prefix('.').ok_or_else(&refuse)? };
        if fields.contains(&name) {
            return Ok(Self::Field(name.to_owned()));
        }
        let dotted = |field: &&str| if *field == "." { "{{.}}".to_owned() } else { format!("{{{{.{field}}}}}") };
        let known = fields.iter().map(dotted).collect::<Vec<_>>().join(", ");
        Err(TemplateError::Field { found: format!("{{{{{word}}}}}"), known })
    }
}

#[derive(Debug)]
enum Token {
    Text(String),
    /// What stood between the braces, without spaces at its ends.
    Action(String),
}

/// Cuts `text` at its braces; `{{-` and `-}}` eat the spaces next to them.
fn tokens(text: &str) -> Result<Vec<Token>, TemplateError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, next) = after.split_once("}}").ok_or(TemplateError::Open)?;
        let (action, before) = match action.strip_prefix("- ") {
            Some(action) => (action, before.trim_end()),
            None => (action, before),
        };
        let (action, next) = match action.strip_suffix(" -") {
            Some(action) => (action, next.trim_start()),
            None => (action, next),
        };
        tokens.push(Token::Text(before.to_owned()));
        tokens.push(Token::Action(action.trim().to_owned()));
        rest = next;
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok(tokens)
}

/// Reads up to the end, or to the `else` or `end` that closes what is being read; that one is left for the caller.
fn pieces(tokens: &mut Peekable<vec::IntoIter<Token>>, fields: &[&str]) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    while let Some(token) = tokens.next_if(|token| !closes(token)) {
        match token {
            Token::Text(text) if text.is_empty() => {}
            Token::Text(text) => pieces.push(Piece::Text(text)),
            Token::Action(action) => pieces.push(match action.strip_prefix("if ") {
                Some(test) => choose(test, tokens, fields)?,
                None => Piece::Show(Term::parse(&action, fields)?),
            }),
        }
    }
    Ok(pieces)
}

/// Whether `token` is `end`, `else` or `else if …`.
fn closes(token: &Token) -> bool {
    matches!(token, Token::Action(action) if action == "end" || action == "else" || action.starts_with("else "))
}

/// Reads the two arms of an `if` and its `end`.
fn choose(test: &str, tokens: &mut Peekable<vec::IntoIter<Token>>, fields: &[&str]) -> Result<Piece, TemplateError> {
    let test = Term::parse(test.trim(), fields)?;
    let then = pieces(tokens, fields)?;
    let Some(Token::Action(closing)) = tokens.next() else { return Err(TemplateError::OpenIf) };
    let otherwise = match closing.strip_prefix("else").map(str::trim) {
        None => Vec::new(),
        Some("") => {
            let otherwise = pieces(tokens, fields)?;
            match tokens.next() {
                Some(Token::Action(end)) if end == "end" => otherwise,
                Some(Token::Action(stray)) => return Err(TemplateError::Stray(stray)),
                _ => return Err(TemplateError::OpenIf),
            }
        }
        // `else if` shares the `end` of the first `if`.
        Some(next) => match next.strip_prefix("if ") {
            Some(test) => vec![choose(test, tokens, fields)?],
            None => return Err(TemplateError::Action(closing)),
        },
    };
    Ok(Piece::Choose { test, then, otherwise })
}

/// The words of an action. A text in quotes is one word and keeps its opening quote as a mark. `None` when a quote is
/// never closed.
fn words(action: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = action.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '`' => quoted(rest, first)?,
            _ => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, after) = rest.split_at_checked(end)?;
                (word.to_owned(), after)
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    Some(words)
}

/// The text in quotes that `rest` begins with, its opening quote before it, and what follows.
fn quoted(rest: &str, quote: char) -> Option<(String, &str)> {
    let mut word = String::from(quote);
    let mut chars = rest.char_indices().skip(1);
    while let Some((place, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => word.push(chars.next()?.1),
            _ if c == quote => return Some((word, rest.get(place + c.len_utf8()..)?)),
            _ => word.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [&str; 2] = ["Name", "ID"];

    #[test]
    fn templates_are_filled_in_as_go_would() {
        for (template, name, id, text) in [
            ("", "n", "1", ""),
            ("plain", "n", "1", "plain"),
            ("{{.Name}} (QQ)", "小明", "1", "小明 (QQ)"),
            ("{{ .Name }}/{{.ID}}", "n", "1", "n/1"),
            ("{{or .Name .ID}} (QQ)", "", "1", "1 (QQ)"),
            ("{{or .Name .ID}} (QQ)", "n", "1", "n (QQ)"),
            (r#"{{or .Name "Unknown user"}}"#, "", "1", "Unknown user"),
            (r#"{{or .Name "a \"b\""}}"#, "", "1", "a \"b\""),
            ("{{or .Name `c`}}", "", "1", "c"),
            ("{{if .Name}}{{.Name}}{{else}}#{{.ID}}{{end}}!", "n", "1", "n!"),
            ("{{if .Name}}{{.Name}}{{else}}#{{.ID}}{{end}}!", "", "1", "#1!"),
            ("{{if .Name}}{{.Name}} {{end}}x", "", "1", "x"),
            ("{{if .Name}}a{{else if .ID}}b{{else}}c{{end}}d", "", "1", "bd"),
            ("{{if .Name}}a{{else if .ID}}b{{else}}c{{end}}d", "", "", "cd"),
            ("{{if .Name}}{{if .ID}}both{{else}}name{{end}}{{end}}", "n", "", "name"),
            ("{{if or .Name .ID}}some{{end}}", "", "1", "some"),
            ("a {{- .Name -}} b", "n", "1", "anb"),
        ] {
            let parsed = Template::parse(template, &FIELDS).unwrap_or_else(|error| panic!("{template}: {error}"));
            assert_eq!(parsed.render(&[("Name", name), ("ID", id)]), text, "{template}");
        }
    }

    #[test]
    fn the_bare_dot_is_a_field_where_it_is_offered() {
        let template = Template::parse("qq_{{.}}", &["."]).unwrap();
        assert_eq!(template.render(&[(".", "42")]), "qq_42");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (template, error) in [
            ("{{.Name", "{{ is never closed with }}"),
            ("{{if .Name}}a", "{{if}} is never closed with {{end}}"),
            ("{{if .Name}}a{{else}}b", "{{if}} is never closed with {{end}}"),
            ("{{if .Name}}a{{else}}b{{else}}c{{end}}", "{{else}} has no {{if}} before it"),
            ("a{{end}}", "{{end}} has no {{if}} before it"),
            ("{{.Alias}}", "there is no field {{.Alias}}; there are {{.Name}}, {{.ID}}"),
            ("{{.}}", "there is no field {{.}}; there are {{.Name}}, {{.ID}}"),
            (
                "{{len .Name}}",
                "{{len .Name}} is not understood; only fields, texts in quotes, or, if, else and end are",
            ),
            ("{{}}", "{{}} is not understood; only fields, texts in quotes, or, if, else and end are"),
            ("{{or \"a}}", "{{or \"a}} is not understood; only fields, texts in quotes, or, if, else and end are"),
        ] {
            assert_eq!(Template::parse(template, &FIELDS).unwrap_err().to_string(), error, "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_text_without_braces_stays_as_it_is(text in ".{0,40}") {
            let parsed = Template::parse(&text, &FIELDS);
            if !text.contains("{{") {
                proptest::prop_assert_eq!(parsed.unwrap().render(&[]), text);
            }
        }
    }
}

//! One line of a message, stretch by stretch.

use super::Stretch;

/// A line of text, or a part of it.
#[derive(Default)]
pub(super) struct Line(pub(super) Vec<Stretch>);

impl Line {
    pub(super) fn push(&mut self, stretch: Stretch) {
        match stretch {
            Stretch::Text(text) => self.push_text(&text),
            user @ Stretch::User { .. } => self.0.push(user),
        }
    }

    pub(super) fn push_text(&mut self, more: &str) {
        match self.0.last_mut() {
            Some(Stretch::Text(text)) => text.push_str(more),
            _ if more.is_empty() => (),
            _ => self.0.push(Stretch::Text(more.to_owned())),
        }
    }

    pub(super) fn prefixed(self, prefix: &str) -> Self {
        let mut line = Self::default();
        line.push_text(prefix);
        self.0.into_iter().for_each(|stretch| line.push(stretch));
        line
    }

    pub(super) fn trim_end(&mut self) {
        if let Some(Stretch::Text(text)) = self.0.last_mut() {
            text.truncate(text.trim_end_matches(' ').len());
            if text.is_empty() {
                self.0.pop();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn ends_with_space(&self) -> bool {
        matches!(self.0.last(), Some(Stretch::Text(text)) if text.ends_with(' '))
    }

    /// How it reads.
    pub(super) fn text(&self) -> String {
        let texts = self.0.iter().map(|stretch| match stretch {
            Stretch::Text(text) => text.as_str(),
            Stretch::User { name, .. } => name,
        });
        texts.collect()
    }
}

//! What the words of a message look like, and what all of them have in common.

/// How words look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// A colour, as the message writes it: `#ff0000`, mostly.
    pub colour: Option<String>,
}

/// Keeps book while words are written.
#[derive(Default)]
pub(super) struct Looks {
    /// What is written now looks like this.
    pub(super) now: Look,
    common: Option<Look>,
}

impl Looks {
    /// A word is written.
    pub(super) fn note(&mut self) {
        let Some(common) = &mut self.common else {
            self.common = Some(self.now.clone());
            return;
        };
        common.bold &= self.now.bold;
        common.italic &= self.now.italic;
        common.underline &= self.now.underline;
        if common.colour != self.now.colour {
            common.colour = None;
        }
    }

    /// What all words had in common; nothing when there was none.
    pub(super) fn common(&self) -> Look {
        self.common.clone().unwrap_or_default()
    }
}

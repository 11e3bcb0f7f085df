//! Messages from one world in the words of the other. Pure: values in, values out.

pub mod attachment;
pub mod face;
#[cfg(test)]
mod hostile;
pub mod media;
pub mod parts;
pub mod split;
pub mod to_matrix;
pub mod to_qq;

#[cfg(test)]
mod tests {
    use crate::matrix::event::{Message, Relation};

    /// A message of words alone.
    pub(super) fn text(body: &str) -> Message {
        Message {
            msgtype: "m.text".into(),
            body: body.into(),
            html: None,
            media: None,
            relation: Relation::None,
            mentions: Vec::new(),
        }
    }
}

//! The built-in emoticons of QQ (表情): ids, names, emoji.
//!
//! Source: the table in `faces.csv` beside this file.

use serde::{Deserialize, Serialize};

/// A face by the id that WebQQ puts on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Face(pub u32);

//! Messages from one world in the words of the other. Pure: values in, values out.

pub mod attachment;
pub mod face;
pub mod media;
pub mod parts;
pub mod split;
pub mod to_matrix;
pub mod to_qq;

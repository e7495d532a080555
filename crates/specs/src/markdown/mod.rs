//! Lines of Markdown and their parts: what is text, which boxes and numbers a line has, and what its words mean.

pub(crate) mod boxes;
pub(crate) mod context;
pub(crate) mod fold;
pub(crate) mod ids;
pub(crate) mod item;
pub(crate) mod labels;
pub(crate) mod marker;
pub(crate) mod number;
pub(crate) mod numerals;
pub(crate) mod pattern;
pub(crate) mod stems;

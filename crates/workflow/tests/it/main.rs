//! What the workflow promises, seen from outside.

mod anchors;
mod corpus;
mod crew;
mod documents;
mod fresh;
mod lines;
mod records;
mod world;

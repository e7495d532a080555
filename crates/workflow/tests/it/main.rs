//! What the workflow promises, seen from outside.

mod anchors;
mod corpus;
mod crew;
mod dialects;
mod documents;
mod fresh;
mod large;
mod lines;
mod records;
mod shapes;
mod story;
mod ticked;
mod turns;
mod world;

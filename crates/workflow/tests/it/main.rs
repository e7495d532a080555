//! What the workflow promises, seen from outside.

mod crew;
mod fresh;
mod large;
mod lines;
mod questions;
mod records;
mod stored_names;
mod story;
mod ticked;
mod turns;
mod world;

//! What the workflow promises, seen from outside.

mod crew;
mod fresh;
mod large;
mod lines;
mod prompts;
mod questions;
mod records;
mod repair;
mod resources;
mod stored_names;
mod story;
mod ticked;
mod turns;
mod world;

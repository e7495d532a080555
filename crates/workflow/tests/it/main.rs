//! What the workflow promises, seen from outside.

mod corpus;
mod world;

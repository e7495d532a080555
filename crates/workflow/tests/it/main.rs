//! What the workflow promises, seen from outside.

mod corpus;
mod documents;
mod world;

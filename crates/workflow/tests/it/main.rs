//! What the workflow promises, seen from outside.

mod world;

//! Tests of documents from outside.

mod anchors;
mod corpus;
mod dialects;
mod documents;
mod plan_edits;
mod shapes;

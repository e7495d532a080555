//! What a thread is told.

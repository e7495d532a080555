//! The real binary, as its users and their machines treat it.

mod commands;
mod harness;
mod job;
mod kill;
mod live;
mod rules;
mod samples;

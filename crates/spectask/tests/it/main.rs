//! The real binary, as its users and their machines treat it.

mod commands;
mod contract;
mod crew;
mod git_http;
mod harness;
mod job;
mod keeping;
mod kill;
mod live;
mod plain;
mod record;
mod registering;
mod report;
mod review;
mod rules;
mod samples;
mod search;
mod secrets;
mod shapes;
mod side_by_side;
mod storm;
mod templates;

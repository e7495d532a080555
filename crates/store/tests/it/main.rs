//! What the store promises, on SQLite and on PostgreSQL.

mod contract;
mod database;
mod migrations;
mod outage;
mod ports;
mod push;
mod record;
mod retention;
mod search;
mod short_ids;
mod stored_secrets;
mod webhooks;

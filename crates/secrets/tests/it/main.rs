mod chunks;
mod corpus;
mod keys;
mod ordinary;
mod values;

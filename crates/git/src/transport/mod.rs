//! How repositories and their objects come in and go out: created, cloned, and served over HTTP.

pub(crate) mod clone;
pub(crate) mod create;
pub(crate) mod inspect;
pub(crate) mod smart_http;

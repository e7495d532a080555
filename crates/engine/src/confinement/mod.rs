//! Confinement: the files, network and machine resources that agents and commands reach.

pub(crate) mod checks;
pub(crate) mod command;
pub(crate) mod confine;
pub(crate) mod denials;
pub(crate) mod network;

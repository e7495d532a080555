//! The plan, tasks.md, in any dialect as one model: its tasks, their order, and the living checklist made from it.

mod aside;
pub mod checklist;
pub(crate) mod cycles;
mod data;
mod data_tree;
mod data_xml;
mod document;
mod drawn;
pub mod edit;
mod graph;
mod lookup;
mod model;
mod needs;
mod order;
mod phases;
mod reader;
mod tables;
mod titles;
mod unboxed;
mod units;

pub use crate::outline::facts::{Effort, is_resource};
pub use crate::outline::references::{Told, Unresolved};
pub use document::parse;
pub use model::{Dialect, Item, Plan, PlanUnit};

pub(crate) use model::Assumed;

//! What plans and requirements have in common: headings, sections, labelled facts and references to other items.

pub(crate) mod facts;
pub(crate) mod headings;
pub(crate) mod references;
pub(crate) mod sections;

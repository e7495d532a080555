//! Edits of a plan: planned tasks are changed, split, merged, moved, removed and added in the Markdown of any dialect.
//!
//! An edit works on lines and keeps every other byte. Its result is read again and compared with what the operation
//! means: where the format of a document has no way to write an edit, the edit is refused and the document kept.

mod fields;
mod layout;
mod outline;
mod structure;
mod tokens;
mod verify;

pub use outline::{PlannedTask, SubTask, outline};

use super::cycles::cycle;
use super::parse;
use crate::outline::facts::Effort;
use std::fmt;

/// How many tasks one task is split into at most.
const MAX_PARTS: usize = 20;

/// A change of a plan. Tasks are named by their numbers in the plan as the operations before it left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Changes the fields that are given.
    Change {
        task: String,
        fields: TaskFields,
    },
    /// Splits a task: the first part stays in its place with what is written below it, or with its own details; the
    /// others follow, cite the same requirements, and each waits for the one before. What depends on the task depends on
    /// all parts.
    Split {
        task: String,
        parts: Vec<NewTask>,
    },
    /// Adds what is written below a task to another task, and removes it.
    Merge {
        task: String,
        into: String,
    },
    Move {
        task: String,
        place: Place,
    },
    Remove {
        task: String,
    },
    /// Adds a task, at the end where no place is given.
    Add {
        task: NewTask,
        place: Option<Place>,
    },
}

/// A place beside another task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Before(String),
    After(String),
}

/// The fields of a planned task that an operation changes; absent ones stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFields {
    pub title: Option<String>,
    /// The lines of its description, without bullets.
    pub details: Option<Vec<String>>,
    pub acceptance: Option<Vec<String>>,
    pub effort: Option<Effort>,
    pub optional: Option<bool>,
    pub requirements: Option<Vec<String>>,
    pub boundary: Option<Vec<String>>,
    pub resources: Option<Vec<String>>,
    /// The numbers of the tasks that it depends on; none at all means that it may start at once.
    pub dependencies: Option<Vec<String>>,
}

/// A task that an operation adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTask {
    pub title: String,
    /// The lines of its description, without bullets.
    pub details: Option<Vec<String>>,
}

/// Why a plan is not edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    UnknownTask(String),
    /// A field and what is wrong with its value.
    Invalid(&'static str, String),
    /// The numbers of the tasks that would wait for each other, the first again at the end.
    Cycle(Vec<String>),
    /// What the format of the document cannot express.
    NotExpressible(String),
}

impl std::error::Error for EditError {}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTask(number) => {
                write!(f, "The plan has no task {number}; use a number that the plan shows.")
            }
            Self::Invalid(field, message) => write!(f, "{field}: {message}"),
            Self::Cycle(numbers) => write!(
                f,
                "The tasks would wait for each other: {}. Remove one of these dependencies first.",
                numbers.join(" → ")
            ),
            Self::NotExpressible(what) => {
                write!(
                    f,
                    "The format of this plan cannot express the edit: {what} Edit the text of tasks.md instead."
                )
            }
        }
    }
}

/// Applies operations one after the other and returns the document, or the first operation that fails and why.
pub fn apply(text: &str, operations: &[Operation]) -> Result<String, (usize, EditError)> {
    let mut text = text.to_owned();
    for (at, operation) in operations.iter().enumerate() {
        text = apply_one(&text, operation).map_err(|error| (at, error))?;
    }
    Ok(text)
}

fn apply_one(text: &str, operation: &Operation) -> Result<String, EditError> {
    check(operation)?;
    let before = parse(text);
    let edited = match operation {
        Operation::Change { task, fields } => fields::change(text, task, fields)?,
        Operation::Split { task, parts } => structure::split(text, task, parts)?,
        Operation::Merge { task, into } => structure::merge(text, task, into)?,
        Operation::Move { task, place } => structure::reorder(text, task, place)?,
        Operation::Remove { task } => structure::remove(text, task)?,
        Operation::Add { task, place } => structure::add(text, task, place.as_ref())?,
    };
    let after = parse(&edited.text);
    if cycle(&before.units()).is_none()
        && let Some(numbers) = cycle(&after.units())
    {
        return Err(EditError::Cycle(numbers));
    }
    verify::verify(&before, &after, operation, &edited.origins)?;
    Ok(edited.text)
}

/// A document after an operation.
struct Edited {
    text: String,
    /// For each planned task, its index before the operation; none for one that the operation adds.
    origins: Vec<Option<usize>>,
}

/// Returns that the format of a document cannot express an edit.
fn not_expressible<T>(what: &str) -> Result<T, EditError> {
    Err(EditError::NotExpressible(what.to_owned()))
}

/// Refuses texts that are no single line of words.
fn check(operation: &Operation) -> Result<(), EditError> {
    let is_line = |text: &str| !text.contains(['\n', '\r']) && text.chars().any(char::is_alphanumeric);
    let title = |title: &str| {
        if is_line(title) && title.trim() == title {
            Ok(())
        } else {
            let message = "is empty or not one line; write a short title without blanks around it";
            Err(EditError::Invalid("title", message.to_owned()))
        }
    };
    let lines = |field: &'static str, values: &[String]| {
        if values.iter().all(|value| is_line(value)) {
            Ok(())
        } else {
            Err(EditError::Invalid(field, "has an entry that is empty or not one line".to_owned()))
        }
    };
    let new = |task: &NewTask| {
        title(&task.title).and_then(|()| lines("details", task.details.as_deref().unwrap_or_default()))
    };
    match operation {
        Operation::Change { fields, .. } => {
            fields.title.as_deref().map_or(Ok(()), title)?;
            for (field, values) in [
                ("details", &fields.details),
                ("acceptance", &fields.acceptance),
                ("requirements", &fields.requirements),
                ("boundary", &fields.boundary),
                ("resources", &fields.resources),
                ("dependencies", &fields.dependencies),
            ] {
                values.as_deref().map_or(Ok(()), |values| lines(field, values))?;
            }
            let odd = fields.resources.iter().flatten().find(|name| !crate::plan::is_resource(name));
            odd.map_or(Ok(()), |name| {
                let message = format!("{name:?} is no name of a resource; use lower case, digits, - _ and .");
                Err(EditError::Invalid("resources", message))
            })
        }
        Operation::Split { parts, .. } if parts.len() < 2 => Err(EditError::Invalid(
            "parts",
            "has fewer than two tasks; name each task to split into".to_owned(),
        )),
        Operation::Split { parts, .. } if parts.len() > MAX_PARTS => Err(EditError::Invalid(
            "parts",
            format!("has {} tasks; split into at most {MAX_PARTS}", parts.len()),
        )),
        Operation::Split { parts, .. } => parts.iter().try_for_each(new),
        Operation::Add { task, .. } => new(task),
        Operation::Merge { task, into } if task == into => {
            Err(EditError::Invalid("into", "is the task itself; name another task".to_owned()))
        }
        Operation::Merge { .. } | Operation::Move { .. } | Operation::Remove { .. } => Ok(()),
    }
}

//! Reading a task's documents and deciding on them.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Document {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// The one to print (default: all three).
    #[arg(value_enum)]
    pub(crate) document: Option<DocumentName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentName {
    Requirements,
    Design,
    Tasks,
    /// The checklist as it stands.
    Progress,
}

impl DocumentName {
    /// As the server calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Requirements => "requirements",
            Self::Design => "design",
            Self::Tasks => "tasks",
            Self::Progress => "progress",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// Edit the plan with the operations of this JSON file, or of stdin for `-`: an array, as `POST …/plan-edits` takes
    /// it.
    #[arg(long, value_name = "FILE")]
    pub(crate) edit: Option<String>,
    /// Print the plan that the operations make and save nothing.
    #[arg(long, requires = "edit")]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The task, by its short id, its id, the end of its id, or words of its name that no other task has; or the id of a work session.
    pub(crate) name: String,
    /// Print the files of the specification too, which land with the change.
    #[arg(long)]
    pub(crate) specs: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Approve {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// Approve the specification; refused where the change waits for review.
    #[arg(long, conflicts_with = "change")]
    pub(crate) spec: bool,
    /// Approve the change; refused where the specification waits for review.
    #[arg(long)]
    pub(crate) change: bool,
    /// An overall comment.
    #[arg(long, short, default_value = "")]
    pub(crate) comments: String,
    /// The version that you read: the commit that `spectask diff` prints, or the hash that `spectask document` prints;
    /// at least seven characters of it. Without it, a terminal shows what is approved and asks.
    #[arg(long, value_name = "COMMIT|HASH")]
    pub(crate) at: Option<String>,
    /// A finding of a secret with which the change may land all the same; may be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) acknowledge: Vec<String>,
    /// Approve a change in which no session changed a file.
    #[arg(long)]
    pub(crate) allow_empty: bool,
    /// Wait until it needs a person again or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reject {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// An overall comment.
    #[arg(long, short, default_value = "")]
    pub(crate) comments: String,
}

#[derive(Debug, Args)]
pub(crate) struct RequestChanges {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// The changes that you request; may be absent where the documents have open comments.
    #[arg(long, short, default_value = "")]
    pub(crate) comments: String,
    /// One requested change; may be given several times.
    #[arg(long = "change", value_name = "TEXT")]
    pub(crate) changes: Vec<String>,
    /// Wait until it needs a person again or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

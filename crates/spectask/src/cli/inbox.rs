//! The inbox and webhooks, as typed.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Inbox {
    #[command(subcommand)]
    pub(crate) command: Option<InboxCommand>,
    /// Keep printing items as they are added and resolved.
    #[arg(long)]
    pub(crate) watch: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InboxCommand {
    /// Answer an item. Reviews are answered with `spectask approve`, which names what was read.
    Answer {
        /// The item's id, or its beginning.
        id: String,
        /// The answer.
        #[arg(value_enum)]
        answer: InboxAnswer,
        /// The text of a reply.
        text: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InboxAnswer {
    /// Allow a permission request, once.
    Allow,
    /// Reject a permission request.
    Deny,
    /// Allow a permission request, and equal requests of the task.
    Always,
    /// Retry the failed step.
    Retry,
    /// Continue without the failed work session.
    Skip,
    /// Reply to a conversation.
    Reply,
}

#[derive(Debug, Args)]
pub(crate) struct Webhooks {
    #[command(subcommand)]
    pub(crate) command: Option<WebhooksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List the last messages to an endpoint.
    Deliveries {
        /// The endpoint's id.
        id: String,
    },
    /// Send a message to an endpoint again.
    Redeliver {
        /// The endpoint's id.
        id: String,
        /// The number of the delivery.
        delivery: i64,
    },
    /// Send a test message to an endpoint.
    Test {
        /// The endpoint's id.
        id: String,
    },
}

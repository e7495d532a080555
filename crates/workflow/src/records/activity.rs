//! activity-log.md: the turns of a session and its changes of state.

use super::Unreadable;
use super::events::Line;
use super::markup::{inline, moment};
use super::sections;
use crate::{Event, Millis, SessionId, event_of_task};
use serde::{Deserialize, Serialize};

/// Something that happened to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The number of the task's event.
    pub event: u64,
    pub at: Millis,
    /// The event's name.
    pub kind: String,
    /// The activity, in words.
    pub text: String,
}

/// Returns the heading of the file.
pub fn head(session: &str) -> String {
    format!("# Activity: {}\n\n", inline(session))
}

/// Returns the activities of a session among a task's events.
pub fn of(session: &SessionId, lines: &[Line]) -> Vec<Activity> {
    lines
        .iter()
        .filter(|line| line.event.session() == Some(session))
        .map(|line| Activity {
            event: line.seq,
            at: line.at,
            kind: line.event.name(),
            text: describe(&line.event),
        })
        .collect()
}

/// Activities to be added to the file.
pub fn render(activities: &[Activity]) -> String {
    activities
        .iter()
        .map(|activity| {
            let heading =
                format!("\n**{}** · {}", inline(&activity.kind.replace('_', " ")), moment(activity.at));
            sections::section(activity, "text", &heading, "")
        })
        .collect()
}

pub fn parse(text: &str) -> Result<Vec<Activity>, Unreadable> {
    sections::items(text, "text")
}

/// Returns an event of a session in a sentence.
fn describe(event: &Event) -> String {
    match event {
        Event::SessionPlanned { session } => format!("{} is planned, for {}.", session.name, session.agent),
        Event::SessionReplanned { name, .. } => format!("The revised plan calls it {name}."),
        Event::SessionAssigned { agent, .. } => format!("Given to the agent {agent}."),
        Event::SessionRenamed { name, description, .. } => match (name, description) {
            (Some(name), _) => format!("A person calls it {name}."),
            (None, _) => "A person describes it otherwise.".to_owned(),
        },
        Event::PlanningStarted { round, .. } => format!("Planning of round {round} begins."),
        Event::PlanningWriting { .. } => "The documents are being written.".to_owned(),
        Event::PlanningCommitting { .. } => "The documents are being validated and committed.".to_owned(),
        Event::DocumentsInvalid { problems, .. } => {
            format!("The documents cannot be used yet:\n{}", problems.join("\n"))
        }
        Event::ResourceAwaited { reason, .. } => reason.clone(),
        Event::SessionOpening { .. } => "Its worktree is being opened.".to_owned(),
        Event::TurnStarted { turn, .. } => format!("Turn {} begins: {}.", turn.number, turn.ask.words()),
        Event::TurnEnded { stop_reason, usage, .. } => match usage {
            Some(usage) => format!(
                "The turn ended ({stop_reason}): {} tokens in, {} out.",
                usage.input_tokens, usage.output_tokens
            ),
            None => format!("The turn ended ({stop_reason})."),
        },
        Event::Spent { total_usd, usd, .. } => {
            format!("The agent says that it cost {usd:.4} USD more, {total_usd:.4} in all.")
        }
        Event::TurnFailed { failure, will_retry, .. } => {
            let next = if *will_retry { "It will be tried again." } else { "It waits for a person." };
            format!("The turn failed ({}): {} {next}", failure.class.as_str(), failure.message)
        }
        Event::PlanUpdated { plan, .. } => {
            let done = plan.iter().filter(|entry| entry.status == "completed").count();
            format!("{done} of {} entries of its agent's plan are completed.", plan.len())
        }
        Event::TurnRetried { .. } => "The turn is tried again.".to_owned(),
        Event::TurnParked { failure, .. } => {
            format!("The turn waits for a limit to end: {}", failure.message)
        }
        Event::TurnInterrupted { why, .. } => format!("The turn is interrupted. {why}"),
        Event::MessageQueued { message, .. } => format!("{} wrote a message.", message.by),
        Event::MessageEdited { .. } => "A message that waits for its turn is changed.".to_owned(),
        Event::MessageWithdrawn { .. } => "A message that waited for its turn is withdrawn.".to_owned(),
        Event::CoordinationRead { events, .. } => {
            format!("It read {} of the messages that waited for it.", events.len())
        }
        Event::Coordinated { coordination } if coordination.person_request.is_some() => {
            format!("It asks a person: {}", coordination.message)
        }
        Event::Coordinated { coordination } => {
            let to = coordination.to.as_ref().map_or_else(|| "all sessions".to_owned(), ToString::to_string);
            format!("It tells {to} ({}): {}", coordination.kind, coordination.message)
        }
        Event::SessionReopened { .. } => "It has something more to do.".to_owned(),
        Event::SessionChosen { instead_of, .. } => {
            let others: Vec<String> = instead_of.iter().map(ToString::to_string).collect();
            format!("A person chose it instead of {}.", others.join(", "))
        }
        Event::ThreadMoved { status, .. } => format!("Its editor says that the thread is {status}."),
        Event::WorkCommitted { head: Some(head), changed: true, .. } => {
            format!("Its work is committed at {head}.")
        }
        Event::WorkCommitted { head: None, changed: true, .. } => {
            "Files changed in the worktree that it shares; nothing shows which of them are its work."
                .to_owned()
        }
        Event::WorkCommitted { is_silent: true, .. } => {
            "The agent ended the turn without a message about it.".to_owned()
        }
        Event::WorkCommitted { .. } => "The turn changed nothing.".to_owned(),
        Event::SessionTold { ask, .. } => format!("Its next turn: {}.", ask.words()),
        Event::SessionAskedAgain { ask, .. } => format!("It is asked again: {}.", ask.words()),
        Event::SessionReadyToMerge { .. } => "Its work is complete.".to_owned(),
        Event::SessionMerging { .. } => "Its branch is being merged.".to_owned(),
        Event::SessionCompleted { merged: Some(commit), .. } => {
            format!("It is completed, merged as {commit}.")
        }
        Event::SessionCompleted { merged: None, .. } => "It is completed.".to_owned(),
        Event::SessionIdle { merged: Some(commit), .. } => {
            format!("Its work is merged as {commit}, and it waits for the next message.")
        }
        Event::SessionIdle { merged: None, .. } => "It waits for the next message.".to_owned(),
        Event::SessionFailed { failure, .. } => {
            format!("It failed ({}): {}", failure.class.as_str(), failure.message)
        }
        Event::SessionRetried { .. } => "It is tried again.".to_owned(),
        Event::SessionSkipped { .. } => "A person decided to continue without it.".to_owned(),
        Event::SessionCancelled { .. } => "It is cancelled.".to_owned(),
        Event::SessionPaused { why, .. } => format!("It is paused. {why}"),
        event_of_task!() => String::new(),
    }
}

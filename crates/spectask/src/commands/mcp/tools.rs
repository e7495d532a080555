//! The tools: their names, what models read about them, and their arguments.

use rmcp::model::Tool;
use serde_json::{Map, Value, json};

/// The clients that have a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// The agent of a work session.
    Session,
    /// A person's MCP client.
    Person,
    Both,
}

/// The type of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Texts,
    /// A whole number from 0 to a largest one.
    Number(u64),
    /// One of these words.
    Word(&'static [&'static str]),
}

struct Argument {
    name: &'static str,
    kind: Kind,
    is_required: bool,
    about: &'static str,
}

struct Definition {
    name: &'static str,
    audience: Audience,
    about: &'static str,
    arguments: &'static [Argument],
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Argument {
    Argument { name, kind, is_required: true, about }
}

const fn optional(name: &'static str, kind: Kind, about: &'static str) -> Argument {
    Argument { name, kind, is_required: false, about }
}

/// How long `ask_user` waits for an answer, unless it says otherwise.
pub(super) const ASK_SECONDS: u64 = 120;

const TASK: Argument = required("task", Kind::Text, "The task: its id, or words of its name.");

const TOOLS: &[Definition] = &[
    Definition {
        name: "list_tasks",
        audience: Audience::Person,
        about: "Lists the newest tasks with their status. Use it to find the task that the other tools need.",
        arguments: &[optional("query", Kind::Text, "Words of the tasks' names or prompts.")],
    },
    Definition {
        name: "get_task",
        audience: Audience::Both,
        about: "Returns the task: what was asked for, the plan with the status of each planned task, and, for a session, its own \
                planned task with acceptance criteria. Use it when you need the plan again or want to know how far the others are.",
        arguments: &[],
    },
    Definition {
        name: "list_sessions",
        audience: Audience::Both,
        about: "Lists the sessions that work on the same task: status, branch, what they wait for, their last message and the \
                files that they changed. Use it before you touch files that others may be changing.",
        arguments: &[],
    },
    Definition {
        name: "get_session_changes",
        audience: Audience::Both,
        about: "Returns what another session changed so far: its files and a diff of limited length. Use it to build on an \
                interface that is not merged yet.",
        arguments: &[required("session_id", Kind::Text, "The session, as list_sessions names it.")],
    },
    Definition {
        name: "send_message",
        audience: Audience::Both,
        about: "Sends a message to another session, or to all of them. It arrives with their next turn. Use it when your work \
                changes something that they rely on, when they block you, or to ask them something (kind request; the answer \
                arrives with get_messages or your next turn).",
        arguments: &[
            required("message", Kind::Text, "What they should know. Name files, interfaces and commits."),
            required(
                "kind",
                Kind::Word(&["notification", "request", "blocking", "handoff", "response"]),
                "What the message is for.",
            ),
            optional("to_session_id", Kind::Text, "The recipient; leave it out to reach all sessions."),
            optional("request_id", Kind::Text, "With kind response: the request that it answers."),
        ],
    },
    Definition {
        name: "get_messages",
        audience: Audience::Session,
        about: "Returns the messages of other sessions and of people that wait for you, and marks them as read. Use it during \
                long work, and when you wait for an answer.",
        arguments: &[],
    },
    Definition {
        name: "ask_user",
        audience: Audience::Session,
        about: "Asks a person a question and waits for a short time. Use it when a decision is not yours to make or the \
                requirements leave something open; do not guess. If the answer is not there in time, end your turn: you \
                continue with the answer.",
        arguments: &[
            required(
                "question",
                Kind::Text,
                "The question, with what the person needs to know to answer it.",
            ),
            optional(
                "choices",
                Kind::Texts,
                "Up to 10 answers to choose from. The person may write another one.",
            ),
            optional("wait_seconds", Kind::Number(ASK_SECONDS), "How long to wait, at most 120 seconds."),
        ],
    },
    Definition {
        name: "spawn_session",
        audience: Audience::Both,
        about: "Adds a session to the crew, with an agent and a worktree that are its own. Use it for a separate piece of work that \
                can run beside yours. It begins where your branch stands: commit first what it needs.",
        arguments: &[
            required("name", Kind::Text, "What it is called, in a few words."),
            required(
                "description",
                Kind::Text,
                "What it is to do. Its agent knows nothing else of your work.",
            ),
            optional("depends_on", Kind::Texts, "Ids of sessions that have to be finished before."),
        ],
    },
    Definition {
        name: "propose_plan_change",
        audience: Audience::Session,
        about: "Proposes to a person to change the plan or the requirements. Use it when the approved documents are wrong or \
                incomplete. Nothing changes by itself: continue with the plan as it is unless you hear otherwise.",
        arguments: &[
            required("proposal", Kind::Text, "What should change, and why."),
            optional("diff", Kind::Text, "The change of the documents as a unified diff."),
        ],
    },
    Definition {
        name: "report_evidence",
        audience: Audience::Session,
        about: "Marks an item of your own planned task as done and keeps what shows it. Use it when an item is finished, with the \
                commit or the output of the check that passed.",
        arguments: &[
            required("item", Kind::Text, "The item's number in the plan, such as 2.1."),
            optional("commit", Kind::Text, "The commit on your branch that has the work."),
            optional("check_output", Kind::Text, "The end of what the check printed."),
        ],
    },
];

/// The argument of `spawn_session` that only a person's client has.
const PARENT: Argument = required("parent_session_id", Kind::Text, "The session that it is spawned from.");

fn definitions(audience: Audience, names_task: bool) -> impl Iterator<Item = &'static Definition> {
    let has = move |tool: &&Definition| tool.audience == audience || tool.audience == Audience::Both;
    // A server for one task needs no list of them.
    TOOLS.iter().filter(has).filter(move |tool| names_task || tool.name != "list_tasks")
}

/// Returns the arguments of a tool. A person's client says which task and session are meant.
fn arguments(
    tool: &'static Definition,
    audience: Audience,
    names_task: bool,
) -> impl Iterator<Item = &'static Argument> {
    let is_person = audience == Audience::Person;
    let task = (names_task && is_person && tool.name != "list_tasks").then_some(&TASK);
    let parent = (is_person && tool.name == "spawn_session").then_some(&PARENT);
    task.into_iter().chain(parent).chain(tool.arguments)
}

/// Lists the tools as clients see them.
pub(super) fn list(audience: Audience, names_task: bool) -> Vec<Tool> {
    let tool = |tool: &'static Definition| {
        let all: Vec<&Argument> = arguments(tool, audience, names_task).collect();
        let properties: Map<String, Value> =
            all.iter().map(|argument| (argument.name.to_owned(), schema(argument))).collect();
        let needed: Vec<&str> =
            all.iter().filter(|argument| argument.is_required).map(|argument| argument.name).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("required".to_owned(), json!(needed));
        schema.insert("additionalProperties".to_owned(), json!(false));
        Tool::new(tool.name, tool.about, schema)
    };
    definitions(audience, names_task).map(tool).collect()
}

fn schema(argument: &Argument) -> Value {
    let about = argument.about;
    match argument.kind {
        Kind::Text => json!({ "type": "string", "description": about }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" }, "description": about }),
        Kind::Number(most) => {
            json!({ "type": "integer", "minimum": 0, "maximum": most, "description": about })
        }
        Kind::Word(words) => json!({ "type": "string", "enum": words, "description": about }),
    }
}

/// Refuses an unknown tool, and arguments that are missing, unknown or of another type.
pub(super) fn check(audience: Audience, names_task: bool, name: &str, given: &Value) -> Result<(), String> {
    let Some(tool) = definitions(audience, names_task).find(|tool| tool.name == name) else {
        let known: Vec<&str> = definitions(audience, names_task).map(|tool| tool.name).collect();
        return Err(format!("There is no tool {name:?}; there are {}.", known.join(", ")));
    };
    let all: Vec<&Argument> = arguments(tool, audience, names_task).collect();
    for (name, value) in given.as_object().into_iter().flatten() {
        let Some(argument) = all.iter().find(|argument| argument.name == name) else {
            let known: Vec<&str> = all.iter().map(|argument| argument.name).collect();
            return Err(format!("{} has no argument {name:?}; it has {}.", tool.name, known.join(", ")));
        };
        if let Some(wanted) = mismatch(argument, value) {
            return Err(format!("`{name}` of {} must be {wanted}.", tool.name));
        }
    }
    let missing = all.iter().find(|argument| argument.is_required && given[argument.name].is_null());
    match missing {
        Some(argument) => Err(format!("{} needs `{}`: {}", tool.name, argument.name, argument.about)),
        None => Ok(()),
    }
}

/// Returns what an argument must be, if a value is something else. An optional one may be null.
fn mismatch(argument: &Argument, value: &Value) -> Option<String> {
    if value.is_null() && !argument.is_required {
        return None;
    }
    let (fits, wanted) = match argument.kind {
        Kind::Text => (value.is_string(), "a text".to_owned()),
        Kind::Texts => {
            let fits = value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
            (fits, "a list of texts".to_owned())
        }
        Kind::Number(most) => {
            (value.as_u64().is_some_and(|n| n <= most), format!("a whole number from 0 to {most}"))
        }
        Kind::Word(words) => {
            (value.as_str().is_some_and(|word| words.contains(&word)), format!("one of {}", words.join(", ")))
        }
    };
    (!fits).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_audience_has_its_tools() {
        let names = |audience, names_task| -> Vec<String> {
            list(audience, names_task).into_iter().map(|tool| tool.name.into_owned()).collect()
        };
        assert_eq!(names(Audience::Session, false).len(), 9);
        assert!(!names(Audience::Session, false).contains(&"list_tasks".to_owned()));
        assert_eq!(
            names(Audience::Person, false),
            ["get_task", "list_sessions", "get_session_changes", "send_message", "spawn_session"]
        );
        assert!(names(Audience::Person, true).contains(&"list_tasks".to_owned()));
    }

    #[test]
    fn arguments_are_checked_with_a_sentence() {
        let session = |name: &str, given: Value| check(Audience::Session, false, name, &given);
        assert_eq!(
            session("ask_user", json!({ "question": "Why?", "choices": ["a"], "wait_seconds": 5 })),
            Ok(())
        );
        assert_eq!(session("ask_user", json!({ "question": "Why?", "choices": null })), Ok(()));
        for (name, given, said) in [
            ("shell", json!({}), "no tool \"shell\""),
            ("list_tasks", json!({}), "no tool"),
            ("ask_user", json!({}), "needs `question`"),
            ("ask_user", json!({ "question": 7 }), "must be a text"),
            ("ask_user", json!({ "question": "a", "wait_seconds": 9999 }), "from 0 to 120"),
            ("ask_user", json!({ "question": "a", "choices": "b" }), "a list of texts"),
            ("ask_user", json!({ "question": "a", "answer": "b" }), "no argument \"answer\""),
            ("send_message", json!({ "message": "a", "kind": "order" }), "one of notification"),
        ] {
            let refused = session(name, given).expect_err("refused");
            assert!(refused.contains(said), "{refused}");
        }
        let person = |given: Value| check(Audience::Person, true, "get_task", &given);
        assert!(person(json!({})).expect_err("refused").contains("needs `task`"));
        assert_eq!(person(json!({ "task": "due dates" })), Ok(()));
    }
}

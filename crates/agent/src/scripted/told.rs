//! What comes beside the prompt: `_meta.spectask`.

use serde_json::Value;
use std::path::PathBuf;

/// The context of a turn. Every field may be missing: other clients send none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) work_session: Option<String>,
    pub(super) phase: Option<String>,
    /// The number of the planned task as it is displayed.
    pub(super) number: Option<String>,
    pub(super) title: Option<String>,
    pub(super) attempt: u64,
    pub(super) ask: Option<Ask>,
    pub(super) original_prompt: Option<String>,
    pub(super) round: u64,
    pub(super) documents: Paths,
}

/// Where the documents are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) requirements: Option<PathBuf>,
    pub(super) design: Option<PathBuf>,
    pub(super) tasks: Option<PathBuf>,
    pub(super) progress: Option<PathBuf>,
}

/// The request of the turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Plan,
    Revise {
        comments: String,
        changes: Vec<String>,
    },
    FixDocuments,
    Implement,
    Continue,
    NothingChanged,
    ResolveConflict {
        branch: Option<String>,
    },
    Rework {
        comments: String,
    },
    /// Fix the problems of the finished change.
    Repair,
    /// Report these sub-tasks, named by their numbers or titles.
    ReportItems {
        items: Vec<String>,
    },
    Message,
}

impl Told {
    /// Reads the parameters of a request; `None` when it tells nothing.
    pub(super) fn read(params: &Value) -> Option<Told> {
        let told = params.pointer("/_meta/spectask").filter(|told| told.is_object())?;
        let path =
            |name: &str| text(&told["documents"], name).map(PathBuf::from).filter(|path| path.is_absolute());
        Some(Told {
            work_session: text(told, "work_session_id"),
            phase: text(told, "phase"),
            number: text(told, "implementation_task_number"),
            title: text(told, "title"),
            attempt: told["attempt"].as_u64().unwrap_or(1),
            ask: Ask::read(&told["ask"], text(told, "feedback")),
            original_prompt: text(told, "original_prompt"),
            round: told["round"].as_u64().unwrap_or(1),
            documents: Paths {
                requirements: path("requirements"),
                design: path("design"),
                tasks: path("tasks"),
                progress: path("progress"),
            },
        })
    }

    pub(super) fn is_planning(&self) -> bool {
        self.phase.as_deref() == Some("planning")
    }
}

impl Ask {
    fn read(ask: &Value, feedback: Option<String>) -> Option<Ask> {
        let kind = ask["ask"].as_str().or_else(|| ask["kind"].as_str()).or_else(|| ask.as_str())?;
        let comments = text(ask, "comments").or(feedback).unwrap_or_default();
        let changes = ask["changes"].as_array().into_iter().flatten();
        Some(match kind {
            "plan" => Ask::Plan,
            "revise" => Ask::Revise {
                comments,
                changes: changes.filter_map(|item| Some(item.as_str()?.to_owned())).collect(),
            },
            "mend_documents" => Ask::FixDocuments,
            "implement" => Ask::Implement,
            "continue" => Ask::Continue,
            "nothing_changed" => Ask::NothingChanged,
            "resolve_conflict" => Ask::ResolveConflict { branch: text(ask, "branch") },
            "rework" => Ask::Rework { comments },
            "repair" => Ask::Repair,
            "report_items" => {
                let items = ask["items"].as_array().into_iter().flatten();
                let name = |item: &Value| text(item, "number").or_else(|| text(item, "title"));
                Ask::ReportItems { items: items.filter_map(name).collect() }
            }
            _ => Ask::Message,
        })
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_told_is_read_leniently() {
        assert_eq!(Told::read(&json!({"_meta": null})), None);
        let told = json!({"_meta": {"spectask": {
            "phase": "planning", "attempt": 2, "round": 2, "documents": null, "implementation_task_number": null,
            "ask": {"ask": "revise", "comments": "Shorter.", "changes": ["Drop 2."]},
        }}});
        let told = Told::read(&told).unwrap();
        assert!(told.is_planning());
        assert_eq!((told.attempt, told.round, told.number), (2, 2, None));
        assert_eq!(told.documents, Paths::default());
        assert_eq!(
            told.ask,
            Some(Ask::Revise { comments: "Shorter.".into(), changes: vec!["Drop 2.".into()] })
        );
    }
}

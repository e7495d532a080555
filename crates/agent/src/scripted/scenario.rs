//! Scenario files: what is played for which prompt.

use super::step::Step;
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// One scenario file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Scenario {
    pub(super) id: String,
    /// The sample repository that it was written for; it plays in no other. Without one it plays anywhere.
    sample: Option<String>,
    /// It plays for a task whose prompt contains one of these, whatever the case.
    prompts: Vec<String>,
    pub(super) planning: Planning,
    pub(super) sessions: Vec<SessionPart>,
    /// The answers in a conversation.
    conversation: Vec<Answer>,
    /// What is offered when a session begins.
    pub(super) offers: Offers,
}

/// Options and commands, in the words of the Agent Client Protocol.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Offers {
    /// `configOptions`.
    pub(super) options: Vec<Value>,
    /// `availableCommands`.
    pub(super) commands: Vec<Value>,
}

/// The steps that play after a person's message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    /// It is for messages that contain one of these, whatever the case; without any it is for every message.
    when: Vec<String>,
    steps: Vec<Step>,
}

/// The sample repository's own description.
#[derive(Debug, Deserialize)]
struct Sample {
    id: String,
}

/// Where a sample repository says which one it is.
const SAMPLE: &str = ".spectask/sample.toml";

/// The steps that play while documents are written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Planning {
    pub(super) steps: Vec<Step>,
    #[serde(flatten)]
    pub(super) documents: Documents,
    /// Whether missing documents stay missing, however often the agent is asked for them.
    pub(super) stubborn: bool,
    /// For the rounds after the first, in order.
    pub(super) revisions: Vec<Revision>,
}

/// The steps that play when the documents were sent back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Revision {
    pub(super) steps: Vec<Step>,
    #[serde(flatten)]
    pub(super) documents: Documents,
}

/// The texts of the documents; an absent one is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Documents {
    pub(super) requirements: Option<String>,
    pub(super) design: Option<String>,
    pub(super) tasks: Option<String>,
}

/// The steps that play in a session of the implementation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of the table by which scenarios mark a part"
)]
pub(super) struct SessionPart {
    /// The number of the planned task; without one it is for sessions that carry out none.
    pub(super) task: Option<String>,
    /// It is for turns in which the finished implementation is sent back.
    pub(super) rework: bool,
    /// It is for turns in which the session's work conflicts with what was merged before; without one, both sides are kept.
    pub(super) conflict: bool,
    /// It is for turns in which the session repairs the finished change.
    pub(super) repair: bool,
    /// Its turns end without a message after the last step, as those of agents do after an error of their model.
    pub(super) silent: bool,
    /// The numbers of the sub-tasks that it does not report as done when it is asked.
    pub(super) leaves_out: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// Where a list of steps stands, to remember which of them were played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) name: String,
    pub(super) steps: &'a [Step],
    /// Whether a turn ends without a message where the last step is none.
    pub(super) is_silent: bool,
}

impl Scenario {
    /// Returns the scenario that plays for a prompt in a repository, if one does: the first by file name.
    ///
    /// A file that cannot be read stops the search only where no other plays, with a sentence that names it.
    pub(super) fn find(
        folder: Option<&Path>,
        prompt: &str,
        directory: &Path,
    ) -> Result<Option<Scenario>, String> {
        let Some(folder) = folder else { return Ok(None) };
        let sample = sample_in(directory);
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                return Err(format!("the scenarios in {} cannot be read: {error}", folder.display()));
            }
        };
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
        files.sort();
        let prompt = prompt.to_lowercase();
        let mut unreadable = None;
        for file in files {
            match read(&file) {
                Ok(scenario) if scenario.plays(&prompt, sample.as_deref()) => return Ok(Some(scenario)),
                Ok(_) => {}
                Err(error) => {
                    unreadable
                        .get_or_insert(format!("the scenario {} cannot be read: {error}", file.display()));
                }
            }
        }
        unreadable.map_or(Ok(None), Err)
    }

    fn plays(&self, lowercase_prompt: &str, sample: Option<&str>) -> bool {
        let is_here = self.sample.is_none() || self.sample.as_deref() == sample;
        is_here && self.prompts.iter().any(|known| lowercase_prompt.contains(&known.trim().to_lowercase()))
    }

    /// Returns the steps for a planned task, or for a session without one.
    pub(super) fn session(&self, number: Option<&str>) -> Option<Part<'_>> {
        self.part(|part| !part.rework && !part.conflict && !part.repair && part.task.as_deref() == number)
    }

    /// Returns the steps that answer what a person says.
    pub(super) fn answer(&self, said: &str) -> Option<Part<'_>> {
        let said = said.to_lowercase();
        let fits = |answer: &Answer| {
            answer.when.is_empty() || answer.when.iter().any(|words| said.contains(&words.to_lowercase()))
        };
        let (index, answer) = self.conversation.iter().enumerate().find(|(_, answer)| fits(answer))?;
        let name = format!("{}/conversation/{index}", self.id);
        Some(Part { name, steps: &answer.steps, is_silent: false })
    }

    /// Returns the steps for an implementation that is sent back.
    pub(super) fn rework(&self, number: Option<&str>) -> Option<Part<'_>> {
        self.part(|part| part.rework && (part.task.is_none() || part.task.as_deref() == number))
    }

    /// Returns the steps for a conflict of a planned task's session.
    pub(super) fn conflict(&self, number: Option<&str>) -> Option<Part<'_>> {
        self.part(|part| part.conflict && part.task.as_deref() == number)
    }

    /// The steps by which a session repairs the finished change.
    pub(super) fn repair(&self, number: Option<&str>) -> Option<Part<'_>> {
        self.part(|part| part.repair && part.task.as_deref() == number)
    }

    fn part(&self, fits: impl Fn(&SessionPart) -> bool) -> Option<Part<'_>> {
        let (index, part) = self.sessions.iter().enumerate().find(|(_, part)| fits(part))?;
        let name = format!("{}/sessions/{index}", self.id);
        Some(Part { name, steps: &part.steps, is_silent: part.silent })
    }

    /// Returns whether the session of a planned task reports a sub-task as done when it is asked.
    pub(super) fn reports(&self, number: Option<&str>, item: &str) -> bool {
        let mut parts = self.sessions.iter().filter(|part| part.task.as_deref() == number);
        !parts.any(|part| part.silent || part.leaves_out.iter().any(|left_out| left_out == item))
    }
}

impl Planning {
    /// Returns the documents as they are after a round, counted from 1.
    pub(super) fn documents_of(&self, round: usize) -> Documents {
        let revisions =
            self.revisions.iter().take(round.saturating_sub(1)).map(|revision| &revision.documents);
        revisions.fold(self.documents.clone(), |before, revision| Documents {
            requirements: revision.requirements.clone().or(before.requirements),
            design: revision.design.clone().or(before.design),
            tasks: revision.tasks.clone().or(before.tasks),
        })
    }
}

/// Returns the sample repository that a directory is of; what cannot be read says nothing.
fn sample_in(directory: &Path) -> Option<String> {
    let text = std::fs::read_to_string(directory.join(SAMPLE)).ok()?;
    toml::from_str(&text).ok().map(|sample: Sample| sample.id)
}

fn read(file: &Path) -> Result<Scenario, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    toml::from_str(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"
        id = "a"
        prompts = [" Add Due dates "]
        [planning]
        steps = [{ say = "Reading." }]
        requirements = "# R"
        [[planning.revisions]]
        tasks = "# T"
        [[sessions]]
        task = "1"
        steps = [{ write = "a", content = "b" }]
        [[sessions]]
        rework = true
        steps = [{ say = "Again." }]
        [[sessions]]
        steps = [{ say = "Hello." }]
        [[conversation]]
        when = ["Why"]
        steps = [{ say = "Because." }]
        [[conversation]]
        steps = [{ say = "Yes." }]
    "##;

    #[test]
    fn the_parts_are_found() {
        let scenario: Scenario = toml::from_str(TEXT).unwrap();
        assert!(scenario.plays("please add due dates to it", None));
        assert!(!scenario.plays("add dates", None));
        assert_eq!(scenario.planning.documents.requirements.as_deref(), Some("# R"));
        assert_eq!(scenario.planning.revisions[0].documents.tasks.as_deref(), Some("# T"));
        assert_eq!(scenario.planning.documents_of(1).tasks, None);
        assert_eq!(scenario.planning.documents_of(2).tasks.as_deref(), Some("# T"));
        let name = |part: Option<Part<'_>>| part.map(|part| part.name);
        assert_eq!(name(scenario.session(Some("1"))), Some("a/sessions/0".into()));
        assert_eq!(name(scenario.session(Some("2"))), None);
        assert_eq!(name(scenario.rework(Some("1"))), Some("a/sessions/1".into()));
        assert_eq!(name(scenario.session(None)), Some("a/sessions/2".into()));
        assert_eq!(name(scenario.answer("But why?")), Some("a/conversation/0".into()));
        assert_eq!(name(scenario.answer("Do it.")), Some("a/conversation/1".into()));
    }

    #[test]
    fn a_broken_file_is_named_where_nothing_else_plays() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), "prompts = 7").unwrap();
        std::fs::write(folder.path().join("b.toml"), TEXT).unwrap();
        let find = |prompt: &str| Scenario::find(Some(folder.path()), prompt, folder.path());
        assert!(find("ADD DUE DATES").unwrap().is_some());
        assert!(find("other").unwrap_err().contains("a.toml"));
        assert!(Scenario::find(None, "other", folder.path()).unwrap().is_none());
    }

    #[test]
    fn a_samples_scenario_plays_in_its_sample_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), format!("sample = \"todo\"\n{TEXT}")).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let plays = |directory: &Path| {
            Scenario::find(Some(folder.path()), "add due dates", directory).unwrap().is_some()
        };
        assert!(!plays(elsewhere.path()));
        std::fs::create_dir(elsewhere.path().join(".spectask")).unwrap();
        std::fs::write(elsewhere.path().join(SAMPLE), "id = \"blog\"").unwrap();
        assert!(!plays(elsewhere.path()));
        std::fs::write(elsewhere.path().join(SAMPLE), "id = \"todo\"").unwrap();
        assert!(plays(elsewhere.path()));
    }
}

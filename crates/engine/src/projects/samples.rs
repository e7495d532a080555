//! The sample repositories in the binary: small believable projects, each with prompts and the scenarios that the
//! scripted agent plays.

use crate::clock::{Ulids, now};
use crate::projects::repositories::Repositories;
use crate::settings::project::ProjectSettings;
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};
use store::{Project, Store};
use utoipa::ToSchema;
use workflow::{Ids as _, TaskKind, UserId};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/samples"]
struct Files;

/// A sample repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub id: String,
    pub name: String,
    pub description: String,
    #[serde(default)]
    pub tech_stack: Vec<String>,
    #[serde(default)]
    pub prompts: Vec<String>,
    /// The prompts that need no planning.
    #[serde(default)]
    pub plain: Vec<PlainPrompt>,
    #[serde(default)]
    pub checks: Vec<String>,
}

/// A prompt for a task without planning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlainPrompt {
    pub task_type: TaskKind,
    pub prompt: String,
}

/// A scenario's head: which prompts it plays and how its result is checked.
#[derive(Clone, Debug, Deserialize)]
struct ScenarioHead {
    #[serde(default)]
    prompts: Vec<String>,
    #[serde(default)]
    checks: Vec<String>,
}

/// Why a sample could not be made into a project.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("there is no sample repository {id:?}; there are {known}")]
    Unknown { id: String, known: String },
    #[error("could not make the sample repository")]
    Git(#[from] git::Error),
    #[error("could not read or write the database")]
    Store(#[from] store::StoreError),
    #[error("the work on git ended early")]
    Join(#[from] tokio::task::JoinError),
}

/// Returns every sample, in the order of their names in the binary.
pub fn list() -> Vec<Sample> {
    Files::iter()
        .filter(|path| path.ends_with("/sample.toml"))
        .filter_map(|path| {
            let text = Files::get(&path)?;
            let text = String::from_utf8_lossy(&text.data).into_owned();
            toml::from_str(&text)
                .map_err(|error| tracing::error!(%error, %path, "a sample cannot be read"))
                .ok()
        })
        .collect()
}

/// Returns a sample by its id; the error names those there are.
pub fn find(id: &str) -> Result<Sample, SampleError> {
    let all = list();
    let known = all.iter().map(|sample| sample.id.as_str()).collect::<Vec<_>>().join(", ");
    all.into_iter().find(|sample| sample.id == id).ok_or(SampleError::Unknown { id: id.to_owned(), known })
}

/// Writes the scenarios to where the scripted agent reads them.
pub(crate) fn write_scenarios(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for path in Files::iter().filter(|path| is_scenario(path)) {
        if let Some(file) = Files::get(&path) {
            std::fs::write(folder.join(path.replace("/scenarios/", "--")), &file.data)?;
        }
    }
    Ok(())
}

/// Returns the checks of the scenario that plays a prompt in a sample, where it has its own.
pub(crate) fn scenario_checks(sample: &str, prompt: &str) -> Option<Vec<String>> {
    let prompt = prompt.trim().to_lowercase();
    let folder = format!("{sample}/scenarios/");
    Files::iter().filter(|path| is_scenario(path) && path.starts_with(&folder)).find_map(|path| {
        let file = Files::get(&path)?;
        let head: ScenarioHead = toml::from_str(&String::from_utf8_lossy(&file.data)).ok()?;
        let plays = head.prompts.iter().any(|known| prompt.contains(&known.trim().to_lowercase()));
        (plays && !head.checks.is_empty()).then_some(head.checks)
    })
}

/// Returns a user's project of a sample that no task has touched yet, made when there is none.
pub async fn fresh_project(
    repositories: &Repositories,
    store: &Store,
    owner: &UserId,
    sample: &Sample,
) -> Result<Project, SampleError> {
    let mine = store.projects(owner).await?;
    let ours = |project: &&Project| project.settings["sample"] == serde_json::json!(sample.id);
    let mut taken = 0;
    for project in mine.iter().filter(ours) {
        if store.count_tasks_of_project(&project.id).await? == 0 {
            return Ok(project.clone());
        }
        taken += 1;
    }
    let name = if taken == 0 { sample.id.clone() } else { format!("{}-{}", sample.id, taken + 1) };
    let prefix = format!("{}/files/", sample.id);
    let mut files: Vec<(String, Vec<u8>)> = Files::iter()
        .filter_map(|path| {
            let file = Files::get(&path)?;
            Some((path.strip_prefix(&prefix)?.to_owned(), file.data.into_owned()))
        })
        .collect();
    // The file by which the scripted agent recognizes the repository of its scenarios.
    files.push((".spectask/sample.toml".to_owned(), format!("id = {:?}\n", sample.id).into_bytes()));
    let (git, path) = (repositories.git().clone(), repositories.owner_folder(owner).join(&name));
    let made = path.clone();
    crate::spawn_blocking(move || git.create_repository(&made, "main", &files, "Sample project")).await??;
    let settings = ProjectSettings { checks: sample.checks.clone(), ..ProjectSettings::default() };
    let mut settings = serde_json::to_value(settings).unwrap_or_default();
    settings["sample"] = serde_json::json!(sample.id);
    let project = Project {
        id: Ulids.next("prj").into(),
        owner: owner.clone(),
        name,
        key: String::new(),
        repository_path: path.to_string_lossy().into_owned(),
        clone_url: None,
        default_branch: "main".to_owned(),
        settings,
        created_at: now(),
        updated_at: now(),
    };
    Ok(store.put_project(project).await?)
}

fn is_scenario(path: &str) -> bool {
    path.contains("/scenarios/")
        && std::path::Path::new(path).extension().is_some_and(|ending| ending == "toml")
}

//! The repositories of projects: opened once, watched, and read for the documents of tasks.

use super::changes::{Changes, TaskChange};
use crate::settings::config::Config;
use crate::settings::permission_policy::Policy;
use crate::settings::project::ProjectSettings;
use crate::settings::project_file::{InForce, Loaded, boundaries};
use crate::settings::redaction;
use futures::future::BoxFuture;
use git::{Git, Repository};
use parking_lot::{Mutex, MutexGuard};
use protocol::AgentOptionsRule;
use secrets::Redactor;
use specs::checklist;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Project, Store};
use workflow::prompts::DocumentPaths;
use workflow::{ProjectId, Task, TaskId};

/// Files at a repository's root in which people write rules for agents.
const RULE_FILES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// How much of such a file goes into a prompt, in bytes.
const MAX_RULE_BYTES: usize = 64 * 1024;

/// The repositories of this server's projects.
#[derive(Clone)]
pub struct Repositories(Arc<Inner>);

struct Inner {
    git: Git,
    store: Store,
    config: Config,
    redactor: Redactor,
    open: Mutex<HashMap<ProjectId, Repository>>,
    /// The settings files that were read last.
    files: Mutex<HashMap<ProjectId, Loaded>>,
    changes: Changes,
}

/// A task's documents as they stand on the design-docs branch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Docs {
    pub requirements: Option<String>,
    pub design: Option<String>,
    pub tasks: Option<String>,
    pub progress: Option<String>,
    pub metadata: Option<String>,
    pub branch: String,
    pub commit: Option<String>,
    /// The folder of the documents in the design-docs worktree.
    pub path: PathBuf,
}

/// Why a repository could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("the project {0} is gone; register its repository again")]
    NoProject(ProjectId),
    #[error("could not read the project from the database")]
    Store(#[from] store::StoreError),
    #[error("could not open the repository at {path}")]
    Open { path: PathBuf, source: git::OpenError },
    #[error(
        "the repository at {path} is not the one that project {project} was registered with: it has neither the branch {branch} \
         nor the commit {commit}; put the repository back, or remove the project and register this repository"
    )]
    Replaced { path: PathBuf, project: ProjectId, branch: String, commit: String },
    #[error("could not work on the repository")]
    Git(#[from] git::Error),
    #[error("the work on git ended early")]
    Join(#[from] tokio::task::JoinError),
}

/// A repository with its project's settings.
#[derive(Clone)]
pub struct ProjectRepo {
    pub repository: Repository,
    pub settings: ProjectSettings,
}

/// The project's context of an agent's turn.
pub(crate) struct PromptContext {
    pub(crate) documents: DocumentPaths,
    /// The project's rules for agents, if there are any.
    pub(crate) rules: Option<String>,
    /// The policy that answers the agent's permission requests.
    pub(crate) policy: Policy,
    /// The options that agents get.
    pub(crate) agent_options: Vec<AgentOptionsRule>,
    /// The texts of the prompts that the project overrides, by name.
    pub(crate) prompts: BTreeMap<String, String>,
}

/// Returns where a task's documents are in the worktree of their branch.
fn paths_in(worktree: &Path, task: &TaskId) -> DocumentPaths {
    let folder = worktree.join("specs").join(task.as_str());
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    DocumentPaths {
        requirements: path("requirements.md"),
        design: path("design.md"),
        tasks: path("tasks.md"),
        progress: path("progress.md"),
    }
}

impl Repositories {
    pub fn new(git: Git, store: Store, config: Config, redactor: Redactor) -> Self {
        Self(Arc::new(Inner {
            git,
            store,
            config,
            redactor,
            open: Mutex::default(),
            files: Mutex::default(),
            changes: Changes::default(),
        }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.0.redactor
    }

    pub fn git(&self) -> &Git {
        &self.0.git
    }

    /// Returns the repository of a task's project, with the settings in force.
    pub fn project_repo<'a>(
        &'a self,
        project: &'a ProjectId,
    ) -> BoxFuture<'a, Result<ProjectRepo, RepositoryError>> {
        Box::pin(async move {
            let found = self.0.store.project(project).await?;
            let found = found.ok_or_else(|| RepositoryError::NoProject(project.clone()))?;
            let repository = self.opened(&found).await?;
            let settings = self.in_force_at(&found, Some(&repository)).await.settings;
            Ok(ProjectRepo { repository, settings })
        })
    }

    /// Returns the repository of a project.
    pub(crate) async fn repository(&self, project: &ProjectId) -> Result<Repository, RepositoryError> {
        let found = self.0.store.project(project).await?;
        let found = found.ok_or_else(|| RepositoryError::NoProject(project.clone()))?;
        self.opened(&found).await
    }

    async fn opened(&self, project: &Project) -> Result<Repository, RepositoryError> {
        let known = self.open().get(&project.id).cloned();
        if let Some(repository) = known {
            if repository.is_there() {
                return Ok(repository);
            }
            // It may be moved back.
            self.forget(&project.id);
        }
        let (git, path) = (self.0.git.clone(), PathBuf::from(&project.repository_path));
        let opened = crate::spawn_blocking({
            let path = path.clone();
            move || git.open_unchanged(&path)
        })
        .await?;
        let repository = opened.map_err(|source| RepositoryError::Open { path: path.clone(), source })?;
        let docs_branch = settings(project).design_docs_branch;
        self.refuse_another(&project.id, &repository, &docs_branch).await?;
        let own = repository.clone();
        let configured = crate::spawn_blocking(move || own.configure()).await?;
        configured.map_err(|source| RepositoryError::Open { path, source })?;
        self.open().insert(project.id.clone(), repository.clone());
        Ok(repository)
    }

    /// Returns a project's settings in force, and the state of its file on the base branch. A file that cannot be read is
    /// part of the answer.
    pub async fn in_force(&self, project: &Project) -> InForce {
        self.in_force_at(project, None).await
    }

    async fn in_force_at(&self, project: &Project, repository: Option<&Repository>) -> InForce {
        let loaded = match repository {
            Some(repository) => self.settings_file(project, repository).await,
            None => match self.opened(project).await {
                Ok(repository) => self.settings_file(project, &repository).await,
                Err(error) => Err(error),
            },
        };
        let loaded = loaded.unwrap_or_else(|error| Loaded::failed(&error));
        InForce::new(project, &loaded, &self.0.redactor)
    }

    /// Reads the settings file where the base branch came to by people and landings.
    async fn settings_file(
        &self,
        project: &Project,
        repository: &Repository,
    ) -> Result<Loaded, RepositoryError> {
        let revision = self.base(&project.id, &project.default_branch).await?.revision;
        let known = self.0.files.lock().get(&project.id).cloned();
        // A revision that is no commit may lead to another one by now.
        if let Some(known) = known.filter(|known| known.commit.as_ref() == Some(&revision)) {
            return Ok(known);
        }
        let repository = repository.clone();
        let loaded = crate::spawn_blocking(move || Loaded::read(&repository, &revision)).await??;
        self.0.files.lock().insert(project.id.clone(), loaded.clone());
        Ok(loaded)
    }

    /// Returns why a project's repository cannot be opened for now; `None` where it can, or where that is not known.
    pub(crate) async fn why_missing(&self, project: &ProjectId) -> Option<String> {
        match self.project_repo(project).await {
            Err(error @ (RepositoryError::Open { .. } | RepositoryError::Replaced { .. })) => {
                Some(crate::failure::chain(&error))
            }
            Ok(_)
            | Err(
                RepositoryError::NoProject(_)
                | RepositoryError::Store(_)
                | RepositoryError::Git(_)
                | RepositoryError::Join(_),
            ) => None,
        }
    }

    /// Rejects a repository that took the place of the project's own: it would get branches and commits of work that it
    /// does not have.
    async fn refuse_another(
        &self,
        project: &ProjectId,
        repository: &Repository,
        docs_branch: &str,
    ) -> Result<(), RepositoryError> {
        let commits = self.0.store.base_commits(project).await?;
        let Some(commit) = commits.first().cloned() else { return Ok(()) };
        let (asked, branch) = (repository.clone(), docs_branch.to_owned());
        let is_own = crate::spawn_blocking(move || asked.was_worked_in(&branch, &commits)).await??;
        if is_own {
            return Ok(());
        }
        let (path, branch) = (repository.path().to_owned(), docs_branch.to_owned());
        Err(RepositoryError::Replaced { path, project: project.clone(), branch, commit })
    }

    /// Closes a project's repository, so that it is opened again.
    pub fn forget(&self, project: &ProjectId) {
        self.open().remove(project);
        self.0.files.lock().remove(project);
    }

    /// Ensures the design-docs worktree and returns its path.
    pub(crate) async fn docs_worktree(&self, project: &ProjectId) -> Result<PathBuf, RepositoryError> {
        let ProjectRepo { repository, settings } = self.project_repo(project).await?;
        let made =
            crate::spawn_blocking(move || repository.ensure_docs_worktree(&settings.design_docs_branch));
        Ok(made.await??)
    }

    /// Returns where a task's documents are, as absolute paths.
    pub(crate) async fn document_paths(&self, task: &Task) -> Result<DocumentPaths, RepositoryError> {
        Ok(paths_in(&self.docs_worktree(&task.project).await?, &task.id))
    }

    /// Returns a task's documents on the design-docs branch.
    pub async fn docs(&self, task: &Task) -> Result<Docs, RepositoryError> {
        let ProjectRepo { repository, settings } = self.project_repo(&task.project).await?;
        let id = task.id.clone();
        let read = crate::spawn_blocking(move || read_docs(&repository, &settings.design_docs_branch, &id));
        let mut docs = read.await??;
        // Anyone may commit to the branch; what is shown of it has no secrets.
        let texts = [
            &mut docs.requirements,
            &mut docs.design,
            &mut docs.tasks,
            &mut docs.progress,
            &mut docs.metadata,
        ];
        for text in texts.into_iter().flatten() {
            if let Cow::Owned(clean) = redaction::redact(&self.0.redactor, text) {
                *text = clean;
            }
        }
        Ok(docs)
    }

    /// Returns a task's living checklist, parsed; empty before there is one.
    pub async fn checklist(&self, task: &Task) -> Result<Option<checklist::Checklist>, RepositoryError> {
        let ProjectRepo { repository, settings } = self.project_repo(&task.project).await?;
        let path = document(&task.id, "progress.md");
        let read = crate::spawn_blocking(move || repository.read(&settings.design_docs_branch, &path));
        Ok(read.await??.map(|bytes| {
            checklist::parse(&redaction::redact(&self.0.redactor, &String::from_utf8_lossy(&bytes)))
        }))
    }

    /// Returns the change of a task against its base, and the commit that has it. What is or was under review is that commit,
    /// whatever became of the branch since.
    pub async fn change(&self, task: &Task) -> Result<TaskChange, RepositoryError> {
        let ProjectRepo { repository, .. } = self.project_repo(&task.project).await?;
        let reviewed = task.change().map(|change| change.head.to_string());
        let base = self.base(&task.project, &task.base_branch).await?.revision;
        let head = reviewed.unwrap_or_else(|| task.branch());
        let merged = match &task.phase {
            workflow::Phase::Done { merged, .. } => merged.as_ref().map(|commit| commit.0.clone()),
            _ => None,
        };
        let repositories = self.clone();
        let read = crate::spawn_blocking(move || {
            let Some(head) = repository.resolve(&head)?.map(|commit| commit.to_string()) else {
                return Ok((None, Arc::default()));
            };
            // What has landed is compared with the base as it was before.
            let base = match merged {
                Some(merged) => {
                    repository.resolve(&format!("{merged}^1"))?.map_or(base, |commit| commit.to_string())
                }
                None => base,
            };
            let base = repository.resolve(&base)?.map_or(base, |commit| commit.to_string());
            let commits = [base, head];
            let files = match repositories.0.changes.get(&commits) {
                Some(files) => files,
                None => {
                    let mut files = repository.diff(&commits[0], &commits[1])?;
                    // What was made comes before what was planned.
                    files.sort_by_key(|file| file.path.starts_with("specs/"));
                    repositories.0.changes.keep(commits.clone(), files)
                }
            };
            let [_, head] = commits;
            Ok::<_, git::Error>((Some(head), files))
        });
        let (head, files) = read.await??;
        Ok(TaskChange { head, files, repositories: self.clone() })
    }

    /// Redacts the content of files that are shown.
    pub(crate) fn clean(&self, files: &mut [git::FileDiff]) {
        for name in
            files.iter_mut().flat_map(|file| std::iter::once(&mut file.path).chain(&mut file.old_path))
        {
            if let Cow::Owned(clean) = self.0.redactor.redact(name) {
                *name = clean;
            }
        }
        for hunk in files.iter_mut().flat_map(|file| &mut file.hunks) {
            let lines: Vec<&str> = hunk.lines.iter().map(|line| line.text.as_str()).collect();
            let bytes = lines.iter().map(|line| line.len()).sum();
            let clean = redaction::without_blocking(bytes, || self.0.redactor.redact_lines(&lines));
            hunk.lines.iter_mut().zip(clean).for_each(|(line, clean)| line.text = clean);
        }
    }

    /// Returns the project's context of an agent's turn in a task.
    pub(crate) async fn prompt_context(&self, task: &Task) -> Result<PromptContext, RepositoryError> {
        let ProjectRepo { repository, settings } = self.project_repo(&task.project).await?;
        let (base, policy) =
            (self.base(&task.project, &task.base_branch).await?.revision, settings.permissions);
        let docs_branch = settings.design_docs_branch.clone();
        let read = crate::spawn_blocking(move || {
            let folder = repository.ensure_docs_worktree(&docs_branch)?;
            let rules = RULE_FILES.iter().find_map(|file| {
                let bytes = repository.read(&base, file).ok().flatten()?;
                Some(bounded_rules(file, &String::from_utf8_lossy(&bytes)))
            });
            Ok::<_, git::Error>((folder, rules))
        });
        let (folder, written) = read.await??;
        let own = boundaries::rules(&settings);
        let rules = Some(format!("{own}{}", written.unwrap_or_default())).filter(|rules| !rules.is_empty());
        let ProjectSettings { agent_options, prompts, .. } = settings;
        Ok(PromptContext { documents: paths_in(&folder, &task.id), rules, policy, agent_options, prompts })
    }

    /// Returns where repositories that SpecTask cloned or made for an owner are.
    pub fn owner_folder(&self, owner: &workflow::UserId) -> PathBuf {
        self.0.config.data_dir.join("repositories").join(owner.as_str())
    }

    pub fn data_dir(&self) -> &Path {
        &self.0.config.data_dir
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ProjectId, Repository>> {
        self.0.open.lock()
    }
}

/// As much of a file with rules as a prompt carries, with a note on where the rest is.
fn bounded_rules(file: &str, text: &str) -> String {
    if text.len() <= MAX_RULE_BYTES {
        return text.to_owned();
    }
    let mut end = text.floor_char_boundary(MAX_RULE_BYTES);
    // A line is kept whole, unless it is all there is.
    end = text[..end].rfind('\n').map_or(end, |line_end| line_end + 1);
    format!(
        "{}\n\n(These are the first {end} of {} bytes of {file}. Read the rest in {file} at the root of your working directory.)\n",
        text[..end].trim_end(),
        text.len()
    )
}

/// Returns the settings that a person gave a project, which the file of its repository completes; what is absent or
/// unreadable has its default.
pub fn settings(project: &Project) -> ProjectSettings {
    ProjectSettings::read(&project.settings)
}

/// Returns the path of one of a task's documents on the design-docs branch.
pub fn document(task: &TaskId, name: &str) -> String {
    format!("specs/{task}/{name}")
}

fn read_docs(repository: &Repository, branch: &str, task: &TaskId) -> Result<Docs, git::Error> {
    let Some(commit) = repository.resolve(branch)? else {
        return Ok(Docs { branch: branch.to_owned(), ..Docs::default() });
    };
    let commit = commit.to_string();
    let read = |name: &str| -> Result<Option<String>, git::Error> {
        let bytes = repository.read(&commit, &document(task, name))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    Ok(Docs {
        requirements: read("requirements.md")?,
        design: read("design.md")?,
        tasks: read("tasks.md")?,
        progress: read("progress.md")?,
        metadata: read("spec-metadata.json")?,
        branch: branch.to_owned(),
        path: repository.path().join(".git-worktrees").join(branch).join("specs").join(task.as_str()),
        commit: Some(commit),
    })
}

#[cfg(test)]
mod tests {
    use super::{MAX_RULE_BYTES, bounded_rules};

    #[test]
    fn a_large_file_of_rules_is_cut_at_a_line_and_says_where_the_rest_is() {
        assert_eq!(bounded_rules("AGENTS.md", "Be kind.\n"), "Be kind.\n");
        let text = "Use tabs — always.\n".repeat(600_000);
        let bounded = bounded_rules("AGENTS.md", &text);
        assert!(bounded.len() < MAX_RULE_BYTES + 300, "{}", bounded.len());
        assert!(
            bounded.contains("Use tabs — always.\n\n(These are the first "),
            "{}",
            &bounded[bounded.len() - 300..]
        );
        assert!(bounded.ends_with("Read the rest in AGENTS.md at the root of your working directory.)\n"));
        let one_line = bounded_rules("CLAUDE.md", &"é".repeat(10_000_000));
        assert!(one_line.len() < MAX_RULE_BYTES + 300 && one_line.contains("CLAUDE.md"));
    }
}

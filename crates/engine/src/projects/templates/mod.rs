//! Templates: named patterns of tasks, built in or kept in a repository, where they are only ever read.

mod file;
mod fill;

pub use file::Written;
pub use fill::{Filling, documents};

use crate::App;
use crate::projects::repositories::{ProjectRepo, RepositoryError};
use file::LARGEST;
use protocol::words::TemplateSource;
use secrets::Redactor;
use serde::Serialize;
use store::Project;
use utoipa::ToSchema;
use workflow::{Complexity, PlanStart, Priority, TaskKind};

/// Where a repository keeps its templates.
pub(crate) const FOLDER: &str = ".spectask/templates";
/// How many of a repository's templates are read.
const MANY: usize = 100;
/// How long a template's name may be, in characters.
const NAME: usize = 64;

const BUILT_IN: [(&str, &str); 5] = [
    ("feature", include_str!("../../../templates/feature.toml")),
    ("bug-fix", include_str!("../../../templates/bug-fix.toml")),
    ("review", include_str!("../../../templates/review.toml")),
    ("refactor", include_str!("../../../templates/refactor.toml")),
    ("campaign", include_str!("../../../templates/campaign.toml")),
];

/// A template that was found, as it is or with what is wrong in it.
#[derive(Clone, Debug)]
pub struct Found {
    pub name: String,
    /// Its file in the repository; none is built in.
    pub path: Option<String>,
    pub written: Result<Written, TemplateError>,
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateError {
    pub file: String,
    /// From 1.
    pub line: usize,
    pub message: String,
}

/// A template as clients see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateView {
    /// The name by which tasks choose the template.
    pub name: String,
    pub title: String,
    pub description: String,
    /// Where it comes from.
    pub source: TemplateSource,
    /// Its file on the project's base branch.
    #[schema(required)]
    pub path: Option<String>,
    /// The type of tasks made from it, unless they say another.
    #[serde(rename = "type")]
    pub kind: TaskKind,
    pub priority: Priority,
    pub complexity: Complexity,
    /// Whether an agent plans.
    pub planning: bool,
    /// When the sessions start, where the plan is ready.
    #[schema(required)]
    pub start: Option<PlanStart>,
    /// Whether it makes a planned task for each of the `items` given.
    pub takes_items: bool,
    pub labels: Vec<String>,
    /// Commands that must pass beside the project's.
    pub checks: Vec<String>,
    #[schema(required)]
    pub spec_agent: Option<String>,
    #[schema(required)]
    pub implementation_agent: Option<String>,
    pub requirements: String,
    pub design: String,
    pub tasks: String,
    pub item: String,
    pub last: String,
    /// Why it cannot be used.
    #[schema(required)]
    pub error: Option<TemplateError>,
}

impl TemplateView {
    pub fn of(found: &Found, redactor: &Redactor) -> Self {
        let (written, error) = match &found.written {
            Ok(written) => (written.clone(), None),
            Err(error) => (Written::default(), Some(error.clone())),
        };
        let clean = |text: &str| redactor.redact(text).into_owned();
        let title = if written.title.is_empty() { &found.name } else { &written.title };
        Self {
            title: clean(title),
            description: clean(&written.description),
            source: if found.path.is_some() { TemplateSource::Repository } else { TemplateSource::BuiltIn },
            path: found.path.clone(),
            kind: written.kind.unwrap_or(TaskKind::Feature),
            priority: written.priority.unwrap_or(Priority::Medium),
            complexity: written.complexity.unwrap_or(Complexity::Complex),
            planning: written.planning,
            start: written.is_ready().then(|| written.start.unwrap_or(PlanStart::AfterApproval)),
            takes_items: written.takes_items(),
            labels: written.labels.iter().map(|label| clean(label)).collect(),
            checks: written.checks.iter().map(|check| clean(check)).collect(),
            spec_agent: written.spec_agent.clone(),
            implementation_agent: written.implementation_agent.clone(),
            requirements: clean(&written.requirements),
            design: clean(&written.design),
            tasks: clean(&written.tasks),
            item: clean(&written.item),
            last: clean(&written.last),
            error,
            name: found.name.clone(),
        }
    }
}

/// Returns the templates of a project, its own first; a repository's takes the place of a built-in one of its name.
pub async fn list(app: &App, project: Option<&Project>) -> Result<Vec<Found>, RepositoryError> {
    let mut all = match project {
        Some(project) => of_repository(app, project).await?,
        None => Vec::new(),
    };
    for (name, text) in BUILT_IN {
        if all.iter().all(|found: &Found| found.name != name) {
            let file = format!("built-in template {name}");
            all.push(Found { name: name.to_owned(), path: None, written: read(&file, text) });
        }
    }
    Ok(all)
}

async fn of_repository(app: &App, project: &Project) -> Result<Vec<Found>, RepositoryError> {
    let ProjectRepo { repository, .. } = app.repositories.project_repo(&project.id).await?;
    let branch = project.default_branch.clone();
    let found = crate::spawn_blocking(move || {
        // One commit for all of them: a push meanwhile mixes nothing.
        let Some(commit) = repository.resolve(&branch)? else { return Ok(Vec::new()) };
        let commit = commit.to_string();
        let files = repository.list(&commit, FOLDER)?;
        let names = files.iter().filter_map(|path| Some((path, name_of(path)?)));
        let mut all = Vec::new();
        for (path, name) in names.take(MANY) {
            let written = match repository.size(&commit, path)? {
                None => Err(wrong(path, "is no plain file")),
                Some(size) if size > LARGEST => Err(wrong(path, &format!("is larger than {LARGEST} bytes"))),
                Some(_) => match repository.read(&commit, path)?.map(String::from_utf8) {
                    Some(Ok(text)) => read(path, &text),
                    Some(Err(_)) => Err(wrong(path, "is no text in UTF-8")),
                    None => Err(wrong(path, "is no plain file")),
                },
            };
            all.push(Found { name: name.to_owned(), path: Some(path.clone()), written });
        }
        Ok::<_, git::Error>(all)
    });
    Ok(found.await??)
}

/// Returns the name of a template by its file: letters, digits, `-` and `_`, directly in the folder.
fn name_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".toml")?;
    let is_name = !name.is_empty()
        && name.len() <= NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_name.then_some(name)
}

pub fn read(file: &str, text: &str) -> Result<Written, TemplateError> {
    file::parse(text).map_err(|mistake| TemplateError {
        file: file.to_owned(),
        line: mistake.line,
        message: mistake.message,
    })
}

fn wrong(file: &str, what: &str) -> TemplateError {
    TemplateError { file: file.to_owned(), line: 1, message: format!("the file {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_templates_can_be_used() {
        for (name, text) in BUILT_IN {
            let written = read(name, text).expect("a template");
            assert!(!written.title.is_empty() && !written.description.is_empty(), "{name}");
        }
    }

    #[test]
    fn only_files_with_plain_names_are_templates() {
        assert_eq!(name_of(".spectask/templates/docs-page.toml"), Some("docs-page"));
        for other in [
            ".spectask/templates/a/b.toml",
            ".spectask/templates/a.txt",
            ".spectask/templates/.toml",
            ".spectask/templates/a b.toml",
            "x/a.toml",
        ] {
            assert_eq!(name_of(other), None, "{other}");
        }
    }
}

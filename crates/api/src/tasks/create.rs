//! Creates a task from a request and from its template.

use crate::projects::catalog::known_agent;
use crate::projects::project::branch_asked;
use crate::request::caller::Caller;
use crate::request::problem::Problem;
use crate::tasks::task::{BudgetBody, check_budget, check_words, dependencies};
use engine::App;
use engine::agents::Role;
use engine::projects::templates::{self, Filling, Found, Written};
use engine::scheduling::scheduler;
use protocol::AgentOptionsRule;
use serde_json::Value;
use store::Project;
use workflow::{Complexity, NewTask, PlanStart, Priority, SessionId, Task, TaskId, TaskKind, Template};

/// How long a name made from a prompt may be, in characters.
const NAME: usize = 72;
/// How long a prompt may be, in bytes.
const PROMPT: usize = 256 * 1024;
/// How many items a template may be given.
const ITEMS: usize = 200;
/// How long one of them may be, in characters.
const ITEM: usize = 500;

/// The request for a task, by whichever route.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) prompt: String,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) kind: Option<TaskKind>,
    pub(crate) priority: Option<Priority>,
    pub(crate) spec_agent: Option<String>,
    pub(crate) implementation_agent: Option<String>,
    pub(crate) complexity: Option<Complexity>,
    pub(crate) workspace_config: Option<Value>,
    pub(crate) agent_options: Vec<AgentOptionsRule>,
    pub(crate) depends_on: Vec<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) base_branch: Option<String>,
    pub(crate) budget: Option<BudgetBody>,
    pub(crate) template: Option<String>,
    pub(crate) items: Vec<String>,
    pub(crate) planning: Option<bool>,
    pub(crate) start: Option<bool>,
    pub(crate) config: Option<Value>,
    /// The first session of a conversation that waits for a message.
    pub(crate) opening_session: Option<SessionId>,
}

pub(crate) fn check_prompt(field: &str, prompt: &str) -> Result<(), Problem> {
    if prompt.trim().is_empty() {
        return Err(Problem::invalid(field, "is empty; say what is to be done"));
    }
    if prompt.len() > PROMPT {
        return Err(Problem::invalid(
            field,
            format!("is longer than {PROMPT} bytes; put the rest into a file of the repository"),
        ));
    }
    Ok(())
}

/// Makes the task, and starts it unless it is to stay in the backlog.
pub(crate) async fn task(
    app: &App,
    caller: &Caller,
    id: TaskId,
    project: &Project,
    asked: Asked,
) -> Result<Task, Problem> {
    check_prompt("prompt", &asked.prompt)?;
    let written = chosen(app, project, asked.template.as_deref()).await?;
    let default = Written::default();
    let pattern = written.as_ref().map_or(&default, |(_, written)| written);
    let project_repo = app.repositories.project_repo(&project.id).await?;
    let settings = project_repo.settings;
    let kind = asked.kind.or(pattern.kind).unwrap_or(TaskKind::Feature);
    let agent = |asked: Option<String>, of_template: &Option<String>, of_project: Option<String>| {
        asked.filter(|id| !id.is_empty()).or(of_template.clone()).or(of_project)
    };
    let spec_agent = agent(asked.spec_agent, &pattern.spec_agent, settings.spec_agent);
    let implementation_agent =
        agent(asked.implementation_agent, &pattern.implementation_agent, settings.implementation_agent);
    let is_sample = project.settings["sample"].is_string();
    let default = |field: &str, role: Role| {
        let found = app.agents.default_for(role, is_sample);
        found.ok_or_else(|| Problem {
            code: "no_agent",
            ..Problem::refused(field, app.agents.how_to_get_one())
        })
    };
    let implementation_agent = match implementation_agent {
        Some(id) => id,
        None => default("implementation_agent", Role::Implementation)?,
    };
    let spec_agent = match spec_agent {
        Some(id) => id,
        // Nothing is planned, and the field names the agent that there is.
        None if asked.planning == Some(false) || !kind.is_planned() => implementation_agent.clone(),
        None => default("spec_agent", Role::Planning)?,
    };
    known_agent(app, "spec_agent", &spec_agent)?;
    known_agent(app, "implementation_agent", &implementation_agent)?;
    let mut labels = asked.labels;
    labels.extend(pattern.labels.iter().filter(|label| !labels.contains(label)).cloned().collect::<Vec<_>>());
    check_words(asked.name.as_deref(), Some(&labels))?;
    check_budget(asked.budget)?;
    check_agent_options(app, &asked.agent_options)?;
    for (field, config) in [("workspace_config", &asked.workspace_config), ("config", &asked.config)] {
        if config.as_ref().is_some_and(|config| !config.is_object()) {
            return Err(Problem::invalid(field, "is not an object"));
        }
    }
    let depends_on = dependencies(app, caller, &asked.depends_on).await?;
    let base_branch = branch_asked(asked.base_branch).unwrap_or_else(|| project.default_branch.clone());
    let branch = base_branch.clone();
    let found = engine::spawn_blocking(move || project_repo.repository.has_branch(&branch)).await;
    if !matches!(found, Ok(Ok(true))) {
        return Err(Problem::invalid("base_branch", format!("the repository has no branch {base_branch:?}")));
    }
    let is_named = asked.name.as_ref().is_some_and(|name| !name.trim().is_empty());
    let name = asked.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| name_of(&asked.prompt));
    check_items(pattern, asked.template.is_some(), &asked.items)?;
    // A request for planning gets a planner, which is shown what the template has ready.
    let is_ready = pattern.is_ready() && asked.planning != Some(true);
    let planned = planned(kind, asked.planning, written.is_some().then_some(pattern.planning))? || is_ready;
    if is_ready && kind == TaskKind::Interactive {
        let message = "has its plan ready, and an interactive task is a conversation without one";
        return Err(Problem::invalid("template", message));
    }
    let template = match &written {
        None => None,
        Some((found, written)) => {
            let filling = Filling { prompt: &asked.prompt, name: &name, items: &asked.items };
            Some(filled(found, written, &filling, is_ready)?)
        }
    };
    let new = NewTask {
        id,
        project: project.id.clone(),
        owner: caller.id().clone(),
        short_id: None,
        name,
        takes_title: !is_named,
        description: asked.description.unwrap_or_default(),
        kind,
        priority: asked.priority.or(pattern.priority).unwrap_or(Priority::Medium),
        complexity: asked.complexity.or(pattern.complexity).unwrap_or(Complexity::Complex),
        prompt: asked.prompt,
        spec_agent,
        implementation_agent,
        base_branch,
        labels,
        depends_on,
        budget: asked.budget.map(BudgetBody::budget),
        workspace_config: asked.workspace_config,
        agent_options: asked.agent_options,
        max_parallel: settings
            .max_parallel_sessions
            .unwrap_or(app.config.limits.max_sessions_per_task)
            .max(1),
        planned,
        isolation: settings.isolation,
        config: asked.config,
        template,
        opening_session: asked.opening_session,
    };
    app.watch.follow(&project.id).await;
    Ok(Box::pin(scheduler::create(app, new, asked.start.unwrap_or(true))).await?)
}

/// Checks options that agents are to get; whether an agent offers them is known in its session only.
pub(crate) fn check_agent_options(app: &App, rules: &[AgentOptionsRule]) -> Result<(), Problem> {
    protocol::check_rules(rules).map_err(|message| Problem::invalid("agent_options", message))?;
    for agent in rules.iter().filter_map(|rule| rule.agent.as_deref()) {
        known_agent(app, "agent_options", agent)?;
    }
    Ok(())
}

/// The template of a name; one that cannot be used is reported with its file and line.
async fn chosen(
    app: &App,
    project: &Project,
    name: Option<&str>,
) -> Result<Option<(Found, Written)>, Problem> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let all = templates::list(app, Some(project)).await?;
    let Some(found) = all.iter().find(|found| found.name == name) else {
        let known: Vec<&str> = all.iter().map(|found| found.name.as_str()).collect();
        let message = format!("there is no template {name:?}; there are {}", known.join(", "));
        return Err(Problem::invalid("template", message));
    };
    match &found.written {
        Ok(written) => Ok(Some((found.clone(), written.clone()))),
        Err(error) => Err(Problem::invalid(
            "template",
            format!("cannot be used: {}, line {}: {}", error.file, error.line, error.message),
        )),
    }
}

/// Returns whether an agent plans: as asked, else as the template says, else as the type does.
fn planned(kind: TaskKind, asked: Option<bool>, of_template: Option<bool>) -> Result<bool, Problem> {
    if asked == Some(true) && !kind.is_planned() {
        let message = format!("a task of type {kind} has no planning");
        return Err(Problem::invalid("planning", message));
    }
    Ok(kind.is_planned() && asked.or(of_template).unwrap_or(true))
}

fn check_items(pattern: &Written, has_template: bool, items: &[String]) -> Result<(), Problem> {
    if !items.is_empty() && !pattern.takes_items() {
        let message = if has_template { "the template takes none" } else { "only a template takes items" };
        return Err(Problem::invalid("items", message));
    }
    if items.is_empty() && pattern.takes_items() {
        return Err(Problem::invalid(
            "items",
            "the template makes a planned task of each; give at least one",
        ));
    }
    if items.len() > ITEMS {
        return Err(Problem::invalid("items", format!("are more than {ITEMS}")));
    }
    for (at, item) in items.iter().enumerate() {
        if item.trim().is_empty() || item.chars().count() > ITEM {
            return Err(Problem::invalid("items", format!("item {}: has 1 to {ITEM} characters", at + 1)));
        }
    }
    Ok(())
}

/// Returns the template with what the task is about put in.
fn filled(
    found: &Found,
    written: &Written,
    filling: &Filling<'_>,
    is_ready: bool,
) -> Result<Template, Problem> {
    let texts = templates::documents(written, filling);
    if is_ready && let Err(problems) = specs::validate(&texts.requirements, &texts.design, &texts.tasks) {
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let field = if filling.items.is_empty() { "template" } else { "items" };
        return Err(Problem::invalid(field, format!("make a plan that cannot be used: {}", said.join(" "))));
    }
    Ok(Template {
        name: found.name.clone(),
        requirements: texts.requirements,
        design: texts.design,
        tasks: texts.tasks,
        checks: written.checks.clone(),
        ready: is_ready.then(|| written.start.unwrap_or(PlanStart::AfterApproval)),
    })
}

/// Returns a name from a prompt: its first line, cut at a word.
fn name_of(prompt: &str) -> String {
    let line = prompt.trim().lines().next().unwrap_or_default().trim().trim_end_matches('.');
    if line.chars().count() <= NAME {
        return line.to_owned();
    }
    let cut: String = line.chars().take(NAME).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_first_line_cut_at_a_word() {
        assert_eq!(name_of("  Add due dates.\nAnd more."), "Add due dates");
        let long = name_of(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= NAME + 1, "{long}");
    }

    #[test]
    fn who_plans_is_asked_for_or_follows() {
        assert!(planned(TaskKind::Feature, None, None).is_ok_and(|planned| planned));
        assert!(planned(TaskKind::Feature, Some(false), Some(true)).is_ok_and(|planned| !planned));
        assert!(planned(TaskKind::Feature, None, Some(false)).is_ok_and(|planned| !planned));
        assert!(planned(TaskKind::Batch, None, Some(true)).is_ok_and(|planned| !planned));
        assert!(planned(TaskKind::Interactive, Some(true), None).is_err());
    }
}

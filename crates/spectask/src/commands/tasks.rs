//! Creating, listing and showing tasks.

use super::client;
use super::watch::wait_for_person;
use crate::cli::{Cli, Continue, List, New, Part};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, plain, short, text};
use anyhow::Context as _;
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// How much of a name a table shows, in characters: as much as one that is made from a prompt has.
const LONGEST_NAME: usize = 73;

pub(crate) async fn new(cli: &Cli, command: &New) -> anyhow::Result<()> {
    let client = client(cli)?;
    let mut prompt = command.prompt.clone();
    if prompt == "-" {
        prompt.clear();
        std::io::stdin().read_to_string(&mut prompt).context("could not read the prompt from stdin")?;
    }
    let mut body = Map::new();
    body.insert("prompt".to_owned(), json!(prompt));
    let optional = [
        ("name", command.name.as_ref()),
        ("type", command.kind.as_ref()),
        ("priority", command.priority.as_ref()),
        ("complexity", command.complexity.as_ref()),
        ("spec_agent", command.spec_agent.as_ref().or(command.agent.as_ref())),
        ("implementation_agent", command.implementation_agent.as_ref().or(command.agent.as_ref())),
        ("base_branch", command.base_branch.as_ref()),
        ("template", command.template.as_ref()),
    ];
    for (field, value) in optional {
        if let Some(value) = value {
            body.insert(field.to_owned(), json!(value));
        }
    }
    body.insert("items".to_owned(), json!(command.items));
    if let Some(rules) = super::options::rules(&command.agent_options) {
        body.insert("agent_options".to_owned(), rules);
    }
    if command.no_plan {
        body.insert("planning".to_owned(), json!(false));
    }
    let path = if let Some(sample) = &command.demo {
        body.insert("demo_repo".to_owned(), json!(sample));
        "/spec-tasks/from-demo"
    } else {
        body.insert("labels".to_owned(), json!(command.labels));
        body.insert("start".to_owned(), json!(!command.no_start && command.attach.is_empty()));
        "/spec-tasks/from-prompt"
    };
    let task = if command.demo.is_some() {
        client.post(path, &Value::Object(body)).await?
    } else {
        let project = project(&client, command.project.as_deref(), command.repo.as_deref()).await?;
        let task = project.create_task(&client, path, body).await?;
        project.warn_of_settings_file(&client).await;
        if let Some(note) =
            project.path.as_deref().and_then(|path| base_note(path, text(&task, "base_branch")))
        {
            eprintln!("{note}");
        }
        attach(&client, task, command).await?
    };
    if command.wait {
        let task = wait_for_person(&client, text(&task, "id"), !cli.json).await?;
        return finish(cli, &task);
    }
    if cli.json {
        output::json(&task);
    } else {
        let id = text(&task, "short_id");
        println!("{id}  {}  {}  {}", plain(text(&task, "name")), text(&task, "status"), text(&task, "id"));
        println!("Watch it with: spectask watch {id}");
    }
    Ok(())
}

/// Attaches files to the prompt of a task in the backlog, and starts it then unless it is to stay there.
async fn attach(client: &Client, task: Value, command: &New) -> anyhow::Result<Value> {
    if command.attach.is_empty() {
        return Ok(task);
    }
    let id = text(&task, "id");
    for file in &command.attach {
        client
            .attach(id, "prompt", file)
            .await
            .with_context(|| format!("{} stays in the backlog", text(&task, "short_id")))?;
    }
    if command.no_start {
        return Ok(task);
    }
    client.post(&format!("/spec-tasks/{id}/start"), &json!({})).await
}

/// Shows a task that was waited for; one that failed is a failure.
pub(crate) fn finish(cli: &Cli, task: &Value) -> anyhow::Result<()> {
    if cli.json {
        output::json(task);
    } else {
        print(task);
    }
    match text(task, "status") {
        "spec_failed" | "implementation_failed" | "cancelled" => {
            let why = text(&task["last_error"], "message");
            Err(Failure::TaskFailed(format!("the task is {}. {why}", text(task, "status"))).into())
        }
        _ => Ok(()),
    }
}

/// The project that a task is created in.
pub(crate) struct ChosenProject {
    id: String,
    /// The folder by which it was found.
    path: Option<PathBuf>,
    /// The name of the project, if it was registered for this task.
    registered: Option<String>,
}

impl ChosenProject {
    /// Says on stderr that the settings file of the repository is not used, and why.
    async fn warn_of_settings_file(&self, client: &Client) {
        let Ok(project) = client.get(&format!("/projects/{}", self.id), &[]).await else { return };
        if let Some(note) = super::settings_file::note(&project.body) {
            output::tell(&format!("note: {note}"));
        }
    }

    /// Creates a task in the project. One that was registered for a task that is refused is removed again.
    pub(crate) async fn create_task(
        &self,
        client: &Client,
        path: &str,
        mut body: Map<String, Value>,
    ) -> anyhow::Result<Value> {
        body.insert("project_id".to_owned(), json!(self.id));
        let created = client.post(path, &Value::Object(body)).await;
        let Some(name) = &self.registered else { return created };
        let is_refused = created.as_ref().is_err_and(|error| {
            matches!(error.downcast_ref(), Some(Failure::Refused { status: 400..=499, .. }))
        });
        if is_refused {
            client.delete(&format!("/projects/{}", self.id)).await?;
        } else {
            let path = self.path.as_deref().unwrap_or(Path::new("."));
            eprintln!("Registered {} as the project {name:?}.", path.display());
        }
        created
    }
}

/// Returns the project that is named, else that of a repository, else that of the current folder.
pub(crate) async fn project(
    client: &Client,
    named: Option<&str>,
    repo: Option<&Path>,
) -> anyhow::Result<ChosenProject> {
    match (named, repo) {
        (Some(named), _) => {
            let id = super::projects::find(client, named).await?;
            Ok(ChosenProject { id, path: None, registered: None })
        }
        (None, Some(path)) => project_at(client, path).await,
        (None, None) => project_at(client, Path::new(".")).await,
    }
}

/// Returns the project of the repository that holds a path; registered when it is not one yet.
async fn project_at(client: &Client, path: &Path) -> anyhow::Result<ChosenProject> {
    let path = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
    if let Some(id) = known_project(client, &path).await? {
        return Ok(ChosenProject { id, path: Some(path), registered: None });
    }
    let root = repository_root(&path).unwrap_or(&path).to_owned();
    let project = client.post("/projects", &json!({ "repository_path": root })).await?;
    let name = text(&project, "name").to_owned();
    Ok(ChosenProject { id: text(&project, "id").to_owned(), path: Some(root), registered: Some(name) })
}

/// Says which base branch a task has, where that is not the branch checked out in a folder.
fn base_note(path: &Path, base: &str) -> Option<String> {
    let run = |args: &[&str]| {
        let output = std::process::Command::new("git").arg("-C").arg(path).args(args).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(said).filter(|said| output.status.success() && !said.is_empty())
    };
    run(&["rev-parse", "--verify", "--quiet", "HEAD"])?;
    let why = match run(&["symbolic-ref", "--quiet", "--short", "HEAD"]) {
        Some(branch) if branch == base => return None,
        Some(branch) => format!("{branch} is checked out in {}", path.display()),
        None => format!("HEAD is detached in {}", path.display()),
    };
    Some(plain(&format!("The base branch is {base}; {why}. Choose another one with --base-branch.")))
}

/// Returns the project whose repository holds a path, where there is one.
pub(crate) async fn known_project(client: &Client, path: &Path) -> anyhow::Result<Option<String>> {
    let Ok(path) = path.canonicalize() else { return Ok(None) };
    let projects = client.get("/projects?limit=500", &[]).await?.body;
    let known = projects.as_array().into_iter().flatten().find(|project| {
        let root = text(project, "repository_path");
        !root.is_empty() && is_of_repository(&path, Path::new(root))
    });
    Ok(known.map(|project| text(project, "id").to_owned()))
}

/// Returns whether a folder is in a repository or one of its linked worktrees, and not in a submodule or another
/// repository.
fn is_of_repository(path: &Path, root: &Path) -> bool {
    let Some(nearest) = repository_root(path).filter(|nearest| *nearest != root) else {
        return path.starts_with(root);
    };
    // A linked worktree may be anywhere.
    let pointer = std::fs::read_to_string(nearest.join(".git")).unwrap_or_default();
    let git_dir = pointer.strip_prefix("gitdir: ").map(|target| nearest.join(target.trim_end()));
    git_dir.is_some_and(|git_dir| git_dir.starts_with(root.join(".git/worktrees")))
}

/// Returns the nearest folder above a path, or the path, that has a `.git`.
fn repository_root(path: &Path) -> Option<&Path> {
    path.ancestors().find(|folder| folder.join(".git").exists())
}

pub(crate) async fn list(cli: &Cli, command: &List) -> anyhow::Result<()> {
    let words = command.query.iter().map(|words| ("q", words.clone())).collect();
    let shown = Shown {
        path: "/spec-tasks",
        nothing: "No tasks. Create one with: spectask new \"what is to be done\"",
        head: &["ID", "NAME", "STATUS", "DONE", "PRIORITY"],
        row: |task| {
            vec![
                text(task, "short_id").to_owned(),
                short(text(task, "name"), LONGEST_NAME),
                shown_status(task),
                format!("{:.0}%", task["progress"].as_f64().unwrap_or(0.0) * 100.0),
                text(task, "priority").to_owned(),
            ]
        },
    };
    print_list(cli, &command.part, words, &shown).await
}

/// How a list of tasks is read and printed.
pub(crate) struct Shown<'a> {
    pub(crate) path: &'a str,
    /// The message where there is none.
    pub(crate) nothing: &'a str,
    pub(crate) head: &'a [&'a str],
    pub(crate) row: fn(&Value) -> Vec<String>,
}

/// Prints a part of all tasks as a table.
pub(crate) async fn print_list(
    cli: &Cli,
    part: &Part,
    mut query: Vec<(&str, String)>,
    shown: &Shown<'_>,
) -> anyhow::Result<()> {
    query.push(("limit", part.limit.to_string()));
    query.extend(part.status.iter().map(|status| ("status", status.clone())));
    let answer = client(cli)?.get(shown.path, &query).await?;
    if cli.json {
        output::json(&answer.body);
        return Ok(());
    }
    let tasks: &[Value] = answer.body.as_array().map_or(&[], Vec::as_slice);
    if tasks.is_empty() {
        println!("{}", shown.nothing);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = tasks.iter().map(shown.row).collect();
    output::table(shown.head, &rows);
    if let Some(total) = answer.total.filter(|total| *total > u64::from(part.limit)) {
        println!("{} of {total} tasks; more with --limit", tasks.len());
    }
    Ok(())
}

pub(crate) async fn show(cli: &Cli, named: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let task = client.get(&format!("/spec-tasks/{id}"), &[]).await?.body;
    if cli.json {
        output::json(&task);
    } else {
        print(&task);
        super::inbox::print_requests(&client, &id).await?;
    }
    Ok(())
}

pub(crate) fn print(task: &Value) {
    println!("{}  {}", text(task, "short_id"), plain(text(task, "name")));
    let row = |name: &str, value: &str| {
        if !value.is_empty() {
            println!("  {name:<10} {}", plain(value));
        }
    };
    row("id", text(task, "id"));
    row("status", &shown_status(task));
    row("waits", text(task, "queue_reason"));
    if !task["last_error"].is_null() && !matches!(text(task, "status"), "done" | "cancelled") {
        row("error", text(&task["last_error"], "message"));
    }
    row("branch", text(task, "branch_name"));
    row("merged", text(task, "merge_commit"));
    for check in task["change"]["checks"].as_array().into_iter().flatten() {
        // A command that waits for a person's trust has no exit code and took no time.
        let outcome = match (check["passed"].as_bool(), check["exit_code"].as_i64(), &check["took_ms"]) {
            (Some(true), _, _) => "passed",
            (_, None, took) if took.as_u64() == Some(0) => "not run",
            _ => "failed",
        };
        row("check", &format!("{outcome}: {}", text(check, "command")));
    }
    for line in super::review::repair_lines(task) {
        row("repaired", line.trim_start_matches("repair "));
    }
    let sessions = task["work_sessions"].as_array().cloned().unwrap_or_default();
    if !sessions.is_empty() {
        println!();
        let rows: Vec<Vec<String>> = sessions
            .iter()
            .map(|session| {
                let done = session["progress"].as_f64().unwrap_or(0.0) * 100.0;
                vec![
                    short(text(session, "name"), LONGEST_NAME),
                    text(session, "status").to_owned(),
                    format!("{done:.0}%"),
                    text(session, "id").to_owned(),
                ]
            })
            .collect();
        output::table(&["SESSION", "STATUS", "DONE", "ID"], &rows);
    }
    let id = text(task, "short_id");
    match text(task, "status") {
        "spec_review" => {
            println!(
                "\nThe documents wait for you: read them with spectask document {id}, then spectask approve {id} --at HASH, or spectask request-changes {id} --comments …"
            );
        }
        "implementation_review" if is_approved(task) => {
            println!("\nThe change is approved, and is merged as soon as nothing holds it.");
        }
        "implementation_review" => {
            println!(
                "\nThe change waits for you: read it with spectask diff {id}, then spectask approve {id} --at COMMIT, or spectask request-changes {id} --comments …"
            );
        }
        "spec_failed" | "implementation_failed" => println!("\nRetry with: spectask retry {id}"),
        "cancelled" => println!("\nReopen it with: spectask reopen {id}"),
        _ => {}
    }
}

/// Cancels, retries or reopens.
pub(crate) async fn act(cli: &Cli, named: &str, action: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let task = client.post(&format!("/spec-tasks/{id}/{action}"), &json!({})).await?;
    print_status(cli, &task);
    Ok(())
}

/// Resumes a paused task; one that is not paused is a conflict.
pub(crate) async fn resume(cli: &Cli, command: &Continue) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(&command.name).await?;
    let task = client.get(&format!("/spec-tasks/{id}"), &[]).await?.body;
    if task["paused_at"].is_null() {
        let detail =
            format!("nothing is paused: {} is in {}", text(&task, "short_id"), text(&task, "status"));
        return Err(Failure::Refused { status: 409, detail }.into());
    }
    continue_task(cli, command, "resume").await
}

/// Continues a task that has stopped, and follows it on request.
pub(crate) async fn continue_task(cli: &Cli, command: &Continue, action: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(&command.name).await?;
    let task = client.post(&format!("/spec-tasks/{id}/{action}"), &json!({})).await?;
    if command.wait {
        return finish(cli, &wait_for_person(&client, &id, !cli.json).await?);
    }
    print_status(cli, &task);
    Ok(())
}

fn print_status(cli: &Cli, task: &Value) {
    if cli.json {
        output::json(task);
    } else {
        println!("{} is {}", text(task, "short_id"), shown_status(task));
    }
}

/// Returns a task's status, with what keeps it from moving that the status does not say.
fn shown_status(task: &Value) -> String {
    let status = text(task, "status");
    if !task["paused_at"].is_null() {
        return format!("{status}, paused");
    }
    if task["waits_for_person"] == json!(true) {
        return format!("{status}, waits for you");
    }
    if task["needs_person"] == json!(true) && matches!(status, "spec_generation" | "implementation") {
        return format!("{status}, needs you");
    }
    if is_approved(task) {
        return format!("{status}, approved");
    }
    status.to_owned()
}

/// Returns whether a task's change is approved and waits to be merged.
fn is_approved(task: &Value) -> bool {
    text(task, "status") == "implementation_review" && task["change"]["approved_by"].is_string()
}

/// Creates the task that takes back what another one merged.
pub(crate) async fn revert(cli: &Cli, named: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(named).await?;
    let task = client.post(&format!("/spec-tasks/{id}/revert"), &json!({})).await?;
    if cli.json {
        output::json(&task);
    } else {
        let id = text(&task, "short_id");
        println!("{id}  {}\n{id} is {}", plain(text(&task, "name")), text(&task, "status"));
        println!("Nothing is reverted yet. Review it with: spectask diff {id}, then spectask approve {id}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{is_of_repository, repository_root, shown_status};
    use serde_json::json;
    use std::fs;

    #[test]
    fn a_status_says_what_keeps_a_task_from_moving() {
        let plain = json!({ "status": "implementation" });
        assert_eq!(shown_status(&plain), "implementation");
        let paused = json!({ "status": "implementation", "paused_at": "2026-01-01T00:00:00Z" });
        assert_eq!(shown_status(&paused), "implementation, paused");
        let waits = json!({ "status": "implementation", "waits_for_person": true });
        assert_eq!(shown_status(&waits), "implementation, waits for you");
        let approved = json!({ "status": "implementation_review", "change": { "approved_by": "ada" } });
        assert_eq!(shown_status(&approved), "implementation_review, approved");
    }

    #[test]
    fn a_nested_repository_is_not_part_of_the_outer_one() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().canonicalize().expect("a path");
        for folder in ["src/deep", "lib/.git/refs", "module", "work", ".git/worktrees/work"] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        fs::write(root.join("module/.git"), "gitdir: ../.git/modules/module\n").expect("a file");
        let pointer = format!("gitdir: {}\n", root.join(".git/worktrees/work").display());
        fs::write(root.join("work/.git"), pointer).expect("a file");
        for (folder, expected) in [("src/deep", true), ("lib", false), ("module", false), ("work", true)] {
            assert_eq!(is_of_repository(&root.join(folder), &root), expected, "{folder}");
        }
        assert_eq!(repository_root(&root.join("src/deep")), Some(root.as_path()));
    }
}

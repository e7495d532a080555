//! Sets up a repository: what it is made with, its settings file, its project on the server.

use super::tasks::known_project;
use super::{agents, client, serve};
use crate::cli::{Cli, Init};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{self, lines, plain, tell, text};
use anyhow::Context as _;
use engine::settings::detect::{DetectedRepository, detect_at, project_file};
use engine::settings::project_file::PATH;
use serde_json::{Value, json};
use std::io::IsTerminal as _;
use std::path::Path;

/// How large a settings file may be that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The state of the settings file in the working tree.
enum Written {
    /// It is there as it was.
    Kept,
    /// It has this text now, or has had it before.
    New(String),
}

/// The project on the server, or why there is none.
enum Registered {
    Project { client: Client, project: Box<Value> },
    NoServer(String),
}

pub(crate) async fn run(cli: &Cli, command: &Init) -> anyhow::Result<()> {
    let found = detected(command)?;
    let agents = agents::known(cli).await?;
    let proposed = project_file(&found.detection);
    if !cli.json {
        describe(&found, &agents);
    }
    if command.dry_run {
        if cli.json {
            output::json(&summary(&found, &agents, &proposed, false, None));
        } else {
            println!("\n{PATH} would be:\n\n{}", lines(&proposed));
        }
        return Ok(());
    }
    let written = write(&found, &proposed, command.force)?;
    let registered = register(cli, command, &found, &written).await?;
    if cli.json {
        let project = match &registered {
            Registered::Project { project, .. } => Some(&**project),
            Registered::NoServer(_) => None,
        };
        output::json(&summary(&found, &agents, &proposed, matches!(written, Written::New(_)), project));
    } else {
        print_steps(&found, &written, &registered, agents::has_real(&agents));
    }
    if let Registered::Project { client, .. } = registered
        && !command.no_open
        && !cli.json
        && std::io::stdout().is_terminal()
    {
        serve::open(&format!("{}/?token={}", client.url, client.token));
    }
    Ok(())
}

/// Finds the repository and what it is made with; one that cannot be set up here is a failure that says what to do.
fn detected(command: &Init) -> anyhow::Result<DetectedRepository> {
    let folder = &command.folder;
    let folder = folder
        .canonicalize()
        .map_err(|error| Failure::NotFound(format!("there is no folder {}: {error}", folder.display())))?;
    let git = git::Git::new(git::Settings { git_binary: None, identity: engine::App::identity() })
        .context("cannot use git; install it (Debian: apt-get install git)")?;
    let found = detect_at(&git, &folder, command.base_branch.as_deref())
        .map_err(|error| Failure::Unusable(format!("{:#}", anyhow::Error::new(error))))?;
    let shown = found.root.display();
    if found.is_bare {
        let advice = format!(
            "{shown} is a bare repository, which has no files to write settings into; run `spectask init` in a clone of it, or \
             register it as it is with `spectask projects add {shown}`"
        );
        return Err(Failure::Unusable(advice).into());
    }
    if let Some(main) = &found.main_worktree {
        let advice = format!(
            "{shown} is a linked worktree of {}; run `spectask init` there: tasks work on the repository, each session in a \
             worktree that SpecTask makes",
            main.display()
        );
        return Err(Failure::Unusable(advice).into());
    }
    Ok(found)
}

fn describe(found: &DetectedRepository, agents: &Value) {
    let detection = &found.detection;
    let list = |values: &[String]| match values {
        [] => "none found".to_owned(),
        values => values.join(", "),
    };
    let command = |command: &Option<String>| command.clone().unwrap_or_else(|| "none found".to_owned());
    let line = |name: &str, value: &str| println!("{name:<13} {}", plain(value));
    line("Repository", &found.root.display().to_string());
    line("Base branch", &found.base_branch);
    line("Languages", &list(&detection.languages));
    for stack in detection.stacks.iter().filter(|stack| !stack.folder.is_empty()) {
        line("", &format!("{} in {}/, by {}", stack.tool, stack.folder, stack.found_by));
    }
    line("Setup", &command(&detection.setup_command));
    line("Tests", &command(&detection.test_command));
    line("Checks", &list(&detection.checks));
    for manifest in &detection.unreadable_manifests {
        line("Unreadable", &format!("{}: {}", manifest.path, manifest.error));
    }
    for (at, agent) in agents::summary(agents).iter().enumerate() {
        line(if at == 0 { "Agents" } else { "" }, agent);
    }
}

/// Writes the settings file, unless there is one.
fn write(found: &DetectedRepository, proposed: &str, force: bool) -> anyhow::Result<Written> {
    let folder = git::Dir::at(&found.root);
    let there = folder.read(PATH, MAX_FILE_BYTES).with_context(|| format!("cannot read {PATH}"))?;
    match there {
        git::Entry::File(content) if content == proposed.as_bytes() => {
            return Ok(Written::New(proposed.to_owned()));
        }
        git::Entry::Nothing => {}
        _ if force => {}
        _ => return Ok(Written::Kept),
    }
    folder
        .write(PATH, proposed.as_bytes())
        .with_context(|| format!("cannot write {}", found.root.join(PATH).display()))?;
    Ok(Written::New(proposed.to_owned()))
}

/// Makes the repository a project of the server, and trusts what was just written for it.
async fn register(
    cli: &Cli,
    command: &Init,
    found: &DetectedRepository,
    written: &Written,
) -> anyhow::Result<Registered> {
    let attempt = async {
        let client = client(cli)?;
        let id = match known_project(&client, &found.root).await? {
            Some(id) => {
                // A base branch that the command line names is the project's from now on.
                if command.base_branch.is_some() {
                    let body = json!({ "default_branch": found.base_branch });
                    client.put(&format!("/projects/{id}"), &body).await?;
                }
                id
            }
            None => {
                let body = json!({
                    "repository_path": found.root, "default_branch": found.base_branch, "name": command.name,
                });
                text(&client.post("/projects", &body).await?, "id").to_owned()
            }
        };
        let project = match written {
            Written::New(content) => {
                client.post(&format!("/projects/{id}/trust-settings"), &json!({ "content": content })).await?
            }
            Written::Kept => client.get(&format!("/projects/{id}"), &[]).await?.body,
        };
        Ok::<_, anyhow::Error>((client, project))
    };
    match attempt.await {
        Ok((client, project)) => Ok(Registered::Project { client, project: Box::new(project) }),
        Err(error) if matches!(error.downcast_ref(), Some(Failure::NoServer(_) | Failure::NoToken(_))) => {
            Ok(Registered::NoServer(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

fn print_steps(found: &DetectedRepository, written: &Written, registered: &Registered, has_agent: bool) {
    println!();
    match written {
        Written::New(_) => println!("Wrote {PATH}."),
        Written::Kept => println!("Kept {PATH} as it is; --force replaces it."),
    }
    let mut steps: Vec<String> = Vec::new();
    let base = base_branch(found, registered);
    match registered {
        Registered::Project { client, project } => {
            let (name, id) = (plain(text(project, "name")), text(project, "id"));
            println!("The project {name:?} ({id}) is on the server at {}.", client.url);
            if base != found.base_branch {
                println!("Its base branch is {}; settings are read from there.", plain(base));
            }
            if let Some(note) = super::settings_file::note(project) {
                println!("{note}");
            }
        }
        Registered::NoServer(error) => {
            println!("It is not registered yet: {}.", plain(error));
            steps.push(
                "spectask serve                 # in another terminal, then run `spectask init` again"
                    .to_owned(),
            );
        }
    }
    if is_uncommitted(found, base) {
        println!(
            "The settings take effect once they are on the base branch {}; commit them there.",
            plain(base)
        );
        steps.push(format!(
            "git -C {} add {PATH} && git -C {} commit -m \"Add SpecTask settings\"",
            quoted(&found.root),
            quoted(&found.root)
        ));
    }
    if !has_agent {
        steps.push("install an agent of the list above".to_owned());
    }
    steps.push("spectask new \"What should the agents do?\"".to_owned());
    println!("\nNext:");
    for step in steps {
        println!("  {step}");
    }
    if let Some(branch) = other_branch(found, base) {
        tell(&format!("note: {branch}; the settings are read from {}.", plain(base)));
    }
}

/// Returns the branch that settings are read from: the project's, or the one that was detected where there is no project.
fn base_branch<'a>(found: &'a DetectedRepository, registered: &'a Registered) -> &'a str {
    match registered {
        Registered::Project { project, .. } => text(project, "default_branch"),
        Registered::NoServer(_) => &found.base_branch,
    }
}

/// Returns whether the base branch has other settings than the working tree.
fn is_uncommitted(found: &DetectedRepository, base: &str) -> bool {
    let spec = format!("refs/heads/{base}:{PATH}");
    let committed = git_output(&found.root, &["show", &spec]);
    committed.as_deref() != std::fs::read(found.root.join(PATH)).ok().as_deref()
}

/// Returns what is checked out, where it is not the base branch.
fn other_branch(found: &DetectedRepository, base: &str) -> Option<String> {
    let head = git_output(&found.root, &["symbolic-ref", "--quiet", "--short", "HEAD"]);
    match head.map(|head| String::from_utf8_lossy(&head).trim().to_owned()) {
        Some(head) if head == base => None,
        Some(head) => Some(format!("{} is checked out", plain(&head))),
        None => Some(format!("HEAD is detached; run `git switch {}` before you commit", plain(base))),
    }
}

fn git_output(root: &Path, args: &[&str]) -> Option<Vec<u8>> {
    let output = std::process::Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    output.status.success().then_some(output.stdout)
}

/// Returns a path as a shell reads it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
    if is_plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn summary(
    found: &DetectedRepository,
    agents: &Value,
    proposed: &str,
    is_written: bool,
    project: Option<&Value>,
) -> Value {
    json!({
        "repository_path": found.root, "base_branch": found.base_branch, "detection": found.detection,
        "settings_file": { "path": PATH, "content": proposed, "written": is_written },
        "agents": agents, "project": project,
    })
}

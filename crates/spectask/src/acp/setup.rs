//! The configuration with which editors start `spectask acp`.

use crate::cli::{Acp, Cli, Editor};
use anyhow::Context as _;
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Prints the configuration for an editor, or merges it into the editor's file.
pub(crate) fn run(cli: &Cli, command: &Acp, editor: Editor) -> anyhow::Result<()> {
    let binary = std::env::current_exe().context("could not find this program's own file")?;
    let binary = binary.to_str().context("the path of this program is not valid UTF-8")?.to_owned();
    let args = arguments(cli, command)?;
    let Some(settings) = settings_of(editor) else {
        anyhow::ensure!(
            !command.write,
            "the configuration of this editor is a program, which --write cannot change safely; run the command without \
             --write and paste what it prints"
        );
        println!("{}", program(editor, &binary, &args));
        return Ok(());
    };
    let entry = entry(editor, &binary, &args);
    if !command.write {
        let printed = json!({ settings.key: { "SpecTask": entry } });
        eprintln!("Add this to {}:", settings.file.display());
        println!("{printed:#}");
        return Ok(());
    }
    let backup = merge(&settings, entry)?;
    println!("SpecTask is an agent in {}.", settings.file.display());
    if let Some(backup) = backup {
        println!("The file as it was is {}.", backup.display());
    }
    Ok(())
}

/// A file of an editor's settings, and where agents are in it.
struct Settings {
    file: PathBuf,
    key: &'static str,
}

/// Returns the arguments after the binary: the server and the task that this command names.
fn arguments(cli: &Cli, command: &Acp) -> anyhow::Result<Vec<String>> {
    let mut args = vec!["acp".to_owned()];
    let mut add = |flag: &str, value: &str| args.extend([flag.to_owned(), value.to_owned()]);
    let path = |path: &PathBuf| -> anyhow::Result<String> {
        let path = std::path::absolute(path).context("the path is not usable")?;
        Ok(path.to_str().context("the path is not valid UTF-8")?.to_owned())
    };
    if let Some(server) = &cli.server {
        add("--server", server);
    }
    if let Some(data_dir) = &cli.data_dir {
        add("--data-dir", &path(data_dir)?);
    }
    if let Some(config) = &cli.config {
        add("--config", &path(config)?);
    }
    if let Some(task) = &command.task {
        add("--task", task);
    }
    Ok(args)
}

/// Returns the file of an editor whose settings are JSON.
fn settings_of(editor: Editor) -> Option<Settings> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty());
    let config = config.map_or_else(|| home.join(".config"), PathBuf::from);
    match editor {
        Editor::Zed => Some(Settings { file: config.join("zed/settings.json"), key: "agent_servers" }),
        Editor::Jetbrains => Some(Settings { file: home.join(".jetbrains/acp.json"), key: "agent_servers" }),
        Editor::Vscode => {
            let folder =
                if cfg!(target_os = "macos") { home.join("Library/Application Support") } else { config };
            Some(Settings { file: folder.join("Code/User/settings.json"), key: "acp.agents" })
        }
        Editor::Neovim | Editor::Emacs => None,
    }
}

fn entry(editor: Editor, binary: &str, args: &[String]) -> Value {
    match editor {
        Editor::Zed => json!({ "type": "custom", "command": binary, "args": args, "env": {} }),
        Editor::Jetbrains | Editor::Vscode | Editor::Neovim | Editor::Emacs => {
            json!({ "command": binary, "args": args, "env": {} })
        }
    }
}

/// Returns the part of an editor's configuration that is a program.
fn program(editor: Editor, binary: &str, args: &[String]) -> String {
    // The strings of Lua and of Emacs Lisp are written like those of JSON.
    let quoted: Vec<String> = args.iter().map(|arg| json!(arg).to_string()).collect();
    let (command, lua, lisp) = (json!(binary).to_string(), quoted.join(", "), quoted.join(" "));
    if editor == Editor::Emacs {
        return format!(
            ";; agent-shell\n\
             (add-to-list 'agent-shell-agent-configs\n\
             \x20            (agent-shell-make-agent-config\n\
             \x20             :identifier 'spectask\n\
             \x20             :mode-line-name \"SpecTask\"\n\
             \x20             :buffer-name \"SpecTask\"\n\
             \x20             :shell-prompt \"SpecTask> \"\n\
             \x20             :shell-prompt-regexp \"SpecTask> \"\n\
             \x20             :client-maker (lambda (buffer)\n\
             \x20                             (acp-make-client :context-buffer buffer\n\
             \x20                                              :command {command}\n\
             \x20                                              :command-params '({lisp})))))"
        );
    }
    format!(
        "-- CodeCompanion.nvim\n\
         require(\"codecompanion\").setup({{\n\
         \x20 adapters = {{\n\
         \x20   acp = {{\n\
         \x20     spectask = function()\n\
         \x20       return require(\"codecompanion.adapters\").extend(\"gemini_cli\", {{\n\
         \x20         name = \"spectask\",\n\
         \x20         formatted_name = \"SpecTask\",\n\
         \x20         commands = {{ default = {{ {command}, {lua} }} }},\n\
         \x20         defaults = {{ mcpServers = {{}}, timeout = 20000 }},\n\
         \x20         env = {{}},\n\
         \x20       }})\n\
         \x20     end,\n\
         \x20   }},\n\
         \x20 }},\n\
         \x20 interactions = {{ chat = {{ adapter = \"spectask\" }} }},\n\
         }})\n\n\
         -- avante.nvim\n\
         require(\"avante\").setup({{\n\
         \x20 provider = \"spectask\",\n\
         \x20 acp_providers = {{ spectask = {{ command = {command}, args = {{ {lua} }} }} }},\n\
         }})"
    )
}

/// Puts the agent into a file of settings, and returns the copy of the file as it was. A file with comments is left alone: they
/// would be lost.
fn merge(settings: &Settings, entry: Value) -> anyhow::Result<Option<PathBuf>> {
    // A link to a file in a folder of dotfiles stays one.
    let file = std::fs::canonicalize(&settings.file).unwrap_or_else(|_| settings.file.clone());
    let before = match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("could not read {}", file.display())),
    };
    let text = before.as_deref().map(str::trim).filter(|text| !text.is_empty()).unwrap_or("{}");
    let parsed: Result<Map<String, Value>, _> = serde_json::from_str(text);
    let Ok(mut all) = parsed else {
        anyhow::bail!(
            "{} has comments or other things that are not JSON, which would be lost; run the command without --write and paste \
             what it prints",
            file.display()
        );
    };
    let agents = all.entry(settings.key).or_insert_with(|| json!({}));
    let Some(agents) = agents.as_object_mut() else {
        anyhow::bail!("{:?} in {} is not an object; correct it first", settings.key, file.display());
    };
    if agents.get("SpecTask") == Some(&entry) {
        return Ok(None);
    }
    agents.insert("SpecTask".to_owned(), entry);
    let folder = file.parent().context("the settings file has no folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    let backup = match before {
        Some(text) => Some(keep(&file, &text)?),
        None => None,
    };
    let text = format!("{:#}\n", Value::Object(all));
    let new = with_suffix(&file, ".spectask-new");
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, &file));
    written.with_context(|| format!("could not write {}", file.display()))?;
    Ok(backup)
}

/// Writes a copy of a file beside it, under a name that is free.
fn keep(file: &Path, text: &str) -> anyhow::Result<PathBuf> {
    use std::io::Write as _;
    for number in 1..1000 {
        let backup = with_suffix(file, &format!(".backup-{number}"));
        let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&backup);
        match made {
            Ok(mut copy) => {
                copy.write_all(text.as_bytes())
                    .with_context(|| format!("could not write {}", backup.display()))?;
                return Ok(backup);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("could not write {}", backup.display()));
            }
        }
    }
    anyhow::bail!("there are too many backups of {}; remove some", file.display())
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(folder: &Path, text: &str) -> Settings {
        let file = folder.join("settings.json");
        std::fs::write(&file, text).expect("a file");
        Settings { file, key: "agent_servers" }
    }

    #[test]
    fn an_agent_is_merged_and_the_rest_stays_in_its_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let text =
            r#"{ "theme": "One", "agent_servers": { "Other": { "command": "x" } }, "buffer_font_size": 14 }"#;
        let settings = settings(folder.path(), text);
        let backup = merge(&settings, json!({ "command": "spectask" })).expect("it is merged");
        let backup = backup.expect("a backup");
        assert_eq!(std::fs::read_to_string(backup).expect("a copy"), text);
        let written = std::fs::read_to_string(&settings.file).expect("a file");
        let all: Map<String, Value> = serde_json::from_str(&written).expect("JSON");
        assert_eq!(all.keys().collect::<Vec<_>>(), ["theme", "agent_servers", "buffer_font_size"]);
        assert_eq!(all["agent_servers"]["Other"]["command"], "x");
        assert_eq!(all["agent_servers"]["SpecTask"]["command"], "spectask");
        // A second time there is nothing to do.
        assert!(merge(&settings, json!({ "command": "spectask" })).expect("it is there").is_none());
    }

    #[test]
    fn a_file_with_comments_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = "// mine\n{ \"theme\": \"One\", }\n";
        let settings = settings(folder.path(), text);
        let error = merge(&settings, json!({})).expect_err("it has comments").to_string();
        assert!(error.contains("without --write"), "{error}");
        assert_eq!(std::fs::read_to_string(&settings.file).expect("a file"), text);
    }
}

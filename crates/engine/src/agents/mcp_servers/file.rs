//! `.mcp.json` at a repository's root: MCP servers in the format that Claude Code made common.
//!
//! It starts commands of everyone who can write the base branch, so that agents get its servers only after a person
//! confirmed this very content.

use crate::App;
use crate::projects::repositories::RepositoryError;
use crate::settings::mcp_server::{McpServerEntry, McpServerKind};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use workflow::ProjectId;

/// The file's path in a repository.
pub(super) const PATH: &str = ".mcp.json";
/// How large it may be, in bytes.
const MAX_BYTES: u64 = 64 * 1024;
/// How many servers it may name.
const MAX_SERVERS: usize = 20;

/// A repository's `.mcp.json` at its base branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct McpFile {
    /// Its text; none where it is too large to be read.
    pub content: Option<String>,
    /// The hash with which a person confirms it.
    pub hash: String,
    pub servers: Vec<McpServerEntry>,
    /// The problems of the entry.
    pub problems: Vec<String>,
}

impl McpFile {
    /// Reads the file's text. An entry that is wrong does not keep the others from being read.
    pub(super) fn parse(text: &str) -> Self {
        let mut file = Self { hash: content_hash(text), content: Some(text.to_owned()), ..Self::default() };
        let json: Value = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(error) => {
                file.problems.push(format!("it is no JSON: {error}"));
                return file;
            }
        };
        let Some(servers) = json["mcpServers"].as_object() else {
            file.problems.push("it has no object `mcpServers`".to_owned());
            return file;
        };
        if servers.len() > MAX_SERVERS {
            file.problems.push(format!("it names more than {MAX_SERVERS} servers; the others are left out"));
        }
        for (name, json) in servers.iter().take(MAX_SERVERS) {
            match entry(name, json).and_then(|entry| entry.check().map(|_| entry)) {
                Ok(entry) => file.servers.push(entry),
                Err(problem) => file.problems.push(problem),
            }
        }
        file
    }
}

/// Returns the hash with which a person confirms the file's content.
fn content_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Reads an entry. Members of other programs are ignored.
fn entry(name: &str, json: &Value) -> Result<McpServerEntry, String> {
    let wrong = |what: &str| format!("{name:?} has {what}");
    let text = |member: &str| match &json[member] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        _ => Err(wrong(&format!("a `{member}` that is no text"))),
    };
    let texts = |member: &str| -> Result<BTreeMap<String, String>, String> {
        serde_json::from_value(json[member].clone()).or_else(|_| {
            if json[member].is_null() {
                Ok(BTreeMap::new())
            } else {
                Err(wrong(&format!("a `{member}` that is no object of texts")))
            }
        })
    };
    let kind = match &json["type"] {
        Value::Null => None,
        named => Some(
            serde_json::from_value::<McpServerKind>(named.clone())
                .map_err(|_| wrong("a `type` other than stdio, http and sse"))?,
        ),
    };
    let args = match &json["args"] {
        Value::Null => Vec::new(),
        args => {
            serde_json::from_value(args.clone()).map_err(|_| wrong("`args` that are no list of texts"))?
        }
    };
    Ok(McpServerEntry {
        name: name.to_owned(),
        kind,
        command: text("command")?,
        args,
        env: texts("env")?,
        url: text("url")?,
        headers: texts("headers")?,
    })
}

/// Reads the file of a project at its base branch; none where the repository has none.
pub async fn of_project(
    app: &App,
    project: &ProjectId,
    branch: &str,
) -> Result<Option<McpFile>, RepositoryError> {
    let revision = app.repositories.base(project, branch).await?.revision;
    let repository = app.repositories.project_repo(project).await?.repository;
    let read = crate::spawn_blocking(move || {
        let Some(size) = repository.size(&revision, PATH)? else { return Ok(None) };
        if size > MAX_BYTES {
            let problems = vec![format!("it has {size} bytes, and at most {MAX_BYTES} are read")];
            return Ok(Some(McpFile { problems, ..McpFile::default() }));
        }
        let bytes = repository.read(&revision, PATH)?;
        Ok::<_, git::Error>(bytes.map(|bytes| McpFile::parse(&String::from_utf8_lossy(&bytes))))
    });
    Ok(read.await??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_one_by_one() {
        let file = McpFile::parse(
            r#"{"mcpServers": {
                "docs": {"command": "npx", "args": ["-y", "docs"], "env": {"KEY": "${KEY:-none}"}, "alwaysAllow": []},
                "web": {"type": "http", "url": "https://mcp.example.org", "headers": {"Authorization": "x"}},
                "bad": {"command": 7},
                "worse": []
            }}"#,
        );
        let names: Vec<&str> = file.servers.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["docs", "web"]);
        assert_eq!(file.problems.len(), 2, "{:?}", file.problems);
        assert_eq!(file.hash.len(), 64);
    }

    #[test]
    fn a_file_that_is_none_has_a_sentence() {
        for (text, problem) in [("{", "no JSON"), ("[]", "no object `mcpServers`"), ("", "no JSON")] {
            let file = McpFile::parse(text);
            assert!(
                file.servers.is_empty() && file.problems[0].contains(problem),
                "{text}: {:?}",
                file.problems
            );
        }
        let many: serde_json::Map<String, Value> =
            (0..30).map(|n| (format!("s{n}"), serde_json::json!({ "command": "true" }))).collect();
        let file = McpFile::parse(&serde_json::json!({ "mcpServers": many }).to_string());
        assert_eq!((file.servers.len(), file.problems.len()), (MAX_SERVERS, 1));
        assert_ne!(content_hash("{}"), content_hash("{ }"), "what changes is asked for again");
    }
}

//! One MCP server as people write it, in the server's configuration, a project's settings or a repository's `.mcp.json`.

use agent::{McpServer, McpTransport, find_command};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name under which agents see the tools of their crew.
pub(crate) const OWN_SERVER: &str = "spectask";
/// The longest name, in characters: agents put it before the names of tools, whose length models limit.
const MAX_NAME: usize = 32;
/// How long a command, an argument, an address or a value may be, in bytes.
const MAX_TEXT: usize = 4096;
/// How many arguments, variables or headers there may be.
const MAX_PARTS: usize = 64;

/// An MCP server for agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServerEntry {
    pub name: String,
    /// Absent is `stdio` for a command, and `http` for an address.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<McpServerKind>,
    /// The program that agents start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The program's variables; values may name variables of the server as `${NAME}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The address that agents connect to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The headers of requests to it; values may name variables of the server as `${NAME}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// How agents reach an MCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum McpServerKind {
    /// Agents start it and talk to it over standard input and output.
    Stdio,
    /// Streamable HTTP.
    #[serde(alias = "streamable-http", alias = "streamable_http")]
    Http,
    /// HTTP with server-sent events.
    Sse,
}

/// The variables of the server's environment that values may name.
#[derive(Clone, Copy)]
pub(crate) enum Variables<'a> {
    /// All of them: the owner wrote the entry into the server's configuration.
    All,
    Only(&'a [String]),
}

impl McpServerEntry {
    /// Returns how agents reach it, or what is wrong with the entry.
    pub fn check(&self) -> Result<McpServerKind, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(is_plain) {
            return Err(format!(
                "the name {:?} is not 1 to {MAX_NAME} ASCII letters, digits, hyphens and underscores",
                self.name
            ));
        }
        if self.name == OWN_SERVER {
            return Err(format!("{OWN_SERVER:?} is the name of SpecTask's own tools; choose another"));
        }
        let kind = match (self.kind, &self.command, &self.url) {
            (None | Some(McpServerKind::Stdio), Some(command), None) if !command.trim().is_empty() => {
                McpServerKind::Stdio
            }
            (None, None, Some(_)) => McpServerKind::Http,
            (Some(kind @ (McpServerKind::Http | McpServerKind::Sse)), None, Some(_)) => kind,
            _ => {
                return Err(format!(
                    "{:?} needs either a `command` or a `url`, as its `type` says",
                    self.name
                ));
            }
        };
        let is_http = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        if self.url.as_ref().is_some_and(|url| !is_http(url)) {
            return Err(format!("the `url` of {:?} does not begin with http:// or https://", self.name));
        }
        let pairs = self.env.iter().chain(&self.headers).flat_map(|(name, value)| [name, value]);
        let texts = self.command.iter().chain(&self.url).chain(&self.args).chain(pairs);
        let is_large = [self.args.len(), self.env.len(), self.headers.len()].iter().any(|n| *n > MAX_PARTS);
        if is_large || texts.clone().any(|text| text.len() > MAX_TEXT) {
            return Err(format!(
                "{:?} has more than {MAX_PARTS} arguments, variables or headers, or a text of more than {MAX_TEXT} bytes",
                self.name
            ));
        }
        if texts.clone().any(|text| text.contains('\0')) {
            return Err(format!("{:?} has a NUL character in it", self.name));
        }
        Ok(kind)
    }

    /// Returns the server as agents get it, with the values of the variables that it names.
    pub(crate) fn resolve(&self, variables: Variables<'_>) -> Result<McpServer, String> {
        let kind = self.check()?;
        let expanded =
            |text: &str| expand(text, variables).map_err(|what| format!("{:?}: {what}", self.name));
        let pairs = |all: &BTreeMap<String, String>| {
            all.iter()
                .map(|(name, value)| Ok((name.clone(), expanded(value)?)))
                .collect::<Result<Vec<_>, String>>()
        };
        let url = || expanded(self.url.as_deref().unwrap_or_default());
        let transport = match kind {
            McpServerKind::Stdio => McpTransport::Stdio {
                command: program(&expanded(self.command.as_deref().unwrap_or_default())?),
                args: self.args.iter().map(|text| expanded(text)).collect::<Result<_, _>>()?,
                env: pairs(&self.env)?,
            },
            McpServerKind::Http => McpTransport::Http { url: url()?, headers: pairs(&self.headers)? },
            McpServerKind::Sse => McpTransport::Sse { url: url()?, headers: pairs(&self.headers)? },
        };
        Ok(McpServer { name: self.name.clone(), transport })
    }
}

/// Returns a program by its absolute path, as agents want it; one that is not on this machine's search path keeps its
/// name.
fn program(command: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = (!command.contains('/')).then(|| find_command(command, &path, Path::new("/"))).flatten();
    found.unwrap_or_else(|| PathBuf::from(command))
}

/// Puts in the values of variables that are named as `${NAME}` or `${NAME:-DEFAULT}`.
fn expand(text: &str, variables: Variables<'_>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        expanded.push_str(&rest[..at]);
        let inner = &rest[at + 2..at + end];
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, text)| (name, Some(text)));
        let is_allowed = match variables {
            Variables::All => true,
            Variables::Only(allowed) => allowed.iter().any(|one| one == name),
        };
        let value = is_allowed.then(|| std::env::var(name).ok()).flatten().filter(|value| !value.is_empty());
        match (value, default) {
            (Some(value), _) => expanded.push_str(&value),
            (None, Some(default)) => expanded.push_str(default),
            (None, None) if is_allowed => {
                return Err(format!("the variable {name} of the server is not set"));
            }
            (None, None) => {
                return Err(format!(
                    "the variable {name} is not one that agents may get; add it to `mcp_variables` in the server's configuration"
                ));
            }
        }
        rest = &rest[at + end + 1..];
    }
    Ok(expanded + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: serde_json::Value) -> McpServerEntry {
        serde_json::from_value(json).expect("an entry")
    }

    #[test]
    fn an_entry_is_a_command_or_an_address() {
        let kind = |json| entry(json).check();
        let json = |text: &str| serde_json::from_str(text).expect("JSON");
        assert_eq!(kind(json(r#"{"name": "a", "command": "npx"}"#)), Ok(McpServerKind::Stdio));
        assert_eq!(kind(json(r#"{"name": "a", "url": "https://a.example"}"#)), Ok(McpServerKind::Http));
        assert_eq!(kind(json(r#"{"name": "a", "type": "sse", "url": "http://a"}"#)), Ok(McpServerKind::Sse));
        for wrong in [
            r#"{"name": "a"}"#,
            r#"{"name": "a", "command": " "}"#,
            r#"{"name": "a", "command": "b", "url": "http://c"}"#,
            r#"{"name": "a", "type": "http", "command": "b"}"#,
            r#"{"name": "a", "url": "file:///etc/passwd"}"#,
            r#"{"name": "a b", "command": "c"}"#,
            r#"{"name": "spectask", "command": "c"}"#,
            r#"{"name": "a", "command": "c", "args": ["\u0000"]}"#,
        ] {
            assert!(kind(json(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_name_only_variables_that_are_allowed() {
        let allowed = ["PATH".to_owned(), "NO_SUCH_VARIABLE_HERE".to_owned()];
        let only = Variables::Only(&allowed);
        let path = std::env::var("PATH").expect("a search path");
        assert_eq!(expand("a ${PATH} b", only), Ok(format!("a {path} b")));
        assert_eq!(expand("${NO_SUCH_VARIABLE_HERE:-x}", only), Ok("x".to_owned()));
        assert!(expand("${NO_SUCH_VARIABLE_HERE}", only).expect_err("unset").contains("not set"));
        assert!(expand("${HOME}", only).expect_err("refused").contains("mcp_variables"));
        assert_eq!(expand("${HOME:-none}", only), Ok("none".to_owned()), "its value is not taken");
        assert_eq!(expand("${PATH", only), Ok("${PATH".to_owned()));
    }
}

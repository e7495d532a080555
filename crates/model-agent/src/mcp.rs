//! The MCP servers of a session, whose tools the model may call: programs, and servers of a URL (streamable HTTP).
//!
//! Programs run where the agent runs, and end with their session. One that does not start or does not answer is named to the model, and
//! the session goes on without it.

use crate::model::root_cause;
use crate::tools::key_variables;
use futures::future::join_all;
use genai::chat::Tool;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject};
use rmcp::service::{ClientInitializeError, RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The name of SpecTask's own server. What its tools do is limited by SpecTask, so that they need no permission.
const OWN_SERVER: &str = "spectask";
/// How long a server may take to start and to list its tools.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection to a server of a URL may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call may take: longer than SpecTask's own tools wait for a person.
const CALL_TIMEOUT: Duration = Duration::from_mins(5);
/// How many servers a session has, and how many tools are taken from each.
const MAX_SERVERS: usize = 32;
const MAX_TOOLS: usize = 128;
/// The longest name of a tool that services take, in bytes, and the longest description that is passed on.
const MAX_NAME: usize = 64;
const MAX_DESCRIPTION: usize = 4 * 1024;

/// The servers of a session that started.
#[derive(Default)]
pub(crate) struct McpServers {
    servers: Vec<Server>,
    /// Which servers did not start and why, as sentences.
    problems: Vec<String>,
}

type Service = RunningService<RoleClient, ()>;

struct Server {
    name: String,
    service: Service,
    tools: Vec<McpTool>,
    /// Ended when it is dropped; a server of a URL has none.
    _process: Option<Child>,
}

/// A tool of a server.
#[derive(Clone, Debug)]
pub(crate) struct McpTool {
    /// The name by which the model calls it.
    pub(crate) id: String,
    pub(crate) server: String,
    /// The name by which the server knows it.
    name: String,
    description: String,
    schema: Value,
}

impl McpServers {
    /// Starts the servers of a request, in the form of ACP's `mcpServers`, side by side.
    pub(crate) async fn start(described: &Value, folder: &Path) -> McpServers {
        let described = described.as_array().map(Vec::as_slice).unwrap_or_default();
        let started = join_all(described.iter().take(MAX_SERVERS).map(|described| start(described, folder)));
        let mut all = McpServers::default();
        for started in started.await {
            match started {
                Ok(server) => all.servers.push(server),
                Err(problem) => {
                    eprintln!("model agent: {problem}");
                    all.problems.push(problem);
                }
            }
        }
        all.name_tools();
        all
    }

    /// Gives each tool a name that services take and no other has.
    fn name_tools(&mut self) {
        let mut taken: Vec<String> = Vec::new();
        for server in &mut self.servers {
            for tool in &mut server.tools {
                let whole = format!("mcp__{}__{}", server.name, tool.name);
                let plain: String = whole
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
                    .take(MAX_NAME)
                    .collect();
                let mut id = plain.clone();
                let mut number = 2;
                while taken.contains(&id) {
                    let end = format!("_{number}");
                    id = format!("{}{end}", &plain[..plain.len().min(MAX_NAME - end.len())]);
                    number += 1;
                }
                taken.push(id.clone());
                tool.id = id;
            }
        }
    }

    /// Returns the tools as the model is told of them.
    pub(crate) fn definitions(&self) -> Vec<Tool> {
        let tools = self.servers.iter().flat_map(|server| &server.tools);
        tools
            .map(|tool| {
                Tool::new(tool.id.clone())
                    .with_description(tool.description.clone())
                    .with_schema(tool.schema.clone())
            })
            .collect()
    }

    /// Returns which servers did not start and why, as sentences.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Returns the tool that a model calls by a name.
    pub(crate) fn tool(&self, id: &str) -> Option<&McpTool> {
        self.servers.iter().flat_map(|server| &server.tools).find(|tool| tool.id == id)
    }

    /// Calls a tool. Both results are answers to the model; the error is one of a call that failed.
    pub(crate) async fn call(&self, tool: &McpTool, arguments: &Value) -> Result<String, String> {
        let arguments = match arguments {
            Value::Null => JsonObject::new(),
            Value::Object(fields) => fields.clone(),
            _ => {
                let id = &tool.id;
                return Err(format!("The arguments of {id} are not a JSON object. Call it again with one."));
            }
        };
        let server = self.servers.iter().find(|server| server.tools.iter().any(|known| known.id == tool.id));
        let Some(server) = server else { return Err(format!("There is no tool {:?}.", tool.id)) };
        let mut request = CallToolRequestParams::new(tool.name.clone());
        request.arguments = Some(arguments);
        let name = &server.name;
        match tokio::time::timeout(CALL_TIMEOUT, server.service.call_tool(request)).await {
            Ok(Ok(result)) => answer(&result),
            Ok(Err(error)) => Err(format!("The MCP server {name} could not do it: {error}.")),
            Err(_) => {
                let minutes = CALL_TIMEOUT.as_secs() / 60;
                Err(format!("The MCP server {name} did not answer within {minutes} minutes."))
            }
        }
    }
}

impl McpTool {
    /// Returns whether it is one of SpecTask's own, which limits what they do.
    pub(crate) fn is_own(&self) -> bool {
        self.server == OWN_SERVER
    }

    pub(crate) fn title(&self) -> String {
        format!("{} ({})", self.name, self.server)
    }
}

/// Starts a server and asks for its tools; the error is a sentence.
async fn start(described: &Value, folder: &Path) -> Result<Server, String> {
    let name = described["name"].as_str().unwrap_or("without a name").to_owned();
    let failed = |error: &dyn std::fmt::Display| format!("The MCP server {name} did not start: {error}.");
    let begun = async {
        let (process, service) = match (described["command"].as_str(), described["url"].as_str()) {
            (Some(program), _) => run(program, described, folder).await.map_err(|error| failed(&error))?,
            (None, Some(url)) if described["type"] == "http" => (
                None,
                connect(url, described)
                    .await
                    .map_err(|error| format!("The MCP server {name} cannot be used: {error}."))?,
            ),
            (None, _) => {
                return Err(format!(
                    "The MCP server {name} cannot be used: this agent takes servers of the types `stdio` and `http`."
                ));
            }
        };
        let tools = service.list_all_tools().await.map_err(|error| failed(&error))?;
        Ok((process, service, tools))
    };
    let begun = tokio::time::timeout(START_TIMEOUT, begun).await;
    let (process, service, tools) = begun.map_err(|_| {
        let seconds = START_TIMEOUT.as_secs();
        format!("The MCP server {name} did not list its tools within {seconds} seconds.")
    })??;
    let tools = tools.into_iter().take(MAX_TOOLS).map(|tool| {
        let mut description = tool.description.as_deref().unwrap_or_default().to_owned();
        description.truncate(description.floor_char_boundary(MAX_DESCRIPTION));
        McpTool {
            id: String::new(),
            server: name.clone(),
            name: tool.name.to_string(),
            description,
            schema: Value::Object((*tool.input_schema).clone()),
        }
    });
    let tools = tools.collect();
    Ok(Server { name, service, tools, _process: process })
}

/// Starts a program.
async fn run(program: &str, described: &Value, folder: &Path) -> Result<(Option<Child>, Service), String> {
    let arguments = described["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let environment = described["env"].as_array().into_iter().flatten();
    let mut command = Command::new(program);
    for name in key_variables() {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .envs(environment.filter_map(|pair| Some((pair["name"].as_str()?, pair["value"].as_str()?))))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut process = command.spawn().map_err(|error| error.to_string())?;
    let (Some(output), Some(input)) = (process.stdout.take(), process.stdin.take()) else {
        return Err("it has no pipes".to_owned());
    };
    let service = ().serve((output, input)).await.map_err(|error| reason(&error))?;
    Ok((Some(process), service))
}

/// Connects to a server of a URL, with the headers that the client names.
async fn connect(url: &str, described: &Value) -> Result<Service, String> {
    let mut headers = HashMap::new();
    for header in described["headers"].as_array().into_iter().flatten() {
        let (name, value) =
            (header["name"].as_str().unwrap_or_default(), header["value"].as_str().unwrap_or_default());
        let read =
            || Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?));
        let (name, value) = read().ok_or_else(|| format!("its header {name:?} is none"))?;
        headers.insert(name, value);
    }
    let config = StreamableHttpClientTransportConfig::with_uri(url.to_owned()).custom_headers(headers);
    let client = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let client = client.map_err(|error| error.to_string())?;
    let transport = StreamableHttpClientTransport::with_client(client, config);
    ().serve(transport).await.map_err(|error| reason(&error))
}

/// Returns why a server did not begin a session: of a failed connection, what the system or the server said.
fn reason(error: &ClientInitializeError) -> String {
    let text = match error {
        ClientInitializeError::TransportError { error, .. } => root_cause(error.error.as_ref()),
        error => error.to_string(),
    };
    text.trim_end_matches([':', ' ', '.']).to_owned()
}

/// Returns what the model is told of a result: its texts, and the kinds of what is no text.
fn answer(result: &CallToolResult) -> Result<String, String> {
    let result = serde_json::to_value(result).unwrap_or_default();
    let contents = result["content"].as_array().into_iter().flatten();
    let mut parts: Vec<String> = contents
        .map(|content| match content["type"].as_str() {
            Some("text") => content["text"].as_str().unwrap_or_default().to_owned(),
            Some("resource") if content["resource"]["text"].is_string() => {
                content["resource"]["text"].as_str().unwrap_or_default().to_owned()
            }
            kind => format!("[{} that is not shown here]", kind.unwrap_or("content")),
        })
        .collect();
    if parts.is_empty() && !result["structuredContent"].is_null() {
        parts.push(result["structuredContent"].to_string());
    }
    let text = crate::tools::bounded(parts.join("\n"), "Ask for less.");
    let text = if text.is_empty() { "Done.".to_owned() } else { text };
    if result["isError"] == json!(true) { Err(text) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

    /// A server of one tool in shell: it answers the greeting, the list and each call in turn.
    const ECHO: &str = r#"while IFS= read -r line; do
id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
case $line in
*'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}}}\n' "$id";;
*'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"say","description":"Says it.","inputSchema":{"type":"object"}},{"name":"say.","inputSchema":{"type":"object"}}]}}\n' "$id";;
*'"boom"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"no"}],"isError":true}}\n' "$id";;
*'"tools/call"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"said"},{"type":"image","data":"","mimeType":"image/png"}]}}\n' "$id";;
esac
done"#;

    #[tokio::test]
    async fn servers_start_side_by_side_and_what_fails_is_named() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let described = json!([
            {"name": "echo", "command": "/bin/sh", "args": ["-c", ECHO], "env": []},
            {"name": "echo", "command": "/bin/sh", "args": ["-c", ECHO], "env": []},
            {"name": "gone", "command": "/nonexistent/server", "args": [], "env": []},
            {"name": "ends", "command": "/bin/sh", "args": ["-c", "exit 3"], "env": []},
            {"name": "far", "type": "http", "url": "http://127.0.0.1:1/mcp", "headers": []},
            {"name": "old", "type": "sse", "url": "http://127.0.0.1:1/mcp", "headers": []},
        ]);
        let servers = McpServers::start(&described, folder.path()).await;
        let named: Vec<_> = servers.definitions().iter().map(|tool| tool.name.as_str().to_owned()).collect();
        assert_eq!(
            named,
            ["mcp__echo__say", "mcp__echo__say_", "mcp__echo__say_2", "mcp__echo__say__2"],
            "each tool has a name of its own"
        );
        let problems = servers.problems().join("\n");
        for (name, words) in [
            ("gone", "did not start"),
            ("ends", "did not start"),
            ("far", "cannot be used"),
            ("old", "`stdio` and `http`"),
        ] {
            let named = problems.lines().any(|line| line.contains(name) && line.contains(words));
            assert!(named, "{name}: {problems}");
        }
        let tool = servers.tool("mcp__echo__say").unwrap();
        let said = servers.call(tool, &json!({"words": "hello"})).await;
        assert_eq!(said.as_deref(), Ok("said\n[image that is not shown here]"));
        assert_eq!(servers.call(tool, &json!({"words": "boom"})).await, Err("no".to_owned()));
        assert!(servers.call(tool, &json!("words")).await.unwrap_err().contains("not a JSON object"));
    }

    /// A server of a URL: it answers each request with JSON, and takes only one key.
    async fn far_server() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer_far(BufReader::new(stream)));
            }
        });
        url
    }

    async fn answer_far(mut stream: BufReader<tokio::net::TcpStream>) -> std::io::Result<()> {
        loop {
            let (mut length, mut has_key, mut is_post) = (0, false, false);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                let line = line.trim_end().to_ascii_lowercase();
                is_post |= line.starts_with("post ");
                has_key |= line == "authorization: bearer good";
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await?;
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let result = match request["method"].as_str() {
                Some("initialize") => {
                    Some(json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                    "serverInfo": {"name": "far", "version": "1"}}))
                }
                Some("tools/list") => {
                    Some(json!({"tools": [{"name": "look", "inputSchema": {"type": "object"}}]}))
                }
                Some("tools/call") => Some(json!({"content": [{"type": "text", "text": "seen"}]})),
                _ => None,
            };
            let (status, body) = match result {
                _ if !has_key => ("401 Unauthorized", String::new()),
                Some(result) => {
                    ("200 OK", json!({"jsonrpc": "2.0", "id": request["id"], "result": result}).to_string())
                }
                None if is_post => ("202 Accepted", String::new()),
                None => ("405 Method Not Allowed", String::new()),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await?;
        }
    }

    #[tokio::test]
    async fn servers_of_a_url_are_used_with_their_headers() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let url = far_server().await;
        let header = |value: &str| json!([{"name": "Authorization", "value": value}]);
        let described = json!([
            {"name": "far", "type": "http", "url": url, "headers": header("Bearer good")},
            {"name": "shut", "type": "http", "url": url, "headers": header("Bearer bad")},
            {"name": "odd", "type": "http", "url": url, "headers": [{"name": "no header", "value": "x"}]},
        ]);
        let servers = McpServers::start(&described, folder.path()).await;
        let tool = servers.tool("mcp__far__look").unwrap();
        assert_eq!(servers.call(tool, &json!({})).await.as_deref(), Ok("seen"));
        let problems = servers.problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        let refused =
            "The MCP server shut cannot be used: unexpected server response: HTTP 401 Unauthorized.";
        assert_eq!(problems[0], refused);
        assert!(problems[1].contains("its header \"no header\""), "{problems:?}");
    }
}

//! Calling a tool of an MCP server that the client handed over: the server is started, greeted, asked and ended.

use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_mins(3);

/// The version of the protocol that is spoken.
const VERSION: &str = "2025-06-18";

/// Calls a tool and returns what it says, or why that failed.
pub(super) async fn call(
    servers: &[Value],
    server: &str,
    tool: &str,
    arguments: &Value,
) -> Result<String, String> {
    let found = servers.iter().find(|one| one["name"] == server);
    let found = found.ok_or_else(|| format!("the client handed over no MCP server {server:?}"))?;
    let mut child = start(found)?;
    let called = tokio::time::timeout(TIMEOUT, exchange(&mut child, tool, arguments)).await;
    called.unwrap_or_else(|_| Err(format!("the MCP server {server:?} did not answer")))
}

fn start(server: &Value) -> Result<Child, String> {
    let command = server["command"].as_str().ok_or("the MCP server is none that is started")?;
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let env = server["env"].as_array().into_iter().flatten();
    let env = env.filter_map(|pair| Some((pair["name"].as_str()?, pair["value"].as_str()?)));
    let started = Command::new(command)
        .args(texts(&server["args"]))
        .envs(env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn();
    started.map_err(|error| format!("{command} does not start: {error}"))
}

async fn exchange(child: &mut Child, tool: &str, arguments: &Value) -> Result<String, String> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("the MCP server has no standard streams".to_owned());
    };
    let mut lines = BufReader::new(output).lines();
    let client = json!({ "name": "scripted-agent", "version": env!("CARGO_PKG_VERSION") });
    let greeting = json!({ "protocolVersion": VERSION, "capabilities": {}, "clientInfo": client });
    let messages = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": greeting }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": { "name": tool, "arguments": arguments } }),
    ];
    for message in messages {
        let written = input.write_all(format!("{message}\n").as_bytes()).await;
        written.map_err(|error| format!("the MCP server does not listen: {error}"))?;
        if message["id"].is_null() {
            continue;
        }
        let answer = loop {
            let line = lines.next_line().await.map_err(|error| error.to_string())?;
            let line = line.ok_or("the MCP server ended without an answer")?;
            let answer: Value =
                serde_json::from_str(&line).map_err(|_| format!("the MCP server wrote {line:?}"))?;
            if answer["id"] == message["id"] {
                break answer;
            }
        };
        if let Some(error) = answer.get("error") {
            return Err(error["message"]
                .as_str()
                .unwrap_or("the MCP server answered with an error")
                .to_owned());
        }
        if message["id"] == 2 {
            let content = answer["result"]["content"].as_array().into_iter().flatten();
            let text: Vec<&str> = content.filter_map(|block| block["text"].as_str()).collect();
            let text = text.join("\n");
            return if answer["result"]["isError"] == true { Err(text) } else { Ok(text) };
        }
    }
    Err("the MCP server was not asked".to_owned())
}

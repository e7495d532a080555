//! The MCP servers that an agent gets with a session.

use crate::AgentInfo;
use agent_client_protocol::v1::schema;
use std::path::PathBuf;

/// An MCP server for the sessions of an agent. What it is given may be secret, so it has no `Debug` output.
#[derive(Clone, PartialEq, Eq)]
pub struct McpServer {
    /// By which name the agent shows its tools.
    pub name: String,
    pub transport: McpTransport,
}

/// How an agent reaches an MCP server.
#[derive(Clone, PartialEq, Eq)]
pub enum McpTransport {
    /// The agent starts it and talks to it over standard input and output.
    Stdio { command: PathBuf, args: Vec<String>, env: Vec<(String, String)> },
    /// Streamable HTTP.
    Http { url: String, headers: Vec<(String, String)> },
    /// The older HTTP transport with server-sent events.
    Sse { url: String, headers: Vec<(String, String)> },
}

impl AgentInfo {
    /// Returns whether the agent takes a server: all agents start programs, and some reach servers over HTTP.
    pub fn accepts(&self, server: &McpServer) -> bool {
        match server.transport {
            McpTransport::Stdio { .. } => true,
            McpTransport::Http { .. } => self.mcp_http,
            McpTransport::Sse { .. } => self.mcp_sse,
        }
    }
}

impl From<&McpServer> for schema::McpServer {
    fn from(server: &McpServer) -> Self {
        let name = server.name.clone();
        let headers = |all: &[(String, String)]| {
            all.iter().map(|(name, value)| schema::HttpHeader::new(name, value)).collect::<Vec<_>>()
        };
        match &server.transport {
            McpTransport::Stdio { command, args, env } => {
                let env = env.iter().map(|(name, value)| schema::EnvVariable::new(name, value)).collect();
                Self::Stdio(schema::McpServerStdio::new(name, command).args(args.clone()).env(env))
            }
            McpTransport::Http { url, headers: all } => {
                Self::Http(schema::McpServerHttp::new(name, url).headers(headers(all)))
            }
            McpTransport::Sse { url, headers: all } => {
                Self::Sse(schema::McpServerSse::new(name, url).headers(headers(all)))
            }
        }
    }
}

//! The MCP server on standard input and output, which passes its calls on to the server's API.

use super::calls::{Calls, Scope};
use super::tools::{self, Audience};
use crate::cli::{Cli, Command};
use crate::client::Client;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServiceExt as _};
use serde_json::Value;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Instructions for the model about all of the tools.
const INSTRUCTIONS_OF_SESSION: &str = "SpecTask runs you as one session of a crew of coding agents that carry out one plan. Use \
    these tools to read the plan and your planned task, to see and tell what the other sessions do, and to ask a person instead \
    of guessing. Your work itself is done with your other tools.";
const INSTRUCTIONS_OF_PERSON: &str = "SpecTask turns prompts into reviewed, merged work done by crews of coding agents. Use these \
    tools to read tasks and their sessions, and to send messages to the sessions. Approving and reviewing is left to the person.";

/// Serves until the client closes standard input, or a signal ends it.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<()> {
    let Some(Command::Mcp(command)) = &cli.command else { return Ok(()) };
    let scope = Scope { session: command.session.clone(), task: command.task.clone() };
    let audience = if scope.session.is_some() { Audience::Session } else { Audience::Person };
    let server = CrewServer { cli: Arc::new(cli), audience, scope };
    let mut terminated = signal(SignalKind::terminate())?;
    let served = async {
        // A client that ends before it has greeted is no failure.
        if let Ok(running) = server.serve(rmcp::transport::stdio()).await
            && let Err(error) = running.waiting().await
        {
            tracing::debug!(%error, "the connection to the MCP client broke");
        }
    };
    tokio::select! {
        () = served => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}

struct CrewServer {
    cli: Arc<Cli>,
    audience: Audience,
    scope: Scope,
}

impl CrewServer {
    /// Calls a tool. The server is looked for with each call: it may have started, or started again, since the last one.
    async fn call(&self, name: &str, arguments: Value) -> anyhow::Result<Value> {
        let Some(Command::Mcp(command)) = &self.cli.command else { anyhow::bail!("there is no such tool") };
        let client = match &command.socket {
            Some(socket) => Client::through(&self.cli, socket)?,
            None => Client::find(&self.cli)?,
        };
        Calls { client, scope: &self.scope }.call(name, &arguments).await
    }
}

impl ServerHandler for CrewServer {
    fn get_info(&self) -> ServerConfig {
        let instructions = match self.audience {
            Audience::Session => INSTRUCTIONS_OF_SESSION,
            Audience::Person | Audience::Both => INSTRUCTIONS_OF_PERSON,
        };
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("spectask", env!("CARGO_PKG_VERSION")))
            .with_instructions(instructions)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let names_task = self.scope.task.is_none();
        Ok(ListToolsResult::with_all_items(tools::list(self.audience, names_task)))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let names_task = self.scope.task.is_none();
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let checked = tools::check(self.audience, names_task, &request.name, &arguments);
        let called = match checked {
            Ok(()) => self.call(&request.name, arguments).await.map_err(|error| format!("{error:#}")),
            Err(why) => Err(why),
        };
        // What went wrong is for the model, which can do something else instead.
        let result = match called {
            Ok(answer) => CallToolResult::structured(answer),
            Err(why) => CallToolResult::error(vec![ContentBlock::text(why)]),
        };
        Ok(result.into())
    }
}

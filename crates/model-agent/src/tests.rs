//! The agent as a client sees it, with a model server on loopback that answers what a test says.

use crate::options::Options;
use crate::serve::Agent;
use crate::transcripts::Transcripts;
use agent::wire::Wire;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the model server answers next.
enum Answer {
    Says(&'static str),
    /// A call of a tool, by its name and its arguments as text.
    Calls(&'static str, String),
    /// A status with further headers and a message.
    Fails(u16, &'static str, &'static str),
    /// No answer, until the connection ends.
    Hangs,
}

use Answer::{Calls, Fails, Hangs, Says};

struct Server {
    url: String,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    async fn start(answers: Vec<Answer>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (requests.clone(), Arc::new(Mutex::new(VecDeque::from(answers))));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_one(stream, seen.clone(), answers.clone()));
            }
        });
        Server { url, requests }
    }

    fn requests(&self) -> Vec<Value> {
        self.requests.lock().clone()
    }
}

async fn serve_one(
    stream: TcpStream,
    seen: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    seen.lock().push(serde_json::from_slice(&body).unwrap());
    let delta = match answers.lock().pop_front() {
        None => Ok(json!({"content": "Nothing more."})),
        Some(Says(text)) => Ok(json!({"content": text})),
        Some(Calls(name, arguments)) => Ok(json!({"tool_calls": [{
            "index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments},
        }]})),
        Some(Fails(status, headers, message)) => {
            let body = json!({"error": {"message": message}}).to_string();
            Err(Some(format!(
                "HTTP/1.1 {status} No\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )))
        }
        Some(Hangs) => Err(None),
    };
    match delta {
        Ok(delta) => {
            let event = |choices: Value, usage: Value| {
                format!("data: {}\n\n", json!({"choices": choices, "usage": usage}))
            };
            let text = [
                event(json!([{"index": 0, "delta": delta, "finish_reason": null}]), Value::Null),
                event(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]), Value::Null),
                event(json!([]), json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})),
                "data: [DONE]\n\n".to_owned(),
            ];
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            stream.write_all(format!("{head}{}", text.concat()).as_bytes()).await?;
        }
        Err(Some(text)) => stream.write_all(text.as_bytes()).await?,
        Err(None) => {
            stream.read_to_end(&mut Vec::new()).await?;
        }
    }
    stream.shutdown().await
}

/// A client of the agent.
struct Client {
    input: DuplexStream,
    messages: mpsc::UnboundedReceiver<Value>,
    updates: Vec<Value>,
    last_id: u64,
}

/// Passes on each line that is written.
struct Lines(mpsc::UnboundedSender<Value>, Vec<u8>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.extend(bytes);
        while let Some(end) = self.1.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.1.drain(..=end).collect();
            let _ = self.0.send(serde_json::from_slice(&line)?);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Client {
    fn start(options: Options, state: &Path) -> Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (input, theirs) = tokio::io::duplex(1 << 16);
        let (lines, messages) = mpsc::unbounded_channel();
        let agent = Agent::new(options, Wire::to(Lines(lines, Vec::new())), Transcripts::at(state));
        tokio::spawn(async move { agent.serve(BufReader::new(theirs)).await });
        Client { input, messages, updates: Vec::new(), last_id: 0 }
    }

    async fn send(&mut self, message: Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    /// The next message that is no update.
    async fn next(&mut self) -> Value {
        loop {
            let mut message = self.messages.recv().await.expect("the agent answers");
            if message["method"] != "session/update" {
                return message;
            }
            self.updates.push(message["params"]["update"].take());
        }
    }

    /// The answer to a request; permission requests meanwhile get that option.
    async fn end(&mut self, id: u64, option: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["method"] == "session/request_permission" {
                let outcome = json!({"outcome": {"outcome": "selected", "optionId": option}});
                self.send(json!({"jsonrpc": "2.0", "id": message["id"], "result": outcome})).await;
            } else if message["id"] == id {
                return message;
            }
        }
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        self.end(id, "allow").await
    }

    async fn new_session(&mut self, cwd: &Path) -> String {
        let answer = self.call("session/new", json!({"cwd": cwd, "mcpServers": []})).await;
        answer["result"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn prompt(&mut self, session: &str, text: &str) -> u64 {
        self.begin(
            "session/prompt",
            json!({"sessionId": session, "prompt": [{"type": "text", "text": text}]}),
        )
        .await
    }

    /// The updates of a kind, as they came.
    fn updates(&self, kind: &str) -> Vec<&Value> {
        self.updates.iter().filter(|update| update["sessionUpdate"] == kind).collect()
    }
}

fn options(server: &Server) -> Options {
    Options {
        models: vec!["test".into(), "other".into()],
        base_url: Some(server.url.clone()),
        max_retries: Some(1),
        ..Options::default()
    }
}

fn write(path: &str, content: &str) -> Answer {
    Calls("write_file", json!({"path": path, "content": content}).to_string())
}

fn run(command: &str) -> Answer {
    Calls("shell", json!({"command": command}).to_string())
}

/// What the model was told of its calls, in the last request.
fn results(server: &Server) -> Vec<String> {
    let last = server.requests().pop().unwrap();
    let messages = last["messages"].as_array().unwrap().iter().filter(|message| message["role"] == "tool");
    messages.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn tools_of_mcp_servers_are_called_once_a_person_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let call = || Calls("mcp__notes__add", json!({"text": "one"}).to_string());
    let server = Server::start(vec![call(), call(), call(), Says("Done.")]).await;
    let mut client = Client::start(options(&server), folder.path());
    // A server of one tool, which writes down what it is called with.
    let script = r#"while IFS= read -r line; do
id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
case $line in
*'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"notes","version":"1"}}}\n' "$id";;
*'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"add","description":"Adds a note.","inputSchema":{"type":"object"}}]}}\n' "$id";;
*'"tools/call"'*) echo "$FLAVOUR" >>notes; printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"added"}]}}\n' "$id";;
esac
done"#;
    let servers = json!([
        {"name": "notes", "command": "/bin/sh", "args": ["-c", script], "env": [{"name": "FLAVOUR", "value": "mint"}]},
        {"name": "gone", "command": "/nonexistent/server", "args": [], "env": []},
    ]);
    let answer = client.call("session/new", json!({"cwd": folder.path(), "mcpServers": servers})).await;
    let session = answer["result"]["sessionId"].as_str().unwrap().to_owned();
    let turn = client.prompt(&session, "Take notes.").await;
    let mut options = vec!["reject", "allow-always"].into_iter();
    let answer = loop {
        let message = client.next().await;
        if message["method"] == "session/request_permission" {
            assert_eq!(message["params"]["toolCall"]["title"], "add (notes)");
            let option = options.next().expect("what is always allowed is not asked for again");
            let outcome = json!({"outcome": {"outcome": "selected", "optionId": option}});
            client.send(json!({"jsonrpc": "2.0", "id": message["id"], "result": outcome})).await;
        } else if message["id"] == turn {
            break message;
        }
    };
    assert_eq!(answer["result"]["stopReason"], "end_turn", "{answer}");
    let told = results(&server);
    assert!(told[0].contains("does not allow this"), "{told:?}");
    assert_eq!(told[1..], ["added", "added"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("notes")).unwrap(), "mint\nmint\n");
    let first = &server.requests()[0];
    assert!(first["tools"].to_string().contains("Adds a note."), "{first}");
    assert!(first["messages"][0].to_string().contains("The MCP server gone did not start"), "{first}");
}

#[tokio::test]
async fn images_of_a_prompt_reach_the_model_unless_its_server_refuses_them() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = "this model does not support image input";
    let server = Server::start(vec![Says("A cat."), Fails(400, "", refusal), Says("I cannot see it.")]).await;
    let mut client = Client::start(options(&server), folder.path());
    let session = client.new_session(folder.path()).await;
    let image = json!({"type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="});
    let prompt = json!([{"type": "text", "text": "What is it?"}, image]);
    for _ in 0..2 {
        let params = json!({"sessionId": session, "prompt": prompt});
        let id = client.begin("session/prompt", params).await;
        assert_eq!(client.end(id, "").await["result"]["stopReason"], "end_turn");
    }
    let requests = server.requests();
    let sent = |at: usize| requests[at]["messages"].to_string();
    assert!(sent(0).contains("data:image/png;base64,iVBORw0KGgo="), "{}", sent(0));
    assert!(sent(1).contains("iVBORw0KGgo=") && !sent(2).contains("iVBORw0KGgo="), "{}", sent(2));
    assert!(sent(2).contains("does not take images"), "{}", sent(2));
    let said = json!(client.updates).to_string();
    assert!(said.contains("refused the images") && said.contains("I cannot see it."), "{said}");
}

#[tokio::test]
async fn a_turn_calls_tools_until_the_model_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let plan = json!({"entries": [{"content": "Write", "status": "in_progress"}]}).to_string();
    let server = Server::start(vec![
        Calls("update_plan", plan),
        write("a.txt", "one"),
        run("cat a.txt"),
        Says("Done."),
    ])
    .await;
    let mut client = Client::start(options(&server), folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Write a.txt.").await;
    let answer = client.end(turn, "allow").await;
    assert_eq!(answer["result"]["stopReason"], "end_turn");
    assert_eq!(answer["result"]["usage"]["inputTokens"], 40);
    assert_eq!(std::fs::read_to_string(folder.path().join("a.txt")).unwrap(), "one");
    assert!(results(&server)[2].ends_with("one\n[exit code 0]"));
    assert_eq!(client.updates("plan")[0]["entries"][0]["status"], "in_progress");
    let kinds: Vec<_> = client.updates("tool_call").iter().map(|call| call["kind"].clone()).collect();
    assert_eq!(kinds, ["edit", "execute"]);
    let ended: Vec<_> = client
        .updates("tool_call_update")
        .into_iter()
        .filter(|update| update["status"] == "completed")
        .collect();
    assert_eq!(ended[0]["content"][0]["newText"], "one");
    assert_eq!(ended[1]["rawOutput"]["exitCode"], 0);
    assert_eq!(client.updates("agent_message_chunk")[0]["content"]["text"], "Done.");
    assert_eq!(client.updates("usage_update").len(), 4);
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_told_to_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let broken = Calls("read_file", "{\"path\": ".to_owned());
    let server =
        Server::start(vec![broken, Calls("fly", "{}".into()), write("../out", "x"), Says("I give up.")])
            .await;
    let mut client = Client::start(options(&server), folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Go.").await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "end_turn");
    let results = results(&server);
    for (result, words) in results.iter().zip(["not valid JSON", "There is no tool", "outside the folders"]) {
        assert!(result.contains(words), "{result}");
    }
    assert!(!folder.path().parent().unwrap().join("out").exists());
    let failed = client.updates.iter().filter(|update| update["status"] == "failed").count();
    assert_eq!(failed, 3);
}

#[tokio::test]
async fn the_mode_and_the_user_decide_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let answers = vec![
        write("a", "1"),
        Says("No."),
        write("b", "1"),
        Says("No."),
        write("c", "1"),
        write("d", "1"),
        run("touch e"),
        Says("Yes."),
    ];
    let server = Server::start(answers).await;
    let mut client = Client::start(options(&server), folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Go.").await;
    client.end(turn, "reject").await;
    assert!(results(&server)[0].contains("does not allow"));
    let mode = |mode: &str| json!({"sessionId": session, "modeId": mode});
    client.call("session/set_mode", mode("read-only")).await;
    let turn = client.prompt(&session, "Go.").await;
    client.end(turn, "allow").await;
    assert!(results(&server)[1].contains("read-only"));
    let option = json!({"sessionId": session, "configId": "mode", "value": "accept-edits"});
    let changed = client.call("session/set_config_option", option).await;
    assert_eq!(changed["result"]["configOptions"][0]["currentValue"], "accept-edits");
    let turn = client.prompt(&session, "Go.").await;
    client.end(turn, "reject").await;
    let is_there = ["a", "b", "c", "d", "e"].map(|name| folder.path().join(name).exists());
    assert_eq!(is_there, [false, false, true, true, false]);
    let unknown = client.call("session/set_mode", mode("yolo")).await;
    assert_eq!(unknown["error"]["code"], -32602);
}

#[tokio::test]
async fn a_cancelled_turn_ends_its_command_and_the_session_continues() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(vec![
        run("echo begun > begun.tmp; mv begun.tmp begun; sleep 1000"),
        Says("I continue."),
        Hangs,
    ])
    .await;
    let mut client = Client::start(Options { mode: Some("auto".into()), ..options(&server) }, folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Wait.").await;
    while !folder.path().join("begun").exists() {
        tokio::task::yield_now().await;
    }
    let again = client.prompt(&session, "Meanwhile.").await;
    assert_eq!(client.end(again, "allow").await["error"]["code"], -32600, "one turn at a time");
    client
        .send(json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": session}}))
        .await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "cancelled");
    let turn = client.prompt(&session, "Continue.").await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "end_turn");
    assert_eq!(results(&server), ["Cancelled by the user."]);
    // The model's call is cancelled as well.
    let turn = client.prompt(&session, "Think.").await;
    while server.requests().len() < 3 {
        tokio::task::yield_now().await;
    }
    client
        .send(json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": session}}))
        .await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "cancelled");
}

#[tokio::test]
async fn sessions_run_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(vec![Hangs, Says("Second.")]).await;
    let mut client = Client::start(options(&server), folder.path());
    let (first, second) = (client.new_session(folder.path()).await, client.new_session(folder.path()).await);
    let waiting = client.prompt(&first, "Wait.").await;
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let turn = client.prompt(&second, "Go.").await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "end_turn");
    client.send(json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": first}})).await;
    assert_eq!(client.end(waiting, "allow").await["result"]["stopReason"], "cancelled");
}

#[tokio::test]
async fn failures_are_repeated_or_said() {
    let folder = tempfile::tempdir().unwrap();
    let answers = vec![
        Fails(429, "retry-after: 0\r\n", "Slow down."),
        Says("There."),
        Fails(429, "retry-after: 3600\r\n", "Slow down."),
        Fails(401, "", "Incorrect API key provided."),
        Fails(500, "retry-after: 0\r\n", "It broke."),
        Fails(503, "retry-after: 0\r\n", "It broke."),
    ];
    let server = Server::start(answers).await;
    let mut client = Client::start(options(&server), folder.path());
    let session = client.new_session(folder.path()).await;
    let mut ask = async || {
        let turn = client.prompt(&session, "Go.").await;
        client.end(turn, "allow").await
    };
    assert_eq!(ask().await["result"]["stopReason"], "end_turn");
    let limited = ask().await;
    assert_eq!(limited["error"]["code"], -32603);
    assert!(limited["error"]["message"].as_str().unwrap().ends_with("Slow down. Retry after 3600 seconds."));
    let refused = ask().await;
    assert_eq!(refused["error"]["code"], -32000);
    assert!(refused["error"]["message"].as_str().unwrap().contains("OPENAI_API_KEY"));
    assert!(ask().await["error"]["message"].as_str().unwrap().contains("503 Service Unavailable: It broke."));
    assert_eq!(server.requests().len(), 6);
}

#[tokio::test]
async fn steps_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start((0..5).map(|_| Calls("list_files", "{}".into())).collect()).await;
    let mut client = Client::start(Options { max_steps: Some(3), ..options(&server) }, folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Go.").await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "max_turn_requests");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_conversation_that_nears_the_limit_is_summarized() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("large"), "some text\n".repeat(1500)).unwrap();
    let read = || Calls("read_file", json!({"path": "large"}).to_string());
    let answers = vec![read(), read(), read(), Says("Summary: large was read three times."), Says("Done.")];
    let server = Server::start(answers).await;
    let mut client =
        Client::start(Options { context_tokens: Some(20_000), ..options(&server) }, folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Read it thrice.").await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "end_turn");
    let requests = server.requests();
    assert!(requests[3]["tools"].is_null(), "a summary is asked for without tools");
    let messages = requests[4]["messages"].as_array().unwrap();
    let last = messages.last().unwrap()["content"].as_str().unwrap();
    assert!(last.starts_with("Read it thrice.") && last.ends_with("large was read three times."), "{last}");
    // A prompt that can never fit is refused.
    let turn = client.prompt(&session, &"x".repeat(200_000)).await;
    assert!(client.end(turn, "allow").await["error"]["message"].as_str().unwrap().contains("context window"));
}

#[tokio::test]
async fn a_server_that_finds_the_conversation_too_long_gets_a_shorter_one() {
    let folder = tempfile::tempdir().unwrap();
    let too_long = || Fails(400, "", "This model's maximum context length is 10 tokens.");
    let server = Server::start(vec![too_long(), Says("Summary."), Says("Done.")]).await;
    let mut client = Client::start(options(&server), folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Go.").await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "end_turn");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_session_is_loaded_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(vec![write("a", "1"), Says("Written."), Says("As I said.")]).await;
    let mut client = Client::start(options(&server), folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Write a.").await;
    client.end(turn, "allow").await;
    drop(client);
    let mut client = Client::start(options(&server), folder.path());
    let params = json!({"sessionId": session, "cwd": folder.path(), "mcpServers": []});
    let loaded = client.call("session/load", params.clone()).await;
    assert_eq!(loaded["result"]["modes"]["currentModeId"], "default");
    let kinds: Vec<_> =
        client.updates.iter().map(|update| update["sessionUpdate"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user_message_chunk", "tool_call", "agent_message_chunk"]);
    let turn = client.prompt(&session, "What did you do?").await;
    client.end(turn, "allow").await;
    assert_eq!(server.requests()[2]["messages"].as_array().unwrap().len(), 6);
    let mut unknown = params;
    unknown["sessionId"] = json!("model-0");
    assert_eq!(client.call("session/load", unknown).await["error"]["code"], -32002);
}

#[tokio::test]
async fn a_missing_key_is_a_sign_in() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { models: Vec::new(), ..Options::default() };
    let mut client = Client::start(options, folder.path());
    let refused = client.call("session/new", json!({"cwd": folder.path(), "mcpServers": []})).await;
    assert_eq!(refused["error"]["code"], -32000);
    assert!(refused["error"]["message"].as_str().unwrap().contains("--model"));
}

#[tokio::test]
async fn without_tools_the_model_only_talks() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(vec![Says("Hello.")]).await;
    let mut client = Client::start(Options { no_tools: true, ..options(&server) }, folder.path());
    let session = client.new_session(folder.path()).await;
    let turn = client.prompt(&session, "Hello").await;
    assert_eq!(client.end(turn, "allow").await["result"]["stopReason"], "end_turn");
    assert!(server.requests()[0]["tools"].as_array().is_none_or(Vec::is_empty));
    let option = json!({"sessionId": session, "configId": "model", "value": "other"});
    assert!(client.call("session/set_config_option", option).await["result"]["configOptions"].is_array());
    let turn = client.prompt(&session, "Hello").await;
    client.end(turn, "allow").await;
    assert_eq!(server.requests()[1]["model"], "other");
}

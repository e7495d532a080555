// A model server for tests, on loopback: it answers as a script in the prompt says, and fails as the script says.
//
// It speaks Anthropic Messages, OpenAI Chat Completions, OpenAI Responses, Gemini generateContent and Ollama chat, streamed or not.
// A script is the lines of the last user message that begin with `STUB:`; each model call carries out one step:
//
//   STUB:WRITE <path> <content>   one tool call that writes a file; `\n` in the content is a line break
//   STUB:SH <command>             one shell tool call
//   STUB:SAY <text>               the words of the last message, `Done.` without it
//   STUB:FAULT <kind> id=<id> [after=<n>] [times=<m>]
//                                 calls fail, from the (n+1)-th on, m times or for ever; calls are counted for each id
//
// Kinds of faults: 401, 429, 500, 529 (status codes), context (the prompt is too long), empty (an answer without a
// word), drop (the connection breaks in the middle of an answer), hang (no answer at all).
// Besides, the model understands "Write the file `PATH` with the content `WORD`", as `spectask agents check` asks for it.
// `{requirements}`, `{design}`, `{tasks}` stand for the paths that SpecTask's prompt gives; relative paths are below the
// working directory that it names.
import { createServer } from "node:http";
import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";

const WRITERS = ["Write", "write_file", "write", "create_file", "write_to_file"];
const SHELLS = ["Bash", "bash", "run_shell_command", "exec_command", "shell_command", "shell", "local_shell"];
const ASKED = /Write the file `([^`]+)` with the content `([^`]+)`/g;
const STEP = /^[ \t>*-]*`?STUB:(WRITE|SH|SAY|FAULT)[ \t]+(.*?)`?[ \t]*$/gm;

/** Starts a model server; `calls` lists what it was asked, `heal` ends a fault, `close` ends the server. */
export async function startModel({ port = 0, log } = {}) {
  const seen = new Map();
  const healed = new Set();
  const calls = [];
  const sockets = new Set();
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = parse(Buffer.concat(chunks).toString("utf8"));
      const place = request.url.split("?")[0];
      answer(place, body, request, response).catch((error) => {
        if (!response.headersSent) sendJson(response, 500, { error: { message: `model server: ${error.stack}` } });
        else response.destroy();
      });
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });

  async function answer(place, body, request, response) {
    if (request.method !== "POST") {
      if (place.endsWith("/models")) return sendJson(response, 200, models());
      return sendJson(response, 404, { error: { message: "not found", type: "not_found_error" } });
    }
    if (place.endsWith("/count_tokens")) return sendJson(response, 200, { input_tokens: 10 });
    if (place.includes(":countTokens")) return sendJson(response, 200, { totalTokens: 10 });
    const api = apiOf(place);
    if (!api) return sendJson(response, 404, { error: { message: `no such address: ${place}` } });
    const asked = api.read(body);
    const script = scriptOf(asked.turns);
    // Titles and the like are asked for without tools; they are no step and never fail.
    const fault = asked.tools.length > 0 ? faultOf(script) : undefined;
    const reply = fault?.kind === "empty" ? { text: "" } : next(script, asked);
    const entry = { api: api.name, model: body.model, tools: asked.tools.map((tool) => tool.name), fault: fault?.kind, reply };
    calls.push(entry);
    if (log) appendFileSync(log, `${JSON.stringify(entry)}\n`);
    const streams = api.streams(body, place);
    switch (fault?.kind) {
      case undefined:
      case "empty":
        break;
      case "hang":
        return;
      case "drop":
        if (streams) {
          openStream(response, api);
          response.write(api.lines ? "\n" : ": begun\n\n");
        }
        setTimeout(() => request.socket.destroy(), 50);
        return;
      case "context":
        return sendJson(response, 400, api.failure(400, ...api.context));
      default:
        return sendJson(response, Number(fault.kind), api.failure(Number(fault.kind), ...wordsOf(fault.kind)));
    }
    if (streams) {
      openStream(response, api);
      api.stream(body, reply, (event, name) => {
        if (api.lines) return response.write(`${JSON.stringify(event)}\n`);
        if (name) response.write(`event: ${name}\n`);
        response.write(`data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
      });
      response.end();
    } else sendJson(response, 200, api.whole(body, reply));
  }

  function faultOf(script) {
    for (const fault of script.faults) {
      const count = seen.get(fault.id) ?? 0;
      seen.set(fault.id, count + 1);
      if (fault.kind === "context" && script.isSummarized) continue;
      if (!healed.has(fault.id) && count >= fault.after && count < fault.after + fault.times) return fault;
    }
    return undefined;
  }

  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    calls,
    /** Ends a fault for good. */
    heal: (id) => healed.add(id),
    close: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(resolve);
    }),
  };
}

/** The script of the last message that has one, and how many of its tool calls have been answered. */
function scriptOf(turns) {
  const script = { steps: [], faults: [], say: "Done.", done: 0, text: "" };
  const at = turns.findLastIndex((turn) => turn.user && (turn.user.search(STEP) >= 0 || turn.user.search(ASKED) >= 0));
  if (at < 0) return script;
  script.text = turns[at].user;
  script.isSummarized = turns[at].isSummary;
  script.isSummary = /summar|compact/i.test(turns.at(-1)?.user ?? "");
  script.done = turns.slice(at + 1).reduce((sum, turn) => sum + (turn.results ?? 0), 0);
  for (const [, file, word] of script.text.matchAll(ASKED)) script.steps.push({ verb: "WRITE", argument: `${file} ${word}` });
  for (const [, verb, argument] of script.text.matchAll(STEP)) {
    if (verb === "SAY") script.say = argument;
    else if (verb === "FAULT") script.faults.push(readFault(argument));
    else script.steps.push({ verb, argument });
  }
  return script;
}

function readFault(argument) {
  const [kind, ...options] = argument.split(/\s+/);
  const option = (name) => options.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
  return { kind, id: option("id") ?? argument, after: Number(option("after") ?? 0), times: Number(option("times") ?? Infinity) };
}

/** What the model says next: a tool call for the next step, or its last words. */
function next(script, { tools }) {
  const step = script.steps[script.done];
  // Without tools an agent asks for a title, or for a summary by which it goes on.
  if (tools.length === 0) return { text: script.isSummary ? script.text : "A short title" };
  if (!step) return { text: script.say };
  if (step.verb === "SH") return shell(tools, script, step.argument);
  const [name, ...words] = step.argument.split(" ");
  const content = `${words.join(" ").replaceAll("\\n", "\n")}\n`;
  const file = resolve(script, name);
  const writer = WRITERS.map((known) => tools.find((tool) => tool.name === known)).find(Boolean);
  if (writer) return { text: `I write ${name}. `, tool: writer.name, args: fill(writer, { file, content }) };
  const patcher = tools.find((tool) => tool.name === "apply_patch" && tool.custom);
  if (patcher) {
    const lines = content.split("\n").slice(0, -1).map((line) => `+${line}\n`).join("");
    const patch = `*** Begin Patch\n*** Add File: ${file}\n${lines}*** End Patch\n`;
    return { text: `I write ${name}. `, tool: "apply_patch", input: patch };
  }
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  return shell(tools, script, `printf '%s' ${quoted(content)} > ${quoted(file)}`);
}

function shell(tools, script, command) {
  const tool = SHELLS.map((known) => tools.find((one) => one.name === known)).find(Boolean);
  if (!tool) return { text: `There is no tool to run a command with, only ${tools.map((one) => one.name).join(", ")}.` };
  return { text: "I run a command. ", tool: tool.name, args: fill(tool, { command, directory: directoryOf(script) }) };
}

function resolve(script, name) {
  const named = name.match(/^\{(\w+)\}$/)?.[1];
  if (named) return script.text.match(new RegExp(`^- ${named}: \`([^\`]+)\``, "m"))?.[1] ?? name;
  return path.resolve(directoryOf(script) ?? "/", name);
}

function directoryOf(script) {
  return script.text.match(/ in `(\/[^`]+)`/)?.[1];
}

/** Arguments for a tool, as its own JSON schema wants them. */
function fill(tool, { file, content, command, directory }) {
  const { properties = {}, required = [] } = tool.schema ?? {};
  const args = {};
  for (const [name, schema] of Object.entries(properties)) {
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    if (["file_path", "filePath", "path", "absolute_path"].includes(name)) args[name] = file;
    else if (["content", "contents", "file_text"].includes(name)) args[name] = content;
    else if (["command", "cmd"].includes(name)) args[name] = type === "array" ? ["bash", "-c", command] : command;
    else if (["workdir"].includes(name) && directory) args[name] = directory;
    else if (!required.includes(name)) continue;
    else if (schema.enum) args[name] = schema.enum[0];
    else if (type === "boolean") args[name] = false;
    else if (type === "integer" || type === "number") args[name] = 10;
    else if (type === "array") args[name] = [];
    else if (type === "object") args[name] = {};
    else args[name] = "test";
  }
  return args;
}

function wordsOf(kind) {
  switch (kind) {
    case "401":
      return ["authentication_error", "Incorrect API key provided: test-key."];
    case "429":
      return ["rate_limit_error", "Rate limit reached for this model. Please try again later."];
    case "529":
      return ["overloaded_error", "Overloaded"];
    default:
      return ["api_error", "The server had an error while processing your request."];
  }
}

const anthropic = {
  name: "anthropic",
  context: ["invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"],
  failure: (_status, type, message) => ({ type: "error", error: { type, message } }),
  streams: (body) => Boolean(body.stream),
  read: (body) => ({
    tools: (body.tools ?? []).map((tool) => ({ name: tool.name, schema: tool.input_schema })),
    turns: (body.messages ?? []).map((message) => {
      const blocks = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content ?? [];
      const text = blocks.filter((block) => block.type === "text").map((block) => block.text).join("\n");
      const results = blocks.filter((block) => block.type === "tool_result").length;
      return message.role === "user" ? { user: text, results } : {};
    }),
  }),
  blocks(reply) {
    const blocks = reply.text ? [{ type: "text", text: reply.text }] : [];
    if (reply.tool) blocks.push({ type: "tool_use", id: fresh("toolu"), name: reply.tool, input: reply.args });
    return blocks;
  },
  whole(body, reply) {
    const usage = { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
    const stop_reason = reply.tool ? "tool_use" : "end_turn";
    return { id: fresh("msg"), type: "message", role: "assistant", model: body.model, content: this.blocks(reply), stop_reason, stop_sequence: null, usage };
  },
  stream(body, reply, send) {
    const message = this.whole(body, reply);
    const event = (data) => send(data, data.type);
    event({ type: "message_start", message: { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } } });
    for (const [index, block] of message.content.entries()) {
      const empty = block.type === "text" ? { type: "text", text: "" } : { ...block, input: {} };
      event({ type: "content_block_start", index, content_block: empty });
      const delta = block.type === "text" ? { type: "text_delta", text: block.text } : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
      event({ type: "content_block_delta", index, delta });
      event({ type: "content_block_stop", index });
    }
    event({ type: "message_delta", delta: { stop_reason: message.stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } });
    event({ type: "message_stop" });
  },
};

const chat = {
  name: "chat",
  context: ["invalid_request_error", "This model's maximum context length is 128000 tokens. However, your messages resulted in 250000 tokens.", "context_length_exceeded"],
  failure: openAiFailure,
  streams: (body) => Boolean(body.stream),
  read: (body) => ({
    tools: (body.tools ?? []).filter((tool) => tool.type === "function").map((tool) => ({ name: tool.function.name, schema: tool.function.parameters })),
    turns: (body.messages ?? []).map((message) => {
      if (message.role === "user") return { user: plain(message.content) };
      // A script that the model said itself is in the summary by which an agent goes on: the conversation is short again.
      const isSummary = message.role === "assistant" && plain(message.content).includes("STUB:");
      return isSummary ? { user: plain(message.content), isSummary } : { results: message.role === "tool" ? 1 : 0 };
    }),
  }),
  call: (reply) => ({ id: fresh("call"), type: "function", function: { name: reply.tool, arguments: JSON.stringify(reply.args) } }),
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  whole(body, reply) {
    const message = { role: "assistant", content: reply.text, ...(reply.tool ? { tool_calls: [this.call(reply)] } : {}) };
    const finish_reason = reply.tool ? "tool_calls" : "stop";
    return { id: fresh("chatcmpl"), object: "chat.completion", created: 1, model: body.model, choices: [{ index: 0, message, finish_reason }], usage: this.usage };
  },
  stream(body, reply, send) {
    const id = fresh("chatcmpl");
    const chunk = (choices, more = {}) => send({ id, object: "chat.completion.chunk", created: 1, model: body.model, choices, ...more });
    const delta = (data, finish_reason = null) => chunk([{ index: 0, delta: data, finish_reason }]);
    delta({ role: "assistant", content: "" });
    if (reply.text) delta({ content: reply.text });
    if (reply.tool) delta({ tool_calls: [{ index: 0, ...this.call(reply) }] });
    delta({}, reply.tool ? "tool_calls" : "stop");
    chunk([], { usage: this.usage });
    send("[DONE]");
  },
};

const responses = {
  name: "responses",
  context: ["invalid_request_error", "Your input exceeds the context window of this model. Please adjust your input and try again.", "context_length_exceeded"],
  failure: openAiFailure,
  streams: (body) => Boolean(body.stream),
  read: (body) => ({
    tools: (body.tools ?? []).flatMap((tool) => {
      if (tool.type === "namespace") return (tool.tools ?? []).map((one) => ({ name: one.name, schema: one.parameters }));
      return [{ name: tool.name ?? tool.type, schema: tool.parameters, custom: tool.type === "custom" }];
    }),
    turns: (typeof body.input === "string" ? [{ role: "user", content: body.input }] : body.input ?? []).map((item) => {
      if (item.role === "user") return { user: plain(item.content) };
      return { results: String(item.type ?? "").endsWith("_call_output") ? 1 : 0 };
    }),
  }),
  items(reply) {
    const content = [{ type: "output_text", text: reply.text, annotations: [] }];
    const items = reply.text ? [{ type: "message", id: fresh("msg"), role: "assistant", status: "completed", content }] : [];
    const call = { id: fresh("fc"), call_id: fresh("call"), name: reply.tool, status: "completed" };
    if (reply.input !== undefined) items.push({ type: "custom_tool_call", ...call, input: reply.input });
    else if (reply.tool) items.push({ type: "function_call", ...call, arguments: JSON.stringify(reply.args) });
    return items;
  },
  whole(body, reply) {
    const usage = { input_tokens: 10, input_tokens_details: { cached_tokens: 0 }, output_tokens: 5, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 15 };
    return { id: fresh("resp"), object: "response", created_at: 1, status: "completed", model: body.model, output: this.items(reply), parallel_tool_calls: false, tools: [], error: null, usage };
  },
  stream(body, reply, send) {
    const response = this.whole(body, reply);
    let sequence_number = 0;
    const event = (data) => send({ ...data, sequence_number: sequence_number++ }, data.type);
    event({ type: "response.created", response: { ...response, status: "in_progress", output: [], usage: null } });
    for (const [output_index, item] of response.output.entries()) {
      const begun = item.type === "message" ? { ...item, status: "in_progress", content: [] } : { ...item, status: "in_progress" };
      event({ type: "response.output_item.added", output_index, item: begun });
      if (item.type === "message") event({ type: "response.output_text.delta", item_id: item.id, output_index, content_index: 0, delta: reply.text });
      event({ type: "response.output_item.done", output_index, item });
    }
    event({ type: "response.completed", response });
  },
};

const gemini = {
  name: "gemini",
  context: ["INVALID_ARGUMENT", "The input token count (2500000) exceeds the maximum number of tokens allowed (1048576)."],
  failure: (status, type, message) => ({ error: { code: status, message: status === 401 ? "API key not valid. Please pass a valid API key." : message, status: GRPC[status] ?? type } }),
  streams: (_body, place) => place.includes(":streamGenerateContent"),
  read: (body) => ({
    // What is asked for as JSON is a decision of the agent's own about itself.
    json: body.generationConfig?.responseMimeType === "application/json",
    tools: (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? []).map((one) => ({ name: one.name, schema: one.parametersJsonSchema ?? one.parameters })),
    turns: (body.contents ?? []).map((content) => ({
      user: content.role === "user" ? (content.parts ?? []).map((part) => part.text ?? "").join("\n") : undefined,
      results: (content.parts ?? []).filter((part) => part.functionResponse).length,
    })),
  }),
  whole(body, reply) {
    const json = body.generationConfig?.responseMimeType === "application/json";
    const decision = { reasoning: "test", next_speaker: "user", model_choice: "flash", complexity_reasoning: "test", complexity_score: 1 };
    const parts = json ? [{ text: JSON.stringify(decision) }] : [{ text: reply.text }];
    if (reply.tool && !json) parts.push({ functionCall: { name: reply.tool, args: reply.args } });
    const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 };
    const content = { role: "model", parts: reply.text === "" ? [] : parts };
    return { candidates: [{ content, index: 0, finishReason: "STOP" }], usageMetadata, modelVersion: "test" };
  },
  stream(body, reply, send) {
    send(this.whole(body, reply));
  },
};

const ollama = {
  name: "ollama",
  // Its streams are lines of JSON.
  lines: true,
  context: ["", "the input length exceeds the context length"],
  failure: (_status, _type, message) => ({ error: message }),
  streams: (body) => body.stream !== false,
  read: (body) => ({
    tools: (body.tools ?? []).map((tool) => ({ name: tool.function.name, schema: tool.function.parameters })),
    turns: (body.messages ?? []).map((message) => (message.role === "user" ? { user: message.content } : { results: message.role === "tool" ? 1 : 0 })),
  }),
  whole(body, reply) {
    const calls = reply.tool ? { tool_calls: [{ function: { name: reply.tool, arguments: reply.args } }] } : {};
    const message = { role: "assistant", content: reply.text, ...calls };
    return { model: body.model, created_at: "2025-01-01T00:00:00Z", message, done: true, done_reason: "stop", prompt_eval_count: 10, eval_count: 5 };
  },
  stream(body, reply, send) {
    const { message, ...rest } = this.whole(body, reply);
    send({ model: rest.model, created_at: rest.created_at, message, done: false });
    send({ ...rest, message: { role: "assistant", content: "" } });
  },
};

const GRPC = { 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 529: "UNAVAILABLE" };

function openAiFailure(status, type, message, code = null) {
  return { error: { message, type, param: null, code: status === 401 ? "invalid_api_key" : status === 429 ? "rate_limit_exceeded" : code } };
}

function apiOf(place) {
  if (place.endsWith("/messages")) return anthropic;
  if (place.endsWith("/chat/completions")) return chat;
  if (place.endsWith("/api/chat")) return ollama;
  if (place.endsWith("/responses")) return responses;
  if (/:(stream)?generateContent$/i.test(place)) return gemini;
  return undefined;
}

function models() {
  const data = ["test-model", "claude-sonnet-4-5", "gpt-5"].map((id) => ({ id, object: "model", type: "model", display_name: id, created: 1, created_at: "2025-01-01T00:00:00Z", owned_by: "test", context_length: 200000 }));
  return { object: "list", data, models: [], has_more: false };
}

function plain(content) {
  if (typeof content === "string") return content;
  return (content ?? []).filter((part) => part.type === "text" || part.type === "input_text").map((part) => part.text).join("\n");
}

let counter = 0;
function fresh(prefix) {
  counter += 1;
  return `${prefix}_${counter.toString().padStart(12, "0")}`;
}

function parse(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return {};
  }
}

function openStream(response, api) {
  response.writeHead(200, { "content-type": api.lines ? "application/x-ndjson" : "text/event-stream", "cache-control": "no-cache" });
}

function sendJson(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const model = await startModel({ port: Number(process.argv[2] ?? 0), log: process.argv[3] });
  console.log(model.url);
}

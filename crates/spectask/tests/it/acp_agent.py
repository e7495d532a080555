"""An ACP agent for tests. It plays the parts that its arguments name, and writes each message that it gets into a file.

Parts: `key` wants a sign-in with the method `api-key`; `modes` offers modes; `asks` asks before it writes; `terminal` reports
what a command printed beside the call, as Codex does; `mute` answers no prompt until it is cancelled, the first time only;
`idle` does nothing but say that it is done; `image` takes images and contents of files; `draws` sends images; `planner` writes the documents that it is asked for; `wordless` does its work and
sends nothing; `forgets` can load no session;
`full:METHOD:N` finds the disk full at the N-th request of a method.
"""
import base64
import json
import os
import re
import sys

LOG, PARTS = sys.argv[1], set(sys.argv[2:])
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
GIF = base64.b64encode(b"GIF89a rest").decode()
MODES = ["write-all", "read-only", "ask"]
state = {"signed_in": "key" not in PARTS, "sessions": {}, "waiting": {}, "muted": None, "asked": 0}


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def update(session, update_kind, **fields):
    params = {"sessionId": session, "update": {"sessionUpdate": update_kind, **fields}}
    send({"method": "session/update", "params": params})


def say(session, text):
    update(session, "agent_message_chunk", content={"type": "text", "text": text})


def initialize(_):
    takes = {"image": True, "embeddedContext": True} if "image" in PARTS else {}
    return {
        "protocolVersion": 1,
        "agentInfo": {"name": "test-agent", "version": "1.2.3"},
        "agentCapabilities": {"loadSession": True, "sessionCapabilities": {"close": {}}, "promptCapabilities": takes},
        "authMethods": [{"id": "api-key", "name": "Key", "description": "Set TEST_AGENT_API_KEY"}],
    }


def is_full(method):
    with open(LOG) as log:
        count = sum(json.loads(line).get("method") == method for line in log)
    return "full:%s:%d" % (method, count) in PARTS


def open_session(params):
    if not state["signed_in"]:
        raise PermissionError("no key was given")
    session = params.get("sessionId", "s%d" % len(state["sessions"]))
    state["sessions"][session] = params["cwd"]
    answer = {"sessionId": session}
    if "modes" in PARTS:
        modes = [{"id": mode, "name": mode} for mode in MODES]
        answer["modes"] = {"currentModeId": MODES[0], "availableModes": modes}
    return answer


def write(session, prompt):
    """Does the work: the documents or the files that the prompt names, else one note."""
    if "idle" in PARTS:
        return
    named = re.findall(r"Write the file `([^`]+)` with the content `([^`]+)`", prompt)
    if "planner" in PARTS and "- requirements: `" in prompt:
        documents = [(re.search("^- %s: `([^`]+)`" % name, prompt, re.M).group(1), text) for name, text in DOCUMENTS.items()]
        # Who builds only reads them.
        named += [document for document in documents if not os.path.exists(document[0])]
    for path, text in named or [("note.md", "Note")]:
        with open(os.path.join(state["sessions"][session], path), "w") as file:
            file.write(text + "\n")


DOCUMENTS = {
    "requirements": "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE folder SHALL have a note.\n"
    "2. IF it has none, THEN THE folder SHALL say so.",
    "design": "# Design",
    "tasks": "- [ ] 1. Note\n  - _Requirements: 1_",
}


def work(request, session, prompt):
    if "wordless" in PARTS:
        write(session, prompt)
        send({"id": request, "result": {"stopReason": "end_turn"}})
        return
    update(session, "plan", entries=[{"content": "Write the note", "status": "in_progress", "priority": "high"}])
    meta = {"terminal_info": {"terminal_id": "c1"}} if "terminal" in PARTS else {}
    update(session, "tool_call", toolCallId="c1", title="Write the note", kind="execute", status="in_progress", _meta=meta)
    write(session, prompt)
    if "terminal" in PARTS:
        output = {"terminal_id": "c1", "data": "\x1b[32mwrote the note\x1b[0m"}
        update(session, "tool_call_update", toolCallId="c1", _meta={"terminal_output": output})
    image = {"type": "image", "mimeType": "image/png", "data": PNG}
    drawn = {"content": [{"type": "content", "content": image}], "rawOutput": {"content": [image]}} if "draws" in PARTS else {}
    update(session, "tool_call_update", toolCallId="c1", status="completed", **drawn)
    if "draws" in PARTS:
        update(session, "agent_message_chunk", content={**image, "data": GIF, "uri": "file:///tmp/last%20look.gif"}, messageId="m1")
    say(session, "The work is done.")
    send({"id": request, "result": {"stopReason": "end_turn"}})


def prompt(request, params):
    session = params["sessionId"]
    text = "".join(block.get("text", "") for block in params["prompt"])
    state["asked"] += 1
    marker = LOG + ".muted"
    if "mute" in PARTS and not os.path.exists(marker):
        open(marker, "w").close()
        state["muted"] = request
    elif "asks" in PARTS:
        state["waiting"][1000 + state["asked"]] = (request, session, text)
        options = [{"optionId": "yes", "name": "Allow", "kind": "allow_once"}, {"optionId": "no", "name": "Reject", "kind": "reject_once"}]
        call = {"toolCallId": "c1", "title": "Write note.md"}
        send({"id": 1000 + state["asked"], "method": "session/request_permission", "params": {"sessionId": session, "toolCall": call, "options": options}})
    else:
        work(request, session, text)


def answered(message):
    request, session, text = state["waiting"].pop(message["id"])
    outcome = message.get("result", {}).get("outcome", {})
    if outcome.get("optionId") == "yes":
        work(request, session, text)
    else:
        say(session, "I was not allowed to write.")
        send({"id": request, "result": {"stopReason": "cancelled" if outcome.get("outcome") == "cancelled" else "end_turn"}})


def handle(message):
    method, request, params = message.get("method"), message.get("id"), message.get("params", {})
    if method is None:
        answered(message)
    elif is_full(method):
        send({"id": request, "error": {"code": -32603, "message": "write: No space left on device"}})
    elif method == "session/load" and "forgets" in PARTS or method == "session/prompt" and params["sessionId"] not in state["sessions"]:
        send({"id": request, "error": {"code": -32002, "message": "there is no session %s" % params["sessionId"]}})
    elif method == "session/prompt":
        prompt(request, params)
    elif method == "session/cancel":
        if state["muted"] is not None:
            send({"id": state["muted"], "result": {"stopReason": "cancelled"}})
            state["muted"] = None
    elif method == "initialize":
        send({"id": request, "result": initialize(params)})
    elif method == "authenticate":
        state["signed_in"] = params["methodId"] == "api-key" and bool(os.environ.get("TEST_AGENT_API_KEY"))
        send({"id": request, "result": {}})
    elif method in ("session/new", "session/load"):
        try:
            send({"id": request, "result": open_session(params)})
        except PermissionError as error:
            send({"id": request, "error": {"code": -32000, "message": "Authentication required", "data": {"details": str(error)}}})
    elif request is not None:
        send({"id": request, "result": {}})


for line in sys.stdin:
    with open(LOG, "a") as log:
        log.write(line)
    handle(json.loads(line))

"""A server that speaks OpenAI's chat protocol, from a script. It prints its port, and ends with its input.

It answers the last message: a user message that says `delete` gets tool calls, tool results get `Done: …`, all
else gets an echo. A history that a provider would refuse, it refuses too; the model `small` takes six messages.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def text_of(message):
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def problem(messages):
    """What a provider would say against a history."""
    open_calls = []
    before = None
    for message in messages:
        role = message["role"]
        if role == "tool":
            if message["tool_call_id"] not in open_calls:
                return f"no tool call asks for {message['tool_call_id']}"
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return f"tool calls without results: {open_calls}"
        elif role == "assistant":
            open_calls = [call["id"] for call in message.get("tool_calls") or []]
            if before == "assistant":
                return "two messages of the assistant in a row"
        before = role
    return f"tool calls without results: {open_calls}" if open_calls else None


def answer(messages):
    """The text, and the tool calls as (name, arguments)."""
    last = messages[-1]
    if last["role"] == "tool":
        results = []
        for message in reversed(messages):
            if message["role"] != "tool":
                break
            results.insert(0, text_of(message))
        return "Done: " + ", ".join(results), []
    said = text_of(last)
    if said.startswith("delete "):
        calls = [("delete", {"path": path}) for path in said.split()[1:]]
        return "", calls + [("add", {"a": 1, "b": 2})]
    return f"You said: {said[:40]}", []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages = [message for message in request["messages"] if message["role"] != "system"]
        if wrong := problem(messages):
            return self.refuse({"message": wrong})
        if request["model"] == "small" and len(messages) > 6:
            return self.refuse({"message": "too long", "code": "context_length_exceeded"})
        text, calls = answer(messages)
        deltas = [{"role": "assistant", "content": text}]
        for at, (name, arguments) in enumerate(calls):
            function = {"name": name, "arguments": json.dumps(arguments)}
            call = {"index": at, "id": f"call_{len(messages)}_{at}", "type": "function", "function": function}
            deltas.append({"tool_calls": [call]})
        chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        reason = "tool_calls" if calls else "stop"
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        chunks.append({"choices": [], "usage": usage})
        whole = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": request["model"]}
        lines = [f"data: {json.dumps(whole | chunk)}\n\n" for chunk in chunks]
        self.send(200, "text/event-stream", "".join(lines) + "data: [DONE]\n\n")

    def refuse(self, error):
        self.send(400, "application/json", json.dumps({"error": error}))

    def send(self, status, kind, body):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()

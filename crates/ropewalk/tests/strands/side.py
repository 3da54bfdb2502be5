"""Strands' side of a session.

    python side.py URL

Each line it reads is a JSON list: a folder, and one step there: ["prompt", text], ["answer", answers in the order of
the questions, null for none], ["look", conversation manager]. Each is done by a process of its own, which knows of the session what is on
the disk; Strands is loaded once for all of them. A line with what came of it is printed. Each tool that runs adds a
line to the folder's file `ran`.
"""

import json
import logging
import os
import sys
import traceback
from pathlib import Path

from strands import Agent, tool
from strands.agent import conversation_manager
from strands.hooks import BeforeToolCallEvent, HookProvider
from strands.models.openai import OpenAIModel
from strands.session.file_session_manager import FileSessionManager
from strands.types.session import encode_bytes_values

url = sys.argv[1]
folder = None
logging.disable(logging.WARNING)


def ran(what):
    with open(folder / "ran", "a") as log:
        log.write(f"strands {what}\n")


@tool
def delete(path: str) -> str:
    """Deletes a file.

    Args:
        path: Which one.
    """
    ran(f"delete {path}")
    return f"{path} is gone"


@tool
def add(a: int, b: int) -> str:
    """Adds two numbers.

    Args:
        a: One.
        b: The other.
    """
    ran("add")
    return str(a + b)


class Approve(HookProvider):
    def register_hooks(self, registry, **kwargs):
        registry.add_callback(BeforeToolCallEvent, self.before)

    def before(self, event):
        if event.tool_use["name"] == "delete":
            answer = event.interrupt("approve", reason=event.tool_use["input"]["path"])
            if answer != "yes":
                event.cancel_tool = "not approved"


def asked(agent):
    state = agent._interrupt_state
    return [question for question in state.interrupts.values() if state.activated and question.response is None]


def do(step, argument=None):
    manager = argument if step == "look" and argument else "SlidingWindowConversationManager"
    agent = Agent(
        conversation_manager=getattr(conversation_manager, manager)(),
        model=OpenAIModel(client_args={"base_url": url, "api_key": "none"}, model_id="scripted"),
        tools=[delete, add],
        hooks=[Approve()],
        agent_id="default",
        session_manager=FileSessionManager("s", storage_dir=str(folder / "sessions")),
        callback_handler=None,
    )
    if step == "prompt":
        agent.state.set("strands", (agent.state.get("strands") or 0) + 1)
        agent(argument)
    elif step == "answer":
        agent([
            {"interruptResponse": {"interruptId": question.id, "response": response}}
            for question, response in zip(asked(agent), argument)
            if response is not None
        ])
    return {
        "messages": encode_bytes_values(agent.messages),
        "asked": [question.to_dict() for question in asked(agent)],
        "state": agent.state.get(),
    }


for line in sys.stdin:
    if (child := os.fork()) == 0:
        try:
            folder, step = json.loads(line)
            folder = Path(folder)
            came = do(*step)
        except Exception:
            came = {"failed": traceback.format_exc()}
        print(json.dumps(came), flush=True)
        os._exit(0)
    os.waitpid(child, 0)

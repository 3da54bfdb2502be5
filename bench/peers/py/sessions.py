"""What it costs to keep a conversation, and to have it again."""
import os
import tempfile

from strands import Agent
from strands.models.openai import OpenAIModel
from strands.session.file_session_manager import FileSessionManager

from common import KEY, SERVER, VALUES, Timing, report

SAID = "the quick brown fox jumps over the lazy dog, twice over the lazy dog"
LENGTHS = {"at_10": 10, "at_1k": 1_000, "at_10k": 10_000}
MEASURED = 200
OPENED = 5


def session():
    folder = tempfile.mkdtemp(prefix="sessions-", dir=VALUES.get("dir"))
    model = OpenAIModel(client_args={"base_url": SERVER, "api_key": KEY}, model_id="bench")

    def opened():
        manager = FileSessionManager(session_id="s", storage_dir=folder)
        return manager, Agent(model=model, agent_id="a", session_manager=manager, callback_handler=None)

    manager, agent = opened()
    kept = 0

    def keep():
        nonlocal kept
        message = {"role": "assistant" if kept % 2 else "user", "content": [{"text": f"message {kept}: {SAID}"}]}
        agent.messages.append(message)
        # What its hooks do for a message.
        manager.append_message(message, agent)
        manager.sync_agent(agent)
        kept += 1

    figures = {}
    for name, length in LENGTHS.items():
        while kept < length:
            keep()
        timing = Timing()
        for _ in range(MEASURED):
            with timing:
                keep()
        figures[name] = timing.micros()
    timing = Timing()
    for _ in range(OPENED):
        with timing:
            _, again = opened()
    took = timing.micros()
    files, size = written(folder)
    # The files stay: who started this program removes them when all is measured.
    report(
        restore_us=took["median_us"], restore_cpu_us=took["cpu_us"], messages=len(again.messages), files=files,
        bytes=size, **figures,
    )


def written(folder):
    paths = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    return len(paths), sum(os.path.getsize(path) for path in paths)

"""A model in the process."""
from strands.models.model import Model

import common


class Scripted(Model):
    """Calls the tool so many times, then says a word."""

    def __init__(self, calls):
        self.calls = calls

    def update_config(self, **_):
        pass

    def get_config(self):
        return {"model_id": "bench"}

    async def structured_output(self, *_, **__):
        raise NotImplementedError
        yield

    async def stream(self, *_, **__):
        done = common.CALLS.count
        yield {"messageStart": {"role": "assistant"}}
        if done < self.calls:
            use = {"name": "add", "toolUseId": f"call_{done:08}"}
            yield {"contentBlockStart": {"start": {"toolUse": use}}}
            for piece in ['{"a":1,', '"b":2}']:
                yield {"contentBlockDelta": {"delta": {"toolUse": {"input": piece}}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "tool_use"}}
        else:
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": "word "}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "end_turn"}}
        usage = {"inputTokens": 10, "outputTokens": 1, "totalTokens": 11}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 0}}}

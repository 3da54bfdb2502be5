"""What a dispatch costs."""
import asyncio
import statistics
import time

from strands.hooks import BeforeInvocationEvent, HookRegistry

from agents import Agents
from common import report

COUNTS = [0, 1, 10, 50]
DISPATCHES = 20_000
ROUNDS = 7


def hooks():
    event = BeforeInvocationEvent(agent=Agents().agent())
    figures = {}
    for count in COUNTS:
        registry = of(count, lambda event: None)
        figures[f"sync_{count}"] = timed(count, lambda: registry.invoke_callbacks(event))
        figures[f"async_{count}"] = asyncio.run(later(count, of(count, nothing), event))
    report(**figures)


async def nothing(event):
    pass


def of(count, callback):
    registry = HookRegistry()
    for _ in range(count):
        registry.add_callback(BeforeInvocationEvent, callback)
    return registry


def timed(count, dispatch):
    times = DISPATCHES // (count + 1)
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            dispatch()
        rounds.append((time.process_time() - start) / times * 1e9)
    return statistics.median(rounds)


async def later(count, registry, event):
    times = DISPATCHES // (count + 1)
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            await registry.invoke_callbacks_async(event)
        rounds.append((time.process_time() - start) / times * 1e9)
    return statistics.median(rounds)

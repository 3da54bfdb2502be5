"""The workloads of an agent; those of the programs in Rust are the same."""
import asyncio
import gc

import common
from agents import Agents, idle_tools
from common import Timing, check, number, report


def cycles(count):
    return f"BENCH loop={count} tokens=1"


def cold():
    answer = Agents().agent()(cycles(0))
    check(answer, 0)
    # Whoever started this program looks at when its first line comes.
    print("FIRST", flush=True)
    report()


def rounds(scripted=False):
    count, agents, timing = number("n", 100), Agents(), Timing()

    async def go():
        for _ in range(number("reps", 6)):
            common.CALLS.forget()
            agent = agents.agent(model(scripted, count))
            with timing:
                answer = await agent.invoke_async(cycles(count))
            check(answer, count)

    asyncio.run(go())
    report(cycles=count, **timing.figures())


def history():
    count, timing = number("n", 1000), Timing()
    agent = Agents().agent(model(common.VALUES.get("model") == "process", count))

    async def go():
        with timing:
            return await agent.invoke_async(cycles(count))

    check(asyncio.run(go()), count)
    report(cycles=count, marks=common.CALLS.since(timing.start), **timing.figures())


def stream():
    tokens, flush, agents, timing = number("tokens", 20_000), number("flush", 0), Agents(), Timing()

    async def go():
        for _ in range(number("reps", 6)):
            agent, pieces = agents.agent(), 0
            with timing:
                async for event in agent.stream_async(f"BENCH loop=0 tokens={tokens} flush={flush}"):
                    pieces += "data" in event
            if pieces != tokens:
                raise SystemExit(f"{pieces} pieces came in place of {tokens}")

    asyncio.run(go())
    report(tokens=tokens, pieces=tokens, **timing.figures())


def concurrent():
    count, each, agents, timing = number("agents", 500), number("cycles", 5), Agents(), Timing()

    async def go():
        for _ in range(number("reps", 6)):
            common.CALLS.forget()
            with timing:
                made = [agents.agent() for _ in range(count)]
                await asyncio.gather(*(agent.invoke_async(cycles(each)) for agent in made))
            if common.CALLS.count != count * each:
                raise SystemExit(f"{common.CALLS.count} tool calls in place of {count * each}")

    asyncio.run(go())
    report(agents=count, cycles=each, **timing.figures())


def idle():
    count, agents, timing, tools = number("agents", 1000), Agents(), Timing(), idle_tools()
    shared = agents.model()

    def make(at):
        messages = []
        for turn in range(2):
            question = f"question {at} {turn} about the weather in some city"
            answer = f"answer {at} {turn}: it is sunny and twenty degrees"
            messages.append({"role": "user", "content": [{"text": question}]})
            messages.append({"role": "assistant", "content": [{"text": answer}]})
        return agents.agent(shared, tools, messages)

    # The first one brings what all share.
    kept = [make(count)]
    gc.collect()
    before = common.status_kb("VmRSS")
    with timing:
        kept.extend(make(at) for at in range(count))
    gc.collect()
    report(agents=count, before_kb=before, after_kb=common.status_kb("VmRSS"), **timing.figures())


def model(scripted, calls):
    """The model in the process; none if the server is asked."""
    if not scripted:
        return None
    from scripted import Scripted

    return Scripted(calls)

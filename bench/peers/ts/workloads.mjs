// The workloads of an agent; those of the programs in Rust are the same.
import { Agent, Message, TextBlock } from '@strands-agents/sdk'

import { Scripted, makeAgent, makeModel, makeTool } from './agents.mjs'
import { SYSTEM_PROMPT, Timing, calls, check, number, report, statusKb, values } from './common.mjs'

const cycles = (count) => `BENCH loop=${count} tokens=1`

export async function cold() {
  check(await makeAgent().invoke(cycles(0)), 0)
  // Whoever started this program looks at when its first line comes.
  console.log('FIRST')
  report({})
}

export async function rounds(scripted) {
  const count = number('n', 100)
  const timing = new Timing()
  for (let round = 0; round < number('reps', 6); round++) {
    calls.forget()
    const agent = makeAgent(scripted ? new Scripted(count) : undefined)
    check(await timing.run(() => agent.invoke(cycles(count))), count)
  }
  report({ cycles: count, ...timing.figures() })
}

export async function history() {
  const count = number('n', 1000)
  const timing = new Timing()
  const agent = makeAgent(values.model === 'process' ? new Scripted(count) : undefined)
  check(await timing.run(() => agent.invoke(cycles(count))), count)
  report({ cycles: count, marks: calls.since(timing.start), ...timing.figures() })
}

export async function stream() {
  const tokens = number('tokens', 20_000)
  const timing = new Timing()
  for (let round = 0; round < number('reps', 6); round++) {
    let pieces = 0
    const agent = makeAgent()
    await timing.run(async () => {
      for await (const event of agent.stream(`BENCH loop=0 tokens=${tokens} flush=${number('flush', 0)}`)) {
        const inner = event.type === 'modelStreamUpdateEvent' ? event.event : event
        if (inner.type === 'modelContentBlockDeltaEvent' && inner.delta.type === 'textDelta') pieces++
      }
    })
    if (pieces !== tokens) throw new Error(`${pieces} pieces came in place of ${tokens}`)
  }
  report({ tokens, pieces: tokens, ...timing.figures() })
}

export async function concurrent() {
  const [agents, each] = [number('agents', 500), number('cycles', 5)]
  const timing = new Timing()
  const model = makeModel()
  for (let round = 0; round < number('reps', 6); round++) {
    calls.forget()
    await timing.run(() =>
      Promise.all(Array.from({ length: agents }, () => makeAgent(model).invoke(cycles(each)))))
    if (calls.count !== agents * each) throw new Error(`${calls.count} tool calls in place of ${agents * each}`)
  }
  report({ agents, cycles: each, ...timing.figures() })
}

export async function idle() {
  const agents = number('agents', 1000)
  const tools = Array.from({ length: 5 }, (_, at) => makeTool(`tool${at}`, ({ a, b }) => a + b))
  const model = makeModel()
  const say = (role, text) => new Message({ role, content: [new TextBlock(text)] })
  const make = (at) => {
    const messages = [0, 1].flatMap((turn) => [
      say('user', `question ${at} ${turn} about the weather in some city`),
      say('assistant', `answer ${at} ${turn}: it is sunny and twenty degrees`),
    ])
    return new Agent({ model, tools, messages, printer: false, systemPrompt: SYSTEM_PROMPT })
  }
  // The first one brings what all share.
  const kept = [make(agents)]
  const timing = new Timing()
  collect()
  const before = statusKb('VmRSS')
  await timing.run(() => {
    for (let at = 0; at < agents; at++) kept.push(make(at))
  })
  collect()
  const after = statusKb('VmRSS')
  report({ agents: kept.length - 1, before_kb: before, after_kb: after, ...timing.figures() })
}

function collect() {
  globalThis.gc?.()
  globalThis.gc?.()
}

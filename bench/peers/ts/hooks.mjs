// What a dispatch costs.
import { BeforeInvocationEvent } from '@strands-agents/sdk'

import { makeAgent } from './agents.mjs'
import { median, report, cpuSeconds } from './common.mjs'

const COUNTS = [0, 1, 10, 50]
const DISPATCHES = 50_000
const ROUNDS = 9

export async function hooks() {
  // The package does not export its registry.
  const registry = new URL('./node_modules/@strands-agents/sdk/dist/src/hooks/registry.js', import.meta.url)
  const { HookRegistryImplementation } = await import(registry)
  const event = new BeforeInvocationEvent({ agent: makeAgent(), invocationState: {} })
  const figures = {}
  for (const count of COUNTS) {
    for (const [kind, callback] of [['sync', () => {}], ['async', async () => {}]]) {
      const registry = new HookRegistryImplementation()
      for (let at = 0; at < count; at++) registry.addCallback(BeforeInvocationEvent, callback)
      figures[`${kind}_${count}`] = await timed(count, () => registry.invokeCallbacks(event))
    }
  }
  report(figures)
}

async function timed(count, dispatch) {
  const times = Math.floor(DISPATCHES / (count + 1))
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = cpuSeconds()
    for (let at = 0; at < times; at++) await dispatch()
    rounds.push(((cpuSeconds() - start) / times) * 1e9)
  }
  return median(rounds)
}

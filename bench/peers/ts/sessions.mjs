// What it costs to keep a conversation, and to have it again. With `saveLatestOn: 'message'` the session manager
// writes the whole conversation after each message.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

import { Agent, FileStorage, Message, NullConversationManager, SessionManager, TextBlock } from '@strands-agents/sdk'

import { makeModel } from './agents.mjs'
import { Timing, report, values } from './common.mjs'

const SAID = 'the quick brown fox jumps over the lazy dog, twice over the lazy dog'
const LENGTHS = { at_10: 10, at_1k: 1_000, at_10k: 10_000 }
const MEASURED = 20
const OPENED = 5

export async function session() {
  const folder = fs.mkdtempSync(path.join(values.dir ?? os.tmpdir(), 'sessions-'))
  const open = async () => {
    const storage = { snapshot: new FileStorage(folder) }
    const sessionManager = new SessionManager({ sessionId: 's', storage, saveLatestOn: 'message' })
    const conversationManager = new NullConversationManager()
    const agent = new Agent({ model: makeModel(), printer: false, id: 'a', sessionManager, conversationManager })
    await agent.initialize()
    return [sessionManager, agent]
  }
  const [manager, agent] = await open()
  const say = () => {
    const at = agent.messages.length
    const content = [new TextBlock(`message ${at}: ${SAID}`)]
    agent.messages.push(new Message({ role: at % 2 ? 'assistant' : 'user', content }))
  }
  const figures = {}
  for (const [name, length] of Object.entries(LENGTHS)) {
    while (agent.messages.length < length) say()
    const timing = new Timing()
    for (let at = 0; at < MEASURED; at++) {
      say()
      await timing.run(() => manager.saveSnapshot({ target: agent, isLatest: true }))
    }
    figures[name] = timing.micros()
  }
  const timing = new Timing()
  let messages = 0
  for (let at = 0; at < OPENED; at++) {
    const [, again] = await timing.run(open)
    messages = again.messages.length
  }
  const opened = timing.micros()
  report({
    ...figures, restore_us: opened.median_us, restore_cpu_us: opened.cpu_us, messages, ...written(folder),
  })
}

function written(folder) {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const size = (entry) => fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name)).size
  return { files: files.length, bytes: files.reduce((sum, entry) => sum + size(entry), 0) }
}

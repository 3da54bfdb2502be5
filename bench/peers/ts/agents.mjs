// Agents of Strands.
import { Agent, Model, tool } from '@strands-agents/sdk'
import { OpenAIModel } from '@strands-agents/sdk/models/openai'

import { KEY, SERVER, SYSTEM_PROMPT, calls } from './common.mjs'

export function makeTool(name, callback) {
  const operand = (description) => ({ type: 'integer', description })
  return tool({
    name,
    description: 'Add two integers.',
    inputSchema: {
      type: 'object',
      properties: { a: operand('first operand'), b: operand('second operand') },
      required: ['a', 'b'],
    },
    callback,
  })
}

const add = makeTool('add', ({ a, b }) => {
  calls.called()
  return a + b
})

export function makeModel() {
  const clientConfig = { baseURL: SERVER, maxRetries: 0 }
  return new OpenAIModel({ api: 'chat', apiKey: KEY, modelId: 'bench', clientConfig })
}

export function makeAgent(model = makeModel(), more = {}) {
  return new Agent({ model, tools: [add], printer: false, systemPrompt: SYSTEM_PROMPT, ...more })
}

// A model in the process: it calls the tool so many times, then says a word.
export class Scripted extends Model {
  constructor(count) {
    super()
    this.count = count
  }

  updateConfig() {}

  getConfig() {
    return { modelId: 'bench' }
  }

  async *stream() {
    const done = calls.count
    yield { type: 'modelMessageStartEvent', role: 'assistant' }
    if (done < this.count) {
      const start = { type: 'toolUseStart', name: 'add', toolUseId: `call_${done}` }
      yield { type: 'modelContentBlockStartEvent', start }
      for (const input of ['{"a":1,', '"b":2}']) {
        yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'toolUseInputDelta', input } }
      }
      yield { type: 'modelContentBlockStopEvent' }
      yield { type: 'modelMessageStopEvent', stopReason: 'toolUse' }
    } else {
      yield { type: 'modelContentBlockStartEvent' }
      yield { type: 'modelContentBlockDeltaEvent', delta: { type: 'textDelta', text: 'word ' } }
      yield { type: 'modelContentBlockStopEvent' }
      yield { type: 'modelMessageStopEvent', stopReason: 'endTurn' }
    }
    yield { type: 'modelMetadataEvent', usage: { inputTokens: 10, outputTokens: 1, totalTokens: 11 } }
  }
}

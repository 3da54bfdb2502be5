// What the workloads share: the command line, the clocks, what the tool notes, the line that says what was measured.
import fs from 'node:fs'

export const SERVER = process.env.BENCH_URL ?? 'http://127.0.0.1:8808/v1'
export const KEY = 'sk-bench'
export const SYSTEM_PROMPT = 'You are a bench.'
export const NOT_OFFERED = 3
// How many calls a section has of whose cost something is said.
const SECTION = 100

export const [workload = '', ...pairs] = process.argv.slice(2)
export const values = Object.fromEntries(pairs.map((pair) => pair.split('=')))
export const number = (name, otherwise) => Number(values[name] ?? otherwise)

export const wallSeconds = () => Number(process.hrtime.bigint()) / 1e9
export const cpuSeconds = () => {
  const used = process.cpuUsage()
  return (used.user + used.system) / 1e6
}

export function statusKb(name) {
  const lines = fs.readFileSync('/proc/self/status', 'utf8').split('\n')
  return Number(lines.find((line) => line.startsWith(`${name}:`)).split(/\s+/)[1])
}

export function report(figures) {
  console.log('RESULT ' + JSON.stringify({ ...figures, peak_kb: statusKb('VmHWM') }))
}

export const median = (numbers) => [...numbers].sort((one, other) => one - other)[numbers.length >> 1]

// What runs took, by the clock on the wall and by the processor's.
export class Timing {
  wall = []
  cpu = []

  async run(work) {
    this.start = [wallSeconds(), cpuSeconds()]
    const value = await work()
    this.wall.push(wallSeconds() - this.start[0])
    this.cpu.push(cpuSeconds() - this.start[1])
    return value
  }

  figures() {
    return { wall_s: this.wall, cpu_s: this.cpu }
  }

  micros() {
    const mean = this.wall.reduce((sum, seconds) => sum + seconds, 0) / this.wall.length
    return { median_us: median(this.wall) * 1e6, cpu_us: median(this.cpu) * 1e6, mean_us: mean * 1e6 }
  }
}

// The calls of the tool: how many, and when the first and the last one of each hundred was.
export const calls = {
  count: 0,
  marks: [],
  forget() {
    this.count = 0
    this.marks = []
  },
  called() {
    this.count++
    if (this.count % SECTION <= 1) this.marks.push([this.count, wallSeconds(), cpuSeconds()])
  },
  since([wall, cpu]) {
    return this.marks.map(([call, at, used]) => [call, at - wall, used - cpu])
  },
}

// That the work was done: the tool was called so many times and the word was said.
export function check(answer, expected) {
  if (calls.count !== expected || !String(answer).includes('word')) {
    throw new Error(`${calls.count} tool calls in place of ${expected}, and at last: ${answer}`)
  }
}

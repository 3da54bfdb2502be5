// Strands Agents for TypeScript: `node peer.mjs WORKLOAD [NAME=VALUE…]`, as the programs in Rust. What a workload does
// not need is not imported: a start is as long as that of any program.
import { NOT_OFFERED, workload } from './common.mjs'

const workloads = () => import('./workloads.mjs')

const KNOWN = {
  cold: async () => (await workloads()).cold(),
  loop: async () => (await workloads()).rounds(false),
  inproc: async () => (await workloads()).rounds(true),
  history: async () => (await workloads()).history(),
  stream: async () => (await workloads()).stream(),
  conc: async () => (await workloads()).concurrent(),
  idle: async () => (await workloads()).idle(),
  hooks: async () => (await import('./hooks.mjs')).hooks(),
  session: async () => (await import('./sessions.mjs')).session(),
}

if (!(workload in KNOWN)) process.exit(NOT_OFFERED)
await KNOWN[workload]()

import type { PreparedRequest } from '../execution.ts'
import type { RunningTask } from '../running-tasks.ts'
import type { Task } from '../task.ts'
import type { CeleryWorker } from '../worker.ts'
import { type Command, type ControlledNode, texts } from './command.ts'
import { brokerView, maskedSettings } from './settings-view.ts'
import { queueView, requestView, scheduledView } from './views.ts'

const active: Command = {
  run: ({ worker, node }, { safe }) =>
    worker.requests.active.map((running) => requestView(running.request, node, safe === true, running)),
}
const reserved: Command = {
  run: ({ worker, node }, { safe }) =>
    worker.requests.reserved.map((request) => requestView(request, node, safe === true)),
}
const scheduled: Command = {
  run: ({ worker, node }) => worker.requests.scheduled.map((item) => scheduledView(item, node)),
}
const revoked: Command = { run: (node) => node.revoked.ids }
const registered: Command = { run: ({ worker }, { taskinfoitems }) => registeredTasks(worker, taskinfoitems) }
const conf: Command = { run: (node) => maskedSettings(node.settings) }

/** What `celery inspect` asks, and what nodes ask each other. Names that begin with `dump_` are older ones. */
export const inspectCommands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['ping', { run: () => ({ ok: 'pong' }) }],
  ['stats', { run: stats }],
  ['active', active],
  ['dump_active', active],
  ['reserved', reserved],
  ['dump_reserved', reserved],
  ['scheduled', scheduled],
  ['dump_schedule', scheduled],
  ['revoked', revoked],
  ['dump_revoked', revoked],
  ['registered', registered],
  ['dump_tasks', registered],
  ['conf', conf],
  ['dump_conf', conf],
  ['query_task', { required: ['ids'], run: (node, { ids }) => queryTask(node, new Set(texts(ids))) }],
  ['active_queues', { run: ({ worker }) => [...worker.prefetches.keys()].map(queueView) }],
  ['clock', { run: ({ clock }) => ({ clock: clock.value }) }],
  ['report', { run: (node) => ({ ok: report(node) }) }],
  ['memsample', { run: memorySample }],
  ['memdump', { run: () => `- rss: ${memorySample()}.\n` }],
  ['objgraph', { run: () => ({ error: "ImportError('Requires the objgraph library')" }) }],
  ['hello', { required: ['from_node'], run: (node, args) => hello(node, args['from_node'], args['revoked']) }],
])

function stats({ worker, clock, startedAt, timers, brokerUrl }: ControlledNode): unknown {
  const { userCPUTime, systemCPUTime, maxRSS, minorPageFault, majorPageFault, swappedOut, ...usage } =
    process.resourceUsage()
  const prefetch = worker.prefetches.values().reduce((sum, count) => sum + count, 0)
  return {
    total: Object.fromEntries(worker.totals),
    pid: process.pid,
    clock: String(clock.value),
    uptime: Math.floor((timers.now() - startedAt) / 1000),
    pool: {
      implementation: 'node:event-loop',
      'max-concurrency': worker.concurrency,
      processes: [process.pid],
      'max-tasks-per-child': 'N/A',
      'put-guarded-by-semaphore': false,
      timeouts: [0, 0],
      writes: {},
    },
    broker: brokerView(brokerUrl),
    prefetch_count: prefetch,
    rusage: {
      utime: userCPUTime / 1e6,
      stime: systemCPUTime / 1e6,
      maxrss: maxRSS,
      ixrss: usage.sharedMemorySize,
      idrss: usage.unsharedDataSize,
      isrss: usage.unsharedStackSize,
      minflt: minorPageFault,
      majflt: majorPageFault,
      nswap: swappedOut,
      inblock: usage.fsRead,
      oublock: usage.fsWrite,
      msgsnd: usage.ipcSent,
      msgrcv: usage.ipcReceived,
      nsignals: usage.signalsCount,
      nvcsw: usage.voluntaryContextSwitches,
      nivcsw: usage.involuntaryContextSwitches,
    },
  }
}

function queryTask({ worker, node }: ControlledNode, ids: ReadonlySet<string>): unknown {
  const { active: running, reserved: waiting, scheduled: later } = worker.requests
  const views: Record<string, unknown> = {}
  const view = (state: string, request: PreparedRequest, task?: RunningTask): void => {
    const { id } = request.message.envelope
    if (ids.has(id)) views[id] = [state, requestView(request, node, false, task)]
  }
  for (const request of [...waiting, ...later.map((item) => item.request)]) view('reserved', request)
  for (const task of running) view('active', task.request, task)
  return views
}

function registeredTasks(worker: CeleryWorker, items: unknown): string[] {
  const wanted = texts(items)
  const shown = wanted.length === 0 ? ['exchange', 'routing_key', 'rate_limit'] : wanted
  const known = (task: Task): Readonly<Record<string, unknown>> => ({
    rate_limit: worker.rateLimitOf(task),
    acks_late: task.acksLate ? 'True' : 'False',
    ignore_result: task.ignoreResult ? 'True' : 'False',
    max_retries: task.retryRule.maxRetries,
  })
  return [...worker.tasks.values()]
    .filter(({ name }) => !name.startsWith('celery.'))
    .map((task) => {
      const facts = shown
        .filter((item) => known(task)[item] !== undefined)
        .map((item) => `${item}=${String(known(task)[item])}`)
      return facts.length === 0 ? task.name : `${task.name} [${facts.join(' ')}]`
    })
    .toSorted()
}

function report({ brokerUrl, settings }: ControlledNode): string {
  const lines = Object.entries(maskedSettings({ ...settings, broker_url: brokerUrl ?? 'memory' }))
  const software = `software -> node:${process.versions.node} v8:${process.versions.v8}`
  return [software, `platform -> system:${process.platform} arch:${process.arch}`, '']
    .concat(lines.map(([name, value]) => `${name}: ${JSON.stringify(value) ?? 'null'}`))
    .join('\n')
}

function memorySample(): string {
  return `${(process.memoryUsage.rss() / 2 ** 20).toFixed(2)}MB`
}

/** A node that starts asks all others what is revoked, so that nothing runs there that was revoked here. */
function hello({ node, revoked: known, clock }: ControlledNode, fromNode: unknown, theirs: unknown): unknown {
  if (fromNode === node) return null
  known.addFromWire(theirs)
  return { revoked: known.toWire(), clock: clock.forward() }
}

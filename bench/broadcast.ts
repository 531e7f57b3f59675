/**
 * How long does a notification for everyone take to reach a million devices, how late is an urgent one meanwhile, and does
 * a push of a million cost more than one of ten thousand?
 *
 * `node bench/broadcast.ts [--devices N]`
 */
import { parseArgs } from 'node:util'
import { openedResources } from './support/opened.ts'
import { inhabitantAt, insertPopulation, WATCHED } from './support/population.ts'
import { PushLedger, type Reckoning } from './support/push-ledger.ts'
import { type PushSystem, pushSystem } from './support/push-system.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import { ascending, percentile, type Spread, spreadOf } from './support/spread.ts'
import { counted, figure } from './support/table.ts'
import { memoryLimit, partTable, type PartUse, watchParts } from './support/watched-processes.ts'

const { values } = parseArgs({ options: { devices: { type: 'string', default: '1000000' } } })
const DEVICES = Number(values.devices)
const FEW = 10_000
/** The first warms up. */
const BROADCASTS_TO_FEW = 6
const URGENT_EVERY_MS = 200
const LOOK_EVERY_MS = 200
const LIMIT_MS = 8 * 60_000
const AIM_MIN = 4
const URGENT_LIMIT_MS = 2_000
const COST_LIMIT_TIMES = 1.2
/** The last urgent ones are still under way when the broadcast is done. */
const URGENT_WITHIN_MS = 10_000

interface Broadcast {
  readonly devices: number
  readonly elapsedMs: number
  readonly parts: readonly PartUse[]
  /** As its sender reads it in the end. */
  readonly sent: number
}

interface Measured {
  readonly few: readonly Broadcast[]
  readonly all: Broadcast
  readonly urgentMs: readonly number[]
  readonly urgentLost: number
  readonly reckoning: Reckoning
}

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const pushes = await pushSystem(opened)
  const ledger = new PushLedger()
  await insertPopulation(pushes.databaseUrl, 0, FEW - 1)
  const few: Broadcast[] = []
  for (let turn = 0; turn < BROADCASTS_TO_FEW; turn += 1) few.push(await broadcast(pushes, ledger, FEW))
  await insertPopulation(pushes.databaseUrl, FEW, DEVICES - 1)
  const urgent = sendUrgent(pushes, ledger)
  const all = await broadcast(pushes, ledger, DEVICES)
  const sent = await urgent.stop()
  const arrivals = await arrivalsOf(pushes, sent)
  return findings({
    few: few.slice(1),
    all,
    urgentMs: ascending(
      sent.flatMap(({ id, intendedAtMs }) => (arrivals.has(id) ? [arrivals.get(id)! - intendedAtMs] : [])),
    ),
    urgentLost: sent.filter(({ id }) => !arrivals.has(id)).length,
    reckoning: ledger.reckon(await pushes.fcm.pushes()),
  })
}

/** To everyone there is, until its status says that it is done. */
async function broadcast(pushes: PushSystem, ledger: PushLedger, devices: number): Promise<Broadcast> {
  const endWatch = watchParts(pushes.parts)
  const startedAt = performance.now()
  const id = await pushes.send({
    title: 'Information',
    body: 'Le service sera en maintenance dimanche de 2 h à 4 h.',
    audience: { kind: 'all' },
    priority: 'low',
  })
  let status = await pushes.status(id)
  while (status.state !== 'done') {
    if (performance.now() - startedAt > 2 * LIMIT_MS) throw new Error(`not done: ${JSON.stringify(status)}`)
    await pause(LOOK_EVERY_MS)
    status = await pushes.status(id)
  }
  const elapsedMs = performance.now() - startedAt
  const parts = endWatch()
  for (let place = 0; place < devices; place += 1) ledger.add(id, inhabitantAt(place))
  process.stdout.write(`${counted(devices)} devices in ${figure(elapsedMs / 1_000)} s\n`)
  return { devices, elapsedMs, parts, sent: status.counts.sent }
}

interface UrgentSent {
  readonly id: string
  /** When it was to be sent, milliseconds since 1970 UTC. */
  readonly intendedAtMs: number
}

/** One to a single user at a constant rate, whether or not the ones before were answered. */
function sendUrgent(pushes: PushSystem, ledger: PushLedger): { stop(): Promise<UrgentSent[]> } {
  const startedAtMs = Date.now()
  const sent: Promise<UrgentSent>[] = []
  const sendOne = async (): Promise<UrgentSent> => {
    const intendedAtMs = startedAtMs + (sent.length + 1) * URGENT_EVERY_MS
    const user = inhabitantAt(sent.length % WATCHED)
    const id = await pushes.send({
      title: 'Alerte',
      body: 'Un câble est tombé dans votre rue : ne sortez pas.',
      audience: { kind: 'user', user_id: user.accountId },
      priority: 'urgent',
    })
    ledger.add(id, user)
    return { id, intendedAtMs }
  }
  const timer = setInterval(() => {
    // A late timer catches up; the lateness is in the latency.
    const due = Math.floor((Date.now() - startedAtMs) / URGENT_EVERY_MS)
    while (sent.length < due) sent.push(sendOne())
  }, URGENT_EVERY_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return Promise.all(sent)
    },
  }
}

async function arrivalsOf({ fcm }: PushSystem, sent: readonly UrgentSent[]): Promise<Map<string, number>> {
  const endAt = performance.now() + URGENT_WITHIN_MS
  let arrivals = await fcm.watched()
  while (!sent.every(({ id }) => arrivals.has(id)) && performance.now() < endAt) {
    await pause(LOOK_EVERY_MS)
    arrivals = await fcm.watched()
  }
  return arrivals
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** CPU microseconds per push, of our processes or of the engines too. */
function cost({ parts, devices }: Broadcast, whose: (part: PartUse) => boolean): number {
  const cpuMs = parts.filter(whose).reduce((sum, part) => sum + part.cpuMs, 0)
  return (cpuMs / devices) * 1_000
}

const isOurs = ({ isOurs: ours }: PartUse): boolean => ours
const isOursOrEngine = ({ label }: PartUse): boolean => label !== 'load' && label !== 'FCM simulator'
const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings({ few, all, urgentMs, urgentLost, reckoning }: Measured): Findings {
  const fewCost = spreadOf(few.map((one) => cost(one, isOurs)))
  const times = cost(all, isOurs) / fewCost.median
  const minutes = all.elapsedMs / 60_000
  const [p50, p99, worst] = [50, 99, 100].map((percent) => percentile(urgentMs, percent))
  const wrong = Math.abs(reckoning.accepted - reckoning.arrived) + reckoning.repeated + Math.abs(all.sent - DEVICES)
  return {
    tables: [
      {
        title: 'A notification for everyone',
        columns: ['devices', 'time, s', 'pushes/min', 'CPU µs per push, ours', '… with the engines'],
        rows: [
          [
            counted(FEW),
            shown(spreadOf(few.map(({ elapsedMs }) => elapsedMs / 1_000))),
            shown(spreadOf(few.map(({ elapsedMs }) => (FEW / elapsedMs) * 60_000))),
            shown(fewCost),
            shown(spreadOf(few.map((one) => cost(one, isOursOrEngine)))),
          ],
          [
            counted(DEVICES),
            figure(all.elapsedMs / 1_000),
            figure(DEVICES / minutes),
            figure(cost(all, isOurs)),
            figure(cost(all, isOursOrEngine)),
          ],
        ],
      },
      {
        title: 'Urgent meanwhile: from POST to FCM, in ms',
        columns: ['messages', 'P50', 'P99', 'worst'],
        rows: [[counted(urgentMs.length), figure(p50!), figure(p99!), figure(worst!)]],
      },
      partTable(`Processes, for ${counted(DEVICES)} devices`, all.parts, DEVICES),
    ],
    limits: [
      {
        what: `minutes for ${counted(DEVICES)} devices (aim ${AIM_MIN})`,
        measured: figure(minutes),
        limit: `≤ ${LIMIT_MS / 60_000}`,
        isMet: all.elapsedMs <= LIMIT_MS,
      },
      {
        what: 'urgent meanwhile, P99, ms',
        measured: figure(p99!),
        limit: `≤ ${counted(URGENT_LIMIT_MS)}`,
        isMet: p99! <= URGENT_LIMIT_MS,
      },
      { what: 'urgent messages without a push', measured: counted(urgentLost), limit: '0', isMet: urgentLost === 0 },
      {
        what: `pushes lost or repeated, of ${counted(reckoning.accepted)}`,
        measured: reckoning.isSameSet ? counted(wrong) : `${counted(wrong)}, not the same set`,
        limit: '0, the same set',
        isMet: wrong === 0 && reckoning.isSameSet,
      },
      {
        what: `cost of a push, times that of ${counted(FEW)}`,
        measured: figure(times),
        limit: `≤ ${COST_LIMIT_TIMES}`,
        isMet: times <= COST_LIMIT_TIMES,
      },
      memoryLimit(all.parts),
    ],
    notes: [
      `One phone for each of ${counted(FEW)} customers, to whom ${BROADCASTS_TO_FEW} are sent, the first not counted; then ${counted(DEVICES)} customers. From the POST until the status says done, asked every ${LOOK_EVERY_MS} ms.`,
      `While the large one runs, an urgent message goes to one of ${WATCHED} users every ${URGENT_EVERY_MS} ms, counted from the moment at which it was to be sent; their cost is in that of the large one.`,
      'The cost is the CPU time of the API and both workers; beside it that with PostgreSQL, PgBouncer, RabbitMQ, Redis and the proxy. All of these, the FCM simulator and the load share the cores. Peak memory is since the start.',
      'FCM has the same set as was accepted when both have the same digest over devices and message ids.',
    ],
    raw: { few, all, urgentMs: { p50, p99, worst, messages: urgentMs.length }, urgentLost, reckoning },
  }
}

if (!(DEVICES > FEW)) throw new Error(`--devices takes a whole number above ${FEW}`)
await runBenchmark(
  'broadcast',
  `How long does a notification for everyone take to reach ${counted(DEVICES)} devices, and how late is an urgent one meanwhile?`,
  measure,
)

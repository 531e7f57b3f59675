import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crashRuns } from './crash-runs.ts'
import { crashSystem } from './crash-system.ts'
import type { Fault } from './faults.ts'

/** One of each kind; first the one after which a lease has to end. */
const FAULTS: readonly Fault[] = [
  { kind: 'kill', whom: 'worker 1', at: { point: 'page.pushed', passing: 2 } },
  { kind: 'kill', whom: 'worker 2', at: { point: 'fan-out.stepped', passing: 1 } },
  { kind: 'kill', whom: 'api 1', at: { point: 'notification.stored', passing: 2 } },
  { kind: 'kill engine', whom: 'PostgreSQL' },
  { kind: 'cut', line: 'PgBouncer' },
  { kind: 'line', line: 'FCM', condition: 'slow', forMs: 500 },
  { kind: 'doom', group: 1 },
  { kind: 'FCM', rule: { match: { share: 0.2 }, action: { half_answer: true } }, forMs: 500 },
]

test('whatever is killed, cut or refused, nothing accepted is lost, and only what was under way is repeated', async () => {
  await using crash = await crashSystem()
  const faults = FAULTS.map((fault) => ({ fault, afterMs: 100 }))
  const { lost, unexplained, unexpected, ...report } = await crashRuns(crash, { faults, seed: 3, perSecond: 6 })
  assert.deepEqual({ lost, unexplained, unexpected }, { lost: [], unexplained: [], unexpected: [] })
  assert.ok(report.accepted > 0 && report.sent > 0, JSON.stringify(report))
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crashRuns } from '#test/crash/crash-runs.ts'
import { realSystem } from '#test/support/real-system.ts'

test('kill -9 under load loses nothing that was accepted, and repeats only what may not have arrived', async () => {
  await using system = await realSystem()
  const report = await crashRuns(system, { runs: 3, seed: 3, perSecond: 10 })
  const { accepted, sent, promised, lost, unexplained, unexpected } = report
  assert.deepEqual({ lost, unexplained, unexpected }, { lost: [], unexplained: [], unexpected: [] })
  assert.ok(accepted > 0 && sent === promised, `${sent} of ${promised} pushes of ${accepted} notifications`)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import type { Db } from '#src/database/database.ts'
import { registerGauges } from './gauges.ts'

test('a dependency is up or down; one that is not configured is neither, so that no alert waits for it', async () => {
  const registry = new Registry()
  const dependencies = async () => ({ database: 'ok', broker: 'unavailable', sic: 'not_configured' }) as const
  registerGauges(registry, { db: {} as Db, now: () => 0, streams: () => 0, dependencies })
  const text = await registry.getSingleMetricAsString('dependency_up')
  const samples = text.split('\n').filter((line) => line.startsWith('dependency_up'))
  assert.deepEqual(samples, ['dependency_up{dependency="database"} 1', 'dependency_up{dependency="broker"} 0'])
})

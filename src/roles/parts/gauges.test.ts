import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import type { Db } from '#src/database/database.ts'
import { type GaugeParts, registerGauges } from './gauges.ts'

const parts: GaugeParts = {
  db: {} as Db,
  poolUse: () => ({ busy: 2, idle: 1, waiting: 0 }),
  now: () => 0,
  streams: () => 0,
  dependencies: async () => ({ database: 'ok', broker: 'unavailable', sic: 'not_configured' }),
}

async function samplesOf(metric: string): Promise<string[]> {
  const registry = new Registry()
  registerGauges(registry, parts)
  const text = await registry.getSingleMetricAsString(metric)
  return text.split('\n').filter((line) => line.startsWith(metric))
}

test('a dependency is up or down; one that is not configured is neither, so that no alert waits for it', async () => {
  assert.deepEqual(await samplesOf('dependency_up'), [
    'dependency_up{dependency="database"} 1',
    'dependency_up{dependency="broker"} 0',
  ])
})

test('the pool of the database by what its connections do', async () => {
  assert.deepEqual(await samplesOf('database_pool'), [
    'database_pool{state="busy"} 2',
    'database_pool{state="idle"} 1',
    'database_pool{state="waiting"} 0',
  ])
})

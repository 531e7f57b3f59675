import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Config, ConfigRefused } from '#src/config/load.ts'
import { consumptionSettings } from './consumption-settings.ts'

const settings = (hours: string) =>
  consumptionSettings({
    CONSUMPTION_KEPT_YEARS: '7',
    CONSUMPTION_REFRESH_HOURS: hours,
    CONSUMPTION_REFRESH_PER_MINUTE: '30',
  } as Partial<Config> as Config)

test('years, hours and rate are read; the refresh can be off', () => {
  assert.deepEqual(settings('22:00-04:30'), {
    keptYears: 7,
    refresh: { hours: { from: 1_320, until: 270 }, metersPerMinute: 30 },
  })
  assert.equal(settings('off').refresh, undefined)
})

test('hours that are none are refused by name', () => {
  assert.throws(
    () => settings('at night'),
    (error) => error instanceof ConfigRefused && error.message.includes('CONSUMPTION_REFRESH_HOURS'),
  )
})

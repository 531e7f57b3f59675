import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SourceUnavailable } from '#src/ports/meter-source.ts'
import { MemoryMeterRegister } from '#test/support/memory-meter-register.ts'
import { guardedMeterRegister, SourceGuard } from './guarded-source.ts'

test('a register that fails is left alone for a while, whichever of its questions failed', async () => {
  let now = 0
  const inner = new MemoryMeterRegister()
  const guard = new SourceGuard({
    failuresToOpen: 1,
    pauseMs: 1_000,
    clock: () => now,
    concurrent: 1,
    waitTimeoutMs: 1_000,
  })
  await using register = guardedMeterRegister(inner, guard)
  const isReason = (reason: string) => (error: unknown) => error instanceof SourceUnavailable && error.reason === reason
  for (const ask of [() => register.prepaidSupplies('1'), () => register.postpaidSupplies('1')]) {
    inner.failure = new SourceUnavailable('unreachable')
    await assert.rejects(ask(), isReason('unreachable'))
    inner.failure = undefined
    const { asked } = inner
    await assert.rejects(ask(), isReason('circuit_open'))
    assert.equal(inner.asked, asked)
    now += 1_000
    assert.deepEqual(await ask(), [])
  }
})

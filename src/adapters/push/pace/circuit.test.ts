import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PushOutcome } from '#src/ports/push-gateway.ts'
import { Circuit } from './circuit.ts'

const times = (count: number, outcome: PushOutcome): PushOutcome[] => Array.from({ length: count }, () => outcome)
const SENT: PushOutcome = { state: 'sent', providerId: 'x' }
const lost: PushOutcome = { state: 'retry', reason: 'CONNECTION_LOST', afterMs: 10_000, maybeSent: true }
const expired: PushOutcome = { state: 'retry', reason: 'EXPIRED', afterMs: 10_000, maybeSent: false }
const away = (afterMs = 10_000): PushOutcome => ({ state: 'retry', reason: 'UNAVAILABLE', afterMs, maybeSent: false })

/** The pause that comes of these outcomes, one after the other at the same time. */
const noted = (circuit: Circuit, outcomes: readonly PushOutcome[]): number | undefined =>
  outcomes.map((outcome) => circuit.note(outcome, circuit.generation, 1000)).findLast((pause) => pause !== undefined)

const opened = (afterMs = 10_000): { circuit: Circuit; pauseMs: number | undefined } => {
  const circuit = new Circuit(() => 0.5)
  return {
    circuit,
    pauseMs: noted(circuit, [...times(9, SENT), ...times(11, away(afterMs))]),
  }
}

suite('the circuit before the provider', () => {
  test('opens when more than half of enough answers say unavailable', () => {
    assert.equal(noted(new Circuit(() => 0), times(19, away())), undefined)
    const half = [...times(10, SENT), ...times(10, away())]
    assert.equal(noted(new Circuit(() => 0), half), undefined)
    assert.equal(opened().circuit.isOpen, false)
  })

  test('pauses for Retry-After, else at least ten seconds with jitter', () => {
    assert.equal(opened(90_000).pauseMs, 90_000)
    assert.equal(opened().pauseMs, 12_500)
  })

  test('then lets five through, and all when these were answered', () => {
    const { circuit } = opened()
    circuit.resume()
    for (let probe = 0; probe < 5; probe += 1) {
      assert.equal(circuit.isOpen, true)
      circuit.pass()
    }
    assert.equal(circuit.isOpen, false)
    for (let probe = 0; probe < 4; probe += 1) circuit.note(SENT, circuit.generation, 1000)
    assert.equal(circuit.isOpen, false)
    assert.equal(circuit.note(SENT, circuit.generation, 1000), 0)
    assert.equal(circuit.isOpen, true)
  })

  test('one probe that finds it unavailable, or goes without an answer, pauses again', () => {
    for (const outcome of [away(), lost]) {
      const { circuit } = opened()
      circuit.resume()
      for (let probe = 0; probe < 5; probe += 1) circuit.pass()
      assert.equal(circuit.note(outcome, circuit.generation, 1000), 12_500)
      assert.equal(circuit.isOpen, false)
    }
  })

  test('probes that tell nothing of the provider make room for others, and let nobody else through', () => {
    const { circuit } = opened()
    circuit.resume()
    for (let probe = 0; probe < 5; probe += 1) circuit.pass()
    for (let gone = 0; gone < 20; gone += 1) {
      assert.equal(circuit.isOpen, false)
      assert.equal(circuit.note(gone % 2 === 0 ? expired : undefined, circuit.generation, 1000), 0)
      assert.equal(circuit.isOpen, true)
      circuit.pass()
    }
  })

  test('pushes that tell nothing do not hide that all others find it unavailable', () => {
    assert.equal(noted(new Circuit(() => 0), [...times(100, expired), ...times(20, away())]), 10_000)
  })

  test('one broken connection with all its pushes opens nothing', () => {
    assert.equal(noted(new Circuit(() => 0), times(100, lost)), undefined)
  })

  test('outcomes from before the pause change nothing', () => {
    const { circuit } = opened()
    const before = circuit.generation
    circuit.resume()
    assert.equal(circuit.note(away(), before, 1000), undefined)
    assert.equal(circuit.isOpen, true)
  })

  test('each window is counted anew', () => {
    const circuit = new Circuit(() => 0)
    for (let count = 0; count < 19; count += 1) circuit.note(away(), 0, 1000)
    assert.equal(circuit.note(away(), 0, 11_000), undefined)
  })
})

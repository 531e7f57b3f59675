import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type LinkAct, type LinkState, nextState } from './states.ts'

const ACTS: readonly LinkAct[] = ['ask', 'confirm', 'accept', 'refuse', 'revoke', 'leave']

test('any history keeps to the rules', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ACTS), { maxLength: 30 }), (acts) => {
      let state: LinkState | undefined
      let wasAsked = false
      for (const act of acts) {
        const next = nextState(state, act)
        if (next === undefined) continue
        wasAsked ||= act === 'ask'
        assert.ok(wasAsked, `${act} before anything was asked for`)
        if (next === 'accepted' && state !== 'accepted') {
          assert.ok(state === 'pending' && (act === 'accept' || act === 'confirm'), `${state} ${act}`)
        }
        if (state === 'accepted' && next !== 'accepted') assert.ok(act === 'revoke' || act === 'leave', act)
        if (next === 'refused') assert.equal(state, 'pending')
        if (state === 'refused' || state === 'revoked') assert.equal(act, 'ask')
        state = next
      }
    }),
  )
})

test('every state can be left, and what ended can be asked for anew', () => {
  for (const state of ['pending', 'accepted', 'refused', 'revoked'] as const) {
    assert.ok(
      ACTS.some((act) => ![undefined, state].includes(nextState(state, act))),
      state,
    )
  }
  assert.equal(nextState(undefined, 'accept'), undefined)
  assert.equal(nextState('refused', 'accept'), undefined)
  assert.equal(nextState('accepted', 'ask'), undefined)
})

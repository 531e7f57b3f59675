import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PushOutcome } from '#src/ports/push-gateway.ts'
import { type ProviderHealth, providerHealth } from './provider-health.ts'

const retry = (reason: string, maybeSent = false): PushOutcome => ({
  state: 'retry',
  reason,
  afterMs: 10_000,
  maybeSent,
})

suite('what an outcome says about the provider', () => {
  const outcomes: readonly (readonly [ProviderHealth, readonly (PushOutcome | undefined)[]])[] = [
    [
      'well',
      [
        { state: 'sent', providerId: 'x' },
        { state: 'dead_target', reason: 'UNREGISTERED' },
        { state: 'refused', reason: 'INVALID_ARGUMENT' },
        { ...retry('QUOTA_EXCEEDED'), overQuota: 'project' } as PushOutcome,
      ],
    ],
    [
      'unavailable',
      ['UNAVAILABLE', 'HTTP_503', 'UNREACHABLE', 'TOKEN_ENDPOINT_UNAVAILABLE'].map((reason) => retry(reason)),
    ],
    [
      'unclear',
      [
        ...['TIMEOUT', 'RESET', 'CONNECTION_LOST', 'INTERNAL', 'HTTP_502'].map((reason) => retry(reason, true)),
        retry('NOT_PROCESSED'),
      ],
    ],
    [
      'nothing',
      [
        undefined,
        retry('ABORTED'),
        retry('ABORTED', true),
        ...['EXPIRED', 'CLOSED', 'BUSY'].map((reason) => retry(reason)),
        { state: 'refused', reason: 'PAYLOAD_TOO_BIG' },
      ],
    ],
  ]
  for (const [health, those] of outcomes) {
    test(health, () => {
      for (const outcome of those) assert.equal(providerHealth(outcome), health, JSON.stringify(outcome))
    })
  }
})

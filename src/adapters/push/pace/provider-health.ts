import type { PushOutcome } from '#src/ports/push-gateway.ts'

/**
 * What became of a push, as a word about the provider:
 * - `well`: it took the push, or turned it down for the push's own sake.
 * - `unavailable`: it, or the way to it, is away.
 * - `unclear`: the push left and no clear answer came.
 * - `nothing`: the push's end has to do with its sender alone.
 */
export type ProviderHealth = 'well' | 'unavailable' | 'unclear' | 'nothing'

const UNAVAILABLE = new Set(['UNAVAILABLE', 'HTTP_503', 'UNREACHABLE', 'TOKEN_ENDPOINT_UNAVAILABLE'])

/** No longer wanted before it left, or while it was on its way; too big to leave; no stream of ours free for it. */
const OUR_OWN = new Set(['EXPIRED', 'ABORTED', 'CLOSED', 'PAYLOAD_TOO_BIG', 'BUSY'])

/** The provider left the stream unlooked at, twice: the message is certainly unsent, and it is not well. */
const NOT_TAKEN = 'NOT_PROCESSED'

/** @param outcome undefined when the gateway threw: then it could not be used at all */
export function providerHealth(outcome: PushOutcome | undefined): ProviderHealth {
  if (outcome === undefined) return 'nothing'
  if (outcome.state === 'sent') return 'well'
  if (OUR_OWN.has(outcome.reason)) return 'nothing'
  if (outcome.state !== 'retry') return 'well'
  if (UNAVAILABLE.has(outcome.reason)) return 'unavailable'
  return outcome.maybeSent || outcome.reason === NOT_TAKEN ? 'unclear' : 'well'
}

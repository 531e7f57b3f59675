import { type Push, type PushGateway, PushGatewayUnusable, type PushOutcome } from '#src/ports/push-gateway.ts'

export interface RecorderGateway extends PushGateway {
  /** Every push that was asked for, in order. */
  readonly pushes: readonly Push[]
}

/**
 * Keeps what it is told to send. `script` says what becomes of each push; without it, or where it returns
 * undefined, the push counts as sent.
 */
export function recorderGateway(script?: (push: Push) => PushOutcome | undefined): RecorderGateway {
  const pushes: Push[] = []
  let isClosed = false
  return {
    pushes,
    async send(push, signal) {
      if (isClosed) throw new PushGatewayUnusable('closed', 'no push can be sent any more')
      if (signal?.aborted === true) return { state: 'retry', reason: 'ABORTED', afterMs: 10_000, maybeSent: false }
      pushes.push(push)
      return script?.(push) ?? { state: 'sent', providerId: `recorded/${pushes.length}` }
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
    },
  }
}

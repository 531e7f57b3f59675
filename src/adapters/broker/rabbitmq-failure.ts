import { BrokerRefused, BrokerUnavailable } from '#src/ports/broker.ts'

/**
 * What a failed call means. The library puts AMQP's code on an error when the server closed the channel for that call;
 * without one, the channel or connection went away under it.
 */
export function brokerFailure(error: unknown): BrokerRefused | BrokerUnavailable {
  if (error instanceof BrokerRefused || error instanceof BrokerUnavailable) return error
  const { code, message } = codeAndMessage(error)
  if (typeof code === 'number') return new BrokerRefused(code, message, { cause: error })
  // What cannot be put in a frame: a table above 64 KiB, a number that its field does not hold.
  if (error instanceof RangeError || error instanceof TypeError)
    return new BrokerRefused(502, message, { cause: error })
  return new BrokerUnavailable(message, { cause: error })
}

/** One line for people. Errors of sockets to a name with several addresses have a code and no message. */
export function codeAndMessage(error: unknown): { code: string | number | undefined; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  const { code } = error as Error & { code?: string | number }
  return { code, message: error.message === '' ? String(code ?? error.name) : error.message }
}

/** One request and the ways to answer it, or not to: the same over HTTP/2 and HTTP/1.1. */
export interface Exchange {
  readonly protocol: 'h2' | '1.1'
  readonly method: string
  readonly path: string
  /** Undefined when it was longer than the simulator reads. */
  readonly body: string | undefined
  header(name: string): string | undefined
  /** It is being worked on, however long that takes: a GOAWAY from now on does not disown it. */
  take(): void
  answer(status: number, headers: Readonly<Record<string, string>>, body: string): void
  /** Sends the head and half of the body, then nothing more. */
  answerHalf(status: number, headers: Readonly<Record<string, string>>, body: string): void
  /** Breaks the stream (HTTP/1.1: the connection) without saying whether it was processed. */
  reset(): void
  /** Says that this stream was not processed (HTTP/1.1 cannot: the connection breaks). */
  refuse(): void
  /** Says that this stream and any later one of the connection were not processed, and ends the connection. */
  goaway(): void
}

export type ExchangeHandler = (exchange: Exchange) => void

/** Far above any message that the API accepts; a body beyond it is not kept. */
export const BODY_LIMIT_BYTES = 1_000_000

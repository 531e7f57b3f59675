import { type ClientRequest, type IncomingMessage, request } from 'node:http'

/** One event as it came in. */
export interface ServerEvent {
  readonly event: string
  readonly id: string | undefined
  readonly data: Readonly<Record<string, unknown>>
}

export interface StreamRequest {
  readonly url: string
  readonly token: string
  readonly lastEventId?: string | undefined
}

/** A client of `GET /api/events`, over a connection of its own. */
export class EventStream {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly events: ServerEvent[] = []
  /** Comments that came in. */
  heartbeats = 0
  /** Of what is no stream: its body, once it has ended. */
  body = ''
  lastEventId: string | undefined
  hasEnded = false
  readonly #request: ClientRequest
  readonly #response: IncomingMessage
  readonly #changed = new Set<() => void>()
  #rest = ''

  private constructor(sent: ClientRequest, response: IncomingMessage, lastEventId: string | undefined) {
    this.#request = sent
    this.#response = response
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    this.lastEventId = lastEventId
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#take(text))
    const end = (): void => {
      this.hasEnded = true
      this.#tell()
    }
    response.on('end', end).on('error', end).on('close', end)
  }

  static open({ url, token, lastEventId }: StreamRequest): Promise<EventStream> {
    const { promise, resolve, reject } = Promise.withResolvers<EventStream>()
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const sent = request(`${url}/api/events`, {
      headers: { authorization: `Bearer ${token}`, ...resume },
      agent: false,
    })
    sent.on('error', reject)
    sent.on('response', (response) => resolve(new EventStream(sent, response, lastEventId)))
    sent.end()
    return promise
  }

  /** Waits until it is so; rejects when the stream ends first. */
  async until(isSo: (stream: this) => boolean): Promise<void> {
    while (!isSo(this)) {
      if (this.hasEnded) throw new Error(`the stream ended: ${this.status} ${this.body} ${JSON.stringify(this.events)}`)
      await this.#change()
    }
  }

  /** The first event of this kind, and with these facts, that has come or comes. */
  async event(event: string, facts: Readonly<Record<string, unknown>> = {}): Promise<ServerEvent> {
    const fits = (candidate: ServerEvent): boolean =>
      candidate.event === event && Object.entries(facts).every(([name, value]) => candidate.data[name] === value)
    await this.until(({ events }) => events.some(fits))
    return this.events.find(fits) as ServerEvent
  }

  /** The ids of the notifications shown, in order. */
  get shown(): unknown[] {
    return this.events.filter(({ event }) => event === 'notification').map(({ data }) => data['id'])
  }

  async ended(): Promise<void> {
    while (!this.hasEnded) await this.#change()
  }

  /** Without a word to the server, as when the network goes. */
  cut(): void {
    this.#request.destroy()
  }

  /** Stays connected and reads nothing more. */
  pause(): void {
    this.#response.pause()
  }

  resume(): void {
    this.#response.resume()
  }

  [Symbol.dispose](): void {
    this.cut()
  }

  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#changed.add(resolve)
    return promise
  }

  #tell(): void {
    for (const resolve of this.#changed) resolve()
    this.#changed.clear()
  }

  #take(text: string): void {
    if (this.headers['content-type']?.startsWith('text/event-stream') !== true) {
      this.body += text
      return
    }
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) this.#takeBlock(block)
    this.#tell()
  }

  #takeBlock(block: string): void {
    if (block.startsWith(':')) {
      this.heartbeats += 1
      return
    }
    const lines = block.split('\n')
    const field = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
    const id = field('id')
    this.lastEventId = id ?? this.lastEventId
    const data = JSON.parse(field('data') ?? '{}') as ServerEvent['data']
    this.events.push({ event: field('event') ?? 'message', id, data })
  }
}

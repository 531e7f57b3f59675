import { encodePacket, HEADER_BYTES, PACKET } from './packet.ts'

/** Where an answer's packets go. */
export interface AnswerChannel {
  write(bytes: Buffer): Promise<void>
}

/** One answer on its way to the client: tokens go in, full packets go out, the rest with `end`. */
export class Answer {
  readonly #channel: AnswerChannel
  readonly #room: number
  readonly #processId: number
  #pending: Buffer[] = []
  #pendingBytes = 0
  #packets = 0

  constructor(channel: AnswerChannel, options: { packetBytes: number; processId: number }) {
    this.#channel = channel
    this.#room = options.packetBytes - HEADER_BYTES
    this.#processId = options.processId
  }

  async write(token: Buffer): Promise<void> {
    this.#pending.push(token)
    this.#pendingBytes += token.length
    // One packet's worth stays back: the last packet carries the mark of the end and must not be empty.
    if (this.#pendingBytes > this.#room) await this.#flush(false)
  }

  async end(): Promise<void> {
    await this.#flush(true)
  }

  async #flush(isEnd: boolean): Promise<void> {
    const bytes = Buffer.concat(this.#pending)
    const packets: Buffer[] = []
    let start = 0
    for (; bytes.length - start > this.#room; start += this.#room) {
      packets.push(this.#packet(bytes.subarray(start, start + this.#room), false))
    }
    const rest = bytes.subarray(start)
    if (isEnd) packets.push(this.#packet(rest, true))
    this.#pending = isEnd ? [] : [rest]
    this.#pendingBytes = isEnd ? 0 : rest.length
    await this.#channel.write(Buffer.concat(packets))
  }

  #packet(payload: Buffer, isLast: boolean): Buffer {
    this.#packets += 1
    const packetId = this.#packets
    return encodePacket({ type: PACKET.tabularResult, payload, packetId, isLast, processId: this.#processId })
  }
}

import { ProtocolError } from './bytes.ts'

export const PACKET = {
  sqlBatch: 0x01,
  rpc: 0x03,
  tabularResult: 0x04,
  attention: 0x06,
  transactionManager: 0x0e,
  login7: 0x10,
  prelogin: 0x12,
} as const

/** Bits of a packet's status byte. */
export const STATUS = {
  endOfMessage: 0x01,
  ignore: 0x02,
  resetConnection: 0x08,
  resetConnectionSkipTran: 0x10,
} as const

export const HEADER_BYTES = 8
export const DEFAULT_PACKET_BYTES = 4096
export const LARGEST_PACKET_BYTES = 32_767
/** No statement of a client comes near it; without a limit one connection could eat the memory. */
const LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024

export interface Message {
  readonly type: number
  /** All status bits that its packets had. */
  readonly status: number
  readonly payload: Buffer
}

/** Cuts the stream of bytes into messages, whatever the sizes of packets and network reads. */
export class MessageDecoder {
  #unread: Buffer = Buffer.alloc(0)
  #parts: Buffer[] = []
  #partBytes = 0
  #status = 0
  #type: number | undefined

  /** The messages that `bytes` completed. Throws ProtocolError on anything that is no TDS packet. */
  push(bytes: Buffer): Message[] {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes])
    const messages: Message[] = []
    while (this.#unread.length >= HEADER_BYTES) {
      const length = this.#unread.readUInt16BE(2)
      if (length < HEADER_BYTES || length > LARGEST_PACKET_BYTES) throw new ProtocolError(`packet of ${length} bytes`)
      if (this.#unread.length < length) break
      const message = this.#addPacket(this.#unread.subarray(0, length))
      this.#unread = this.#unread.subarray(length)
      if (message !== undefined) messages.push(message)
    }
    return messages
  }

  #addPacket(packet: Buffer): Message | undefined {
    const type = packet.readUInt8(0)
    const status = packet.readUInt8(1)
    if (this.#type !== undefined && this.#type !== type) throw new ProtocolError(`packet type ${type} inside a message`)
    this.#type = type
    this.#status |= status
    this.#partBytes += packet.length
    if (this.#partBytes > LARGEST_MESSAGE_BYTES) throw new ProtocolError('message too large')
    this.#parts.push(packet.subarray(HEADER_BYTES))
    if ((status & STATUS.endOfMessage) === 0) return undefined
    const message = { type, status: this.#status, payload: Buffer.concat(this.#parts) }
    this.#parts = []
    this.#partBytes = 0
    this.#status = 0
    this.#type = undefined
    return message
  }
}

/** One packet: `payload` must fit the packet size agreed with the client. */
export function encodePacket(options: {
  type: number
  payload: Uint8Array
  packetId: number
  isLast: boolean
  processId: number
}): Buffer {
  const packet = Buffer.allocUnsafe(HEADER_BYTES + options.payload.length)
  packet.writeUInt8(options.type, 0)
  packet.writeUInt8(options.isLast ? STATUS.endOfMessage : 0, 1)
  packet.writeUInt16BE(packet.length, 2)
  packet.writeUInt16BE(options.processId, 4)
  packet.writeUInt8(options.packetId & 0xff, 6)
  packet.writeUInt8(0, 7)
  packet.set(options.payload, HEADER_BYTES)
  return packet
}

/** A whole message in packets of at most `packetBytes`. */
export function encodeMessage(
  type: number,
  payload: Buffer,
  packetBytes = DEFAULT_PACKET_BYTES,
  processId = 0,
): Buffer[] {
  const room = packetBytes - HEADER_BYTES
  const packets: Buffer[] = []
  for (let start = 0; start === 0 || start < payload.length; start += room) {
    const part = payload.subarray(start, start + room)
    const isLast = start + room >= payload.length
    packets.push(encodePacket({ type, payload: part, packetId: packets.length + 1, isLast, processId }))
  }
  return packets
}

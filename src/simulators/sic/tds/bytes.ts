/** What the peer sent does not follow the protocol. The connection is closed: nothing after it can be trusted. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** Reads a message from its start on. Every read past the end is a ProtocolError. TDS is little-endian unless named otherwise. */
export class ByteReader {
  readonly #bytes: Buffer
  #position: number

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes
    this.#position = position
  }

  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  get position(): number {
    return this.#position
  }

  take(length: number): Buffer {
    if (length < 0 || length > this.remaining) throw new ProtocolError(`${length} bytes wanted, ${this.remaining} left`)
    this.#position += length
    return this.#bytes.subarray(this.#position - length, this.#position)
  }

  u8 = (): number => this.take(1).readUInt8()
  u16 = (): number => this.take(2).readUInt16LE()
  u16be = (): number => this.take(2).readUInt16BE()
  i16 = (): number => this.take(2).readInt16LE()
  u32 = (): number => this.take(4).readUInt32LE()
  i32 = (): number => this.take(4).readInt32LE()
  u64 = (): bigint => this.take(8).readBigUInt64LE()
  i64 = (): bigint => this.take(8).readBigInt64LE()

  /** Text in UTF-16 with its length in characters in one byte (B_VARCHAR) or two (US_VARCHAR). */
  shortText = (): string => this.take(this.u8() * 2).toString('utf16le')
  longText = (): string => this.take(this.u16() * 2).toString('utf16le')
  rest = (): Buffer => this.take(this.remaining)
}

/** Grows as it is written to. */
export class ByteWriter {
  #bytes: Buffer
  #length = 0

  constructor(initialSize = 256) {
    this.#bytes = Buffer.allocUnsafe(initialSize)
  }

  get length(): number {
    return this.#length
  }

  /** What was written so far; the writer starts anew. */
  finish(): Buffer {
    const written = this.#bytes.subarray(0, this.#length)
    this.#bytes = Buffer.allocUnsafe(256)
    this.#length = 0
    return written
  }

  u8 = (value: number): number => this.#room(1).writeUInt8(value, this.#advance(1))
  u16 = (value: number): number => this.#room(2).writeUInt16LE(value, this.#advance(2))
  u16be = (value: number): number => this.#room(2).writeUInt16BE(value, this.#advance(2))
  i16 = (value: number): number => this.#room(2).writeInt16LE(value, this.#advance(2))
  u32 = (value: number): number => this.#room(4).writeUInt32LE(value, this.#advance(4))
  u32be = (value: number): number => this.#room(4).writeUInt32BE(value, this.#advance(4))
  i32 = (value: number): number => this.#room(4).writeInt32LE(value, this.#advance(4))
  u64 = (value: bigint): number => this.#room(8).writeBigUInt64LE(value, this.#advance(8))
  i64 = (value: bigint): number => this.#room(8).writeBigInt64LE(value, this.#advance(8))
  f32 = (value: number): number => this.#room(4).writeFloatLE(value, this.#advance(4))
  f64 = (value: number): number => this.#room(8).writeDoubleLE(value, this.#advance(8))
  /** @param size in bytes, at most 6 */
  uint = (value: number, size: number): number => this.#room(size).writeUIntLE(value, this.#advance(size), size)

  bytes(value: Uint8Array): void {
    this.#room(value.length).set(value, this.#advance(value.length))
  }

  utf16(text: string): void {
    this.#room(text.length * 2).write(text, this.#advance(text.length * 2), 'utf16le')
  }

  /** Texts that do not fit their length field are cut: a message is better short than not at all. */
  shortText(text: string): void {
    const fitting = text.slice(0, 0xff)
    this.u8(fitting.length)
    this.utf16(fitting)
  }

  longText(text: string): void {
    const fitting = text.slice(0, 0x7fff)
    this.u16(fitting.length)
    this.utf16(fitting)
  }

  #advance(size: number): number {
    this.#length += size
    return this.#length - size
  }

  #room(size: number): Buffer {
    if (this.#length + size > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    return this.#bytes
  }
}

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { encodeMessage, HEADER_BYTES, PACKET } from './packet.ts'

/**
 * The bytes of one connection, in the clear or through TLS. TDS hides the TLS handshake inside PRELOGIN packets:
 * `clear` → (startTls) → `handshake`: TLS records travel in packets, both ways
 * → (first byte that is no packet) → `tls`: records travel bare
 * → (leaveTls, after a login that alone was to be encrypted) → `clear`.
 */
export class Channel {
  readonly #socket: Socket
  readonly #onBytes: (bytes: Buffer) => void
  #mode: 'clear' | 'handshake' | 'tls' = 'clear'
  #tls: TLSSocket | undefined
  #records: Duplex | undefined
  #handshakeBytes: Buffer = Buffer.alloc(0)

  /** `onBytes` gets what the client said, decrypted. */
  constructor(socket: Socket, onBytes: (bytes: Buffer) => void) {
    this.#socket = socket
    this.#onBytes = onBytes
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
  }

  /** Bytes sent from now on wait for nothing: the client speaks first in a handshake. */
  startTls(secureContext: SecureContext): void {
    this.#mode = 'handshake'
    const records = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _, written) => this.#sendRecords(bytes, written),
      writev: (chunks, written) =>
        this.#sendRecords(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), written),
    })
    this.#records = records
    this.#tls = new TLSSocket(records, { isServer: true, secureContext })
    this.#tls.on('data', (bytes: Buffer) => this.#onBytes(bytes))
    this.#tls.on('error', () => this.#socket.destroy())
  }

  /** Only the login was to be encrypted: what follows is in the clear. */
  leaveTls(): void {
    this.#mode = 'clear'
    this.#tls?.removeAllListeners('data')
    this.#records = undefined
    this.#tls = undefined
  }

  /** Resolves when the network has room for more, or the connection is gone. */
  async write(bytes: Buffer): Promise<void> {
    const target = this.#mode === 'clear' ? this.#socket : this.#tls
    if (target === undefined || this.#socket.destroyed || target.destroyed) return
    if (target.write(bytes)) return
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        target.off('drain', finish)
        this.#socket.off('close', finish)
        resolve()
      }
      target.once('drain', finish)
      this.#socket.once('close', finish)
    })
  }

  #receive(bytes: Buffer): void {
    if (this.#mode === 'clear') this.#onBytes(bytes)
    else if (this.#mode === 'tls') this.#records?.push(bytes)
    else this.#receiveHandshake(bytes)
  }

  #receiveHandshake(bytes: Buffer): void {
    this.#handshakeBytes = Buffer.concat([this.#handshakeBytes, bytes])
    while (this.#handshakeBytes.length > 0) {
      if (this.#handshakeBytes.readUInt8(0) !== PACKET.prelogin) {
        this.#mode = 'tls'
        this.#records?.push(this.#handshakeBytes)
        return
      }
      if (this.#handshakeBytes.length < HEADER_BYTES) return
      const length = this.#handshakeBytes.readUInt16BE(2)
      if (length < HEADER_BYTES) return void this.#socket.destroy()
      if (this.#handshakeBytes.length < length) return
      this.#records?.push(this.#handshakeBytes.subarray(HEADER_BYTES, length))
      this.#handshakeBytes = this.#handshakeBytes.subarray(length)
    }
  }

  #sendRecords(bytes: Buffer, written: (error?: Error | null) => void): void {
    // After the login these are only the farewells of a TLS that the connection has left.
    if (this.#mode === 'clear' || this.#socket.destroyed) return written()
    const packets = this.#mode === 'handshake' ? encodeMessage(PACKET.prelogin, bytes) : [bytes]
    if (this.#socket.write(Buffer.concat(packets))) return written()
    const finish = (): void => {
      this.#socket.off('drain', finish)
      this.#socket.off('close', finish)
      written()
    }
    this.#socket.once('drain', finish)
    this.#socket.once('close', finish)
  }
}

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import fc from 'fast-check'
import { encodeMessage, MessageDecoder, PACKET } from '#src/simulators/sic/tds/packet.ts'
import { connect, LOGIN, PASSWORD, type SicFixture, startSic } from './sic-fixture.ts'

/** The token that begins a welcome; a refusal begins with an error. */
const ENVIRONMENT_CHANGE = 0xe3

/** Whatever bytes come, the server lives: at most the connection that sent them ends. */
suite('random bytes', () => {
  let sic: SicFixture
  before(async () => {
    sic = await startSic('login')
  })
  after(() => sic.close())

  const types = fc.constantFrom(...Object.values(PACKET), 0x07, 0x00, 0xff)
  const payloads = fc.uint8Array({ maxLength: 120 })
  const messages = fc.array(fc.tuple(types, payloads), { minLength: 1, maxLength: 4 })
  const packets = messages.map((list) =>
    Buffer.concat(list.flatMap(([type, payload]) => encodeMessage(type, Buffer.from(payload)))),
  )
  const anything = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    packets,
  )

  /** Sends the bytes and the end of the stream, and waits until the server has closed as well. */
  async function sendAndPart(socket: Socket, bytes: Buffer): Promise<void> {
    const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
    socket.on('error', () => undefined)
    socket.resume()
    socket.end(bytes)
    await closed
  }

  async function open(): Promise<Socket> {
    const socket = connectTcp(sic.server.port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }

  /** Without encryption, through PRELOGIN and LOGIN7. */
  async function openLoggedIn(): Promise<Socket> {
    const socket = await open()
    const decoder = new MessageDecoder()
    const answerTo = async (type: number, payload: Buffer): Promise<Buffer> => {
      socket.write(Buffer.concat(encodeMessage(type, payload)))
      for (;;) {
        const [bytes] = (await once(socket, 'data')) as [Buffer]
        const [message] = decoder.push(bytes)
        if (message !== undefined) return message.payload
      }
    }
    await answerTo(PACKET.prelogin, Buffer.from('0100060001ff02', 'hex'))
    const welcome = await answerTo(PACKET.login7, login())
    assert.equal(welcome.readUInt8(0), ENVIRONMENT_CHANGE)
    return socket
  }

  test('before the login', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => sendAndPart(await open(), bytes)),
      { numRuns: 100 },
    )
    await isAlive()
  })

  test('in place of a TLS handshake', async () => {
    const prelogin = Buffer.concat(encodeMessage(PACKET.prelogin, Buffer.from('0100060001ff01', 'hex')))
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        const socket = await open()
        socket.write(prelogin)
        await once(socket, 'data')
        await sendAndPart(socket, bytes)
      }),
      { numRuns: 100 },
    )
    await isAlive()
  })

  test('after the login', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => sendAndPart(await openLoggedIn(), bytes)),
      { numRuns: 100 },
    )
    await isAlive()
  })

  test('a connection that goes away while its statement runs', async () => {
    const text = Buffer.from('SELECT COUNT(*) FROM types a, types b, types c, types d', 'utf16le')
    const headers = Buffer.from('04000000', 'hex')
    const batch = Buffer.concat(encodeMessage(PACKET.sqlBatch, Buffer.concat([headers, text])))
    for (let round = 0; round < 20; round += 1) {
      const socket = await openLoggedIn()
      socket.write(batch)
      socket.resetAndDestroy()
    }
    await isAlive()
  })

  async function isAlive(): Promise<void> {
    const pool = await connect(sic.server)
    const { recordset } = await pool.query('SELECT COUNT(*) AS n FROM Ventes')
    await pool.close()
    assert.deepEqual(recordset, [{ n: 4 }])
  }
})

function login(): Buffer {
  const texts: [position: number, bytes: Buffer][] = [
    [40, Buffer.from(LOGIN, 'utf16le')],
    [44, Buffer.from(Buffer.from(PASSWORD, 'utf16le').map((byte) => ((byte << 4) | (byte >> 4)) ^ 0xa5))],
    [68, Buffer.from('SIC', 'utf16le')],
  ]
  const fixed = Buffer.alloc(94)
  let offset = fixed.length
  for (const [position, bytes] of texts) {
    fixed.writeUInt16LE(offset, position)
    fixed.writeUInt16LE(bytes.length / 2, position + 2)
    offset += bytes.length
  }
  fixed.writeUInt32LE(offset, 0)
  fixed.writeUInt32LE(0x74000004, 4)
  return Buffer.concat([fixed, ...texts.map(([, bytes]) => bytes)])
}

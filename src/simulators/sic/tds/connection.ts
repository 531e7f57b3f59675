import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { SecureContext } from 'node:tls'
import type { Logger } from '#src/core/logger.ts'
import type { Faults } from '../faults.ts'
import { SqlError } from '../sql-error.ts'
import type { SqlSession } from '../tsql/sql-session.ts'
import type { StatementLog } from '../statement-log.ts'
import { Answer, type AnswerChannel } from './answer.ts'
import { ProtocolError } from './bytes.ts'
import { Channel } from './channel.ts'
import { decodeLogin, type Login, OLDEST_TDS_VERSION } from './login.ts'
import { DEFAULT_PACKET_BYTES, type Message, MessageDecoder, PACKET, STATUS } from './packet.ts'
import { agreedPacketBytes, loginFailed, welcome } from './welcome.ts'
import { type AgreedEncryption, decodePrelogin, type Encryption, encodePrelogin, negotiate } from './prelogin.ts'
import { RequestHandler } from './request-handler.ts'
import * as tokens from './tokens.ts'

export interface ConnectionOptions {
  readonly encryption: Encryption
  readonly secureContext: SecureContext | undefined
  readonly faults: Faults
  readonly statements: StatementLog
  readonly log: Logger
  /** Counts connections; clients see it as their SPID. */
  readonly processId: number
  /** Throws SqlError where the login is wrong. */
  readonly logIn: (login: Login) => Promise<SqlSession>
}

/** Requests that a client may send ahead of their answers; an honest one sends a single one. */
const MOST_WAITING = 64
/** For a client that was turned away to read why and to leave. */
const LEAVE_WITHIN_MS = 2_000
/** A token that no client knows, behind the beginning of a result. */
const MALFORMED = Buffer.from('810100000000000100ffdeadbeef', 'hex')

/**
 * One client's connection, from PRELOGIN to its end: `prelogin` → `login` → `ready` (→ `hung`, by a fault). Messages are answered one after
 * the other; an attention alone overtakes, and cancels what is being answered.
 */
export class Connection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #channel: Channel
  readonly #decoder = new MessageDecoder()
  readonly #waiting: Message[] = []
  readonly #closed = new AbortController()
  #isWorking = false
  #state: 'prelogin' | 'login' | 'ready' | 'hung' = 'prelogin'
  #encryption: AgreedEncryption = 'nothing'
  #packetBytes = DEFAULT_PACKET_BYTES
  #handler: RequestHandler | undefined
  #session: SqlSession | undefined
  #running: AbortController | undefined

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    this.#channel = new Channel(socket, (bytes) => this.#onBytes(bytes))
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #onClose(): void {
    this.#closed.abort()
    this.#running?.abort()
    this.#waiting.length = 0
    // While a request runs, its end closes the session.
    if (!this.#isWorking) this.#closeSession()
  }

  #closeSession(): void {
    const session = this.#session
    this.#session = undefined
    session
      ?.close()
      .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a session was not closed cleanly'))
  }

  #onBytes(bytes: Buffer): void {
    try {
      for (const message of this.#decoder.push(bytes)) this.#onMessage(message)
    } catch (error) {
      this.#giveUp(error)
    }
  }

  #onMessage(message: Message): void {
    // The encryption of a login ends with its last byte, before the answer.
    if (this.#state === 'login' && this.#encryption === 'login') this.#channel.leaveTls()
    if (message.type === PACKET.attention && this.#running !== undefined) {
      this.#running.abort()
      return
    }
    if (this.#waiting.length >= MOST_WAITING) throw new ProtocolError('too many requests at once')
    this.#waiting.push(message)
    if (!this.#isWorking) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isWorking = true
    try {
      for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
        await this.#answer(message)
      }
    } catch (error) {
      this.#giveUp(error)
    } finally {
      this.#isWorking = false
      if (this.#closed.signal.aborted) this.#closeSession()
    }
  }

  /** What does not follow the protocol, or failed in a way that has no answer, ends the connection. */
  #giveUp(error: unknown): void {
    this.#socket.destroy()
    if (this.#closed.signal.aborted) return
    if (error instanceof ProtocolError) this.#options.log.debug({ err: error }, 'a client broke the protocol')
    else this.#options.log.error({ err: error }, 'a connection failed')
  }

  async #answer(message: Message): Promise<void> {
    if (this.#state === 'prelogin') return this.#answerPrelogin(message)
    if (this.#state === 'login') return this.#answerLogin(message)
    // Nothing is ever said again on a connection that hangs.
    if (this.#state === 'ready') await this.#answerRequest(message)
  }

  async #delay(signal: AbortSignal): Promise<void> {
    const { delayMs } = this.#options.faults
    if (delayMs > 0) await delay(delayMs, undefined, { signal }).catch(() => undefined)
  }

  async #answerPrelogin(message: Message): Promise<void> {
    if (message.type !== PACKET.prelogin) throw new ProtocolError(`packet type ${message.type} before prelogin`)
    const { encryption } = decodePrelogin(message.payload)
    const { answer, agreed } = negotiate(encryption, this.#options.encryption)
    const reply = this.#newAnswer(this.#channel)
    await reply.write(encodePrelogin(answer))
    this.#state = 'login'
    if (agreed !== undefined && agreed !== 'nothing') {
      await reply.end()
      if (this.#options.secureContext === undefined) throw new TypeError('encryption without a certificate')
      this.#encryption = agreed
      this.#channel.startTls(this.#options.secureContext)
      return
    }
    await reply.end()
    if (agreed === undefined) await this.#turnAway()
  }

  async #answerLogin(message: Message): Promise<void> {
    if (message.type !== PACKET.login7) throw new ProtocolError(`packet type ${message.type} instead of a login`)
    const login = decodeLogin(message.payload)
    await this.#delay(this.#closed.signal)
    const reply = this.#newAnswer(this.#channel)
    try {
      this.#session = await this.#logIn(login)
    } catch (error) {
      if (!(error instanceof AggregateError || error instanceof SqlError)) throw error
      const problems = error instanceof AggregateError ? (error.errors as SqlError[]) : [error]
      for (const problem of problems) await reply.write(tokens.error(problem))
      await reply.write(tokens.done({ kind: 'statement', isError: true }))
      await reply.end()
      return this.#turnAway()
    }
    await this.#welcome(login, this.#session, reply)
  }

  /** The last word is the client's: one that finds the end of the connection beside the refusal may never read that. */
  async #turnAway(): Promise<void> {
    await delay(LEAVE_WITHIN_MS, undefined, { signal: this.#closed.signal }).catch(() => undefined)
    this.#socket.end()
  }

  async #logIn(login: Login): Promise<SqlSession> {
    if (login.tdsVersion < OLDEST_TDS_VERSION) {
      const message = `The simulator speaks TDS 7.3 and newer; the client asked for 0x${login.tdsVersion.toString(16)}.`
      throw new SqlError(17_836, message, { severity: 20 })
    }
    if (this.#options.faults.refuse === 'logins') throw loginFailed(login.userName)
    return this.#options.logIn(login)
  }

  async #welcome(login: Login, session: SqlSession, reply: Answer): Promise<void> {
    const agreedBytes = agreedPacketBytes(login)
    for (const token of welcome(login, session.database, agreedBytes)) await reply.write(token)
    await reply.end()
    this.#packetBytes = agreedBytes
    this.#state = 'ready'
    this.#handler = new RequestHandler(session, this.#options.statements, login.programName)
  }

  async #answerRequest(message: Message): Promise<void> {
    const handler = this.#handler
    if (handler === undefined) throw new TypeError('a request before the login')
    const { answer: fault } = this.#options.faults
    const captured: Buffer[] = []
    const capture: AnswerChannel = { write: async (bytes) => void captured.push(bytes) }
    const reply = this.#newAnswer(fault === 'whole' ? this.#channel : capture)
    if (isReset(message)) {
      await handler.reset()
      await reply.write(tokens.resetConnectionAck())
    }
    const outcome = await this.#respond(handler, message, reply)
    await reply.end()
    if (fault !== 'whole') await this.#misbehave(fault, Buffer.concat(captured))
    else if (outcome === 'cancelled') await this.#acknowledgeAttention()
    if (outcome === 'fatal') this.#socket.end()
  }

  /** Writes the answer up to its last token. */
  async #respond(handler: RequestHandler, message: Message, reply: Answer): Promise<'done' | 'fatal' | 'cancelled'> {
    if (message.type === PACKET.attention) {
      await reply.write(tokens.done({ kind: 'statement', isAttention: true }))
      return 'done'
    }
    if ((message.status & STATUS.ignore) !== 0) {
      await reply.write(tokens.done({ kind: 'statement', isError: true }))
      return 'done'
    }
    const running = new AbortController()
    this.#running = running
    if (this.#closed.signal.aborted) running.abort()
    let isFatal = false
    try {
      await this.#delay(running.signal)
      isFatal = await handler.respond(message, reply, running.signal)
    } catch (error) {
      if (!running.signal.aborted) throw error
      await reply.write(tokens.done({ kind: 'statement', isError: true }))
    } finally {
      this.#running = undefined
    }
    return running.signal.aborted ? 'cancelled' : isFatal ? 'fatal' : 'done'
  }

  /** In a message of its own, after what there was of the cancelled answer. */
  async #acknowledgeAttention(): Promise<void> {
    const reply = this.#newAnswer(this.#channel)
    await reply.write(tokens.done({ kind: 'statement', isAttention: true }))
    await reply.end()
  }

  async #misbehave(fault: 'hang' | 'die' | 'malformed', whole: Buffer): Promise<void> {
    if (fault === 'malformed') {
      const reply = this.#newAnswer(this.#channel)
      await reply.write(MALFORMED)
      return reply.end()
    }
    await this.#channel.write(whole.subarray(0, Math.floor(whole.length / 2)))
    if (fault === 'die') this.#socket.resetAndDestroy()
    else this.#state = 'hung'
  }

  #newAnswer(channel: AnswerChannel): Answer {
    return new Answer(channel, { packetBytes: this.#packetBytes, processId: this.#options.processId & 0xffff })
  }
}

const isReset = (message: Message): boolean =>
  (message.status & (STATUS.resetConnection | STATUS.resetConnectionSkipTran)) !== 0

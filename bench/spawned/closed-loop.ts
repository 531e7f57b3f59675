/**
 * Asks the same again on each of many kept connections as soon as the answer is there. It speaks HTTP just well enough
 * to count answers, so that on two cores the server is what runs out, not this.
 */
import { connect, type Socket } from 'node:net'
import { answerParent } from '../support/child.ts'
import { cpuOfMs } from '../support/process-cpu.ts'
import { ascending, percentile } from '../support/spread.ts'

export interface ClosedLoop {
  readonly port: number
  readonly serverPid: number
  /** Whole GET requests as they go over the wire, sent in turn by whoever is free. */
  readonly requests: readonly string[]
  readonly connections: number
  readonly warmUpMs: number
  readonly measuredMs: number
}

export interface ClosedLoopResult {
  readonly requestsPerSecond: number
  /** Answers that were not 200, and connections that ended. */
  readonly failures: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** What the server's process used per answer, in all its threads. */
  readonly serverCpuMicros: number
  /** Cores in use over the time: 1 is one core whole. */
  readonly serverCores: number
  readonly generatorCores: number
}

const HEAD_END = '\r\n\r\n'

/** One connection: sends, reads a whole answer, tells, and sends again. */
function runConnection(socket: Socket, next: () => Buffer, done: (isOk: boolean, tookMs: number) => void): void {
  let sentAt = 0
  let missingBytes = 0
  let isOk = false
  const send = (): void => {
    sentAt = performance.now()
    socket.write(next())
  }
  socket.on('data', (chunk) => {
    if (missingBytes === 0) {
      const headEnd = chunk.indexOf(HEAD_END)
      const head = chunk.toString('latin1', 0, headEnd)
      const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
      // Our servers write the head at once; a piece of one would need a buffer that costs more than it shows.
      if (headEnd < 0 || length === undefined) return void socket.destroy(new Error(`not an answer: ${head}`))
      isOk = head.startsWith('HTTP/1.1 200')
      missingBytes = headEnd + HEAD_END.length + Number(length)
    }
    missingBytes -= chunk.length
    if (missingBytes > 0) return
    done(isOk, performance.now() - sentAt)
    send()
  })
  send()
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return socket
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

answerParent(async (load: ClosedLoop): Promise<ClosedLoopResult> => {
  const requests = load.requests.map((request) => Buffer.from(request))
  let sent = 0
  const next = (): Buffer => requests[sent++ % requests.length]!
  const latencies: number[] = []
  let failures = 0
  let isMeasuring = false
  const done = (isOk: boolean, tookMs: number): void => {
    if (!isOk) failures += 1
    else if (isMeasuring) latencies.push(tookMs)
  }
  const sockets: Socket[] = []
  for (let opened = 0; opened < load.connections; opened += 1) sockets.push(await open(load.port))
  for (const socket of sockets) {
    socket.on('error', () => (failures += 1))
    runConnection(socket, next, done)
  }
  await pause(load.warmUpMs)
  const before = { at: performance.now(), server: cpuOfMs(load.serverPid), own: process.cpuUsage() }
  isMeasuring = true
  await pause(load.measuredMs)
  isMeasuring = false
  const elapsedMs = performance.now() - before.at
  const serverMs = cpuOfMs(load.serverPid) - before.server
  const own = process.cpuUsage(before.own)
  for (const socket of sockets) socket.destroy()
  const sorted = ascending(latencies)
  return {
    requestsPerSecond: (sorted.length / elapsedMs) * 1_000,
    failures,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    serverCpuMicros: (serverMs / sorted.length) * 1_000,
    serverCores: serverMs / elapsedMs,
    generatorCores: (own.user + own.system) / 1_000 / elapsedMs,
  }
})

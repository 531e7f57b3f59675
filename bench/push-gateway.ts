/**
 * How many pushes per second does our gateway alone send beside firebase-admin's `sendEach`, the same messages to the
 * same FCM simulator over TLS, near by and with 50 ms of round trip?
 */
import type { PeerOrder } from './spawned/push-firebase-admin.ts'
import type { RelayOrder } from './spawned/push-relay.ts'
import { type Child, startChild } from './support/child.ts'
import { type FcmProcess, startFcmProcess } from './support/fcm-process.ts'
import { openedResources } from './support/opened.ts'
import { peerPackages } from './support/peer-packages.ts'
import { type Findings, runBenchmark } from './support/report.ts'
import type { SendOrder, SendTime } from './support/send-time.ts'
import { ratios, type Spread, spreadOf } from './support/spread.ts'
import { figure } from './support/table.ts'

const ROUNDS = 5
const WARM_UP = 3_000
const PEER = 'firebase-admin 14.5.1'
/** Added to each way: half of the round trip. */
const WAYS = [
  { label: '0 ms', delayMs: 0, messages: 20_000, leastTimes: 1.5 },
  { label: '50 ms', delayMs: 25, messages: 10_000, leastTimes: 2 },
] as const
/** One call after the other, as its manual shows it; and as many connections at a time as we have at most. */
const CALLS_AT_A_TIME = [1, 4] as const

interface Senders {
  readonly ours: Child<SendOrder, SendTime>
  readonly peer: Child<PeerOrder, SendTime>
  readonly packages: string
}

/** In the order of `WAYS`. */
type Round = readonly { readonly ours: SendTime; readonly peers: readonly SendTime[] }[]

async function measure(): Promise<Findings> {
  await using opened = openedResources()
  const packages = await peerPackages('firebase-admin')
  const fcm = opened.use(await startFcmProcess())
  const senders: Senders = {
    packages,
    ours: opened.use(startChild<SendOrder, SendTime>(new URL('spawned/push-gateway-sender.ts', import.meta.url))),
    peer: opened.use(startChild<PeerOrder, SendTime>(new URL('spawned/push-firebase-admin.ts', import.meta.url))),
  }
  const baseUrls: string[] = []
  for (const { delayMs } of WAYS) baseUrls.push(delayMs === 0 ? fcm.baseUrl : await throughRelay(opened, fcm, delayMs))
  await measureRound(fcm, senders, baseUrls, WARM_UP)
  const rounds: Round[] = []
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measureRound(fcm, senders, baseUrls))
  return findings(rounds)
}

async function throughRelay(opened: AsyncDisposableStack, fcm: FcmProcess, delayMs: number): Promise<string> {
  const relay = opened.use(startChild<RelayOrder, number>(new URL('spawned/push-relay.ts', import.meta.url)))
  const port = await relay.ask({ port: Number(new URL(fcm.baseUrl).port), delayMs })
  return `https://127.0.0.1:${port}`
}

async function measureRound(
  fcm: FcmProcess,
  { ours, peer, packages }: Senders,
  baseUrls: readonly string[],
  warmUp?: number,
): Promise<Round> {
  const round = []
  for (const [way, { messages }] of WAYS.entries()) {
    const { credentialsFile, caFile } = fcm
    const order = { baseUrl: baseUrls[way]!, credentialsFile, caFile, first: 0, count: warmUp ?? messages }
    const sent = await sendAll(fcm, order, () => ours.ask(order))
    const peers: SendTime[] = []
    for (const callsAtATime of CALLS_AT_A_TIME) {
      peers.push(await sendAll(fcm, order, () => peer.ask({ ...order, packages, callsAtATime })))
    }
    round.push({ ours: sent, peers })
  }
  return round
}

/** @throws Error unless FCM has got each of them once: a sender that loses some is not faster */
async function sendAll(fcm: FcmProcess, { count }: SendOrder, send: () => Promise<SendTime>): Promise<SendTime> {
  await fcm.clear()
  const time = await send()
  const { by_times: byTimes } = await fcm.pushes()
  if (byTimes[1] === count && time.failures === 0) return time
  throw new Error(`of ${count} pushes ${time.failures} failed, and FCM got ${JSON.stringify(byTimes)} so many times`)
}

const shown = ({ min, median, max }: Spread): string => `${figure(median)} (${figure(min)}–${figure(max)})`

function findings(rounds: readonly Round[]): Findings {
  const measured = WAYS.map((way, place) => {
    const perSecond = (pick: (round: Round[number]) => SendTime): number[] =>
      rounds.map((round) => (way.messages / pick(round[place]!).elapsedMs) * 1_000)
    const cpuMicros = (pick: (round: Round[number]) => SendTime): Spread =>
      spreadOf(rounds.map((round) => (pick(round[place]!).cpuMs / way.messages) * 1_000))
    const row = (label: string, pick: (round: Round[number]) => SendTime): string[] => {
      const times = shown(spreadOf(ratios(ours, perSecond(pick))))
      return [label, shown(spreadOf(perSecond(pick))), shown(cpuMicros(pick)), times]
    }
    const ours = perSecond((round) => round.ours)
    const peers = CALLS_AT_A_TIME.map((_, peer) => (round: Round[number]) => round.peers[peer]!)
    const rows = CALLS_AT_A_TIME.map((calls, peer) => row(`${PEER}, ${callsText(calls)}`, peers[peer]!))
    const table = {
      title: `${way.label} of added round trip`,
      columns: ['sender', 'pushes/s', 'CPU µs per push', 'ours is so many times that'],
      rows: [row('our gateway', (round) => round.ours), ...rows],
    }
    return { ...way, table, times: spreadOf(ratios(ours, perSecond(peers[0]!))) }
  })
  return {
    tables: measured.map(({ table }) => table),
    limits: measured.map(({ label, times, leastTimes }) => ({
      what: `pushes/s at ${label}, times sendEach's`,
      measured: shown(times),
      limit: `≥ ${leastTimes}`,
      isMet: times.median >= leastTimes,
    })),
    notes: [
      `Median of ${ROUNDS} rounds (least–most); in each, every sender sends the same ${WAYS.map(({ label, messages }) => `${figure(messages)} (${label})`).join(' or ')} messages, one after the other, and FCM must have got each exactly once.`,
      `500 pushes are under way at a time for us; one call of sendEach takes 500 messages. The limits are against one call after the other, as its manual has it.`,
      `Each sender, the simulator and the relay that adds the delay (and limits no bandwidth) are processes of their own on the same cores; nobody uses a proxy. ${PEER} opens a connection for each call.`,
    ],
    raw: { rounds },
  }
}

const callsText = (calls: number): string => (calls === 1 ? 'one call after the other' : `${calls} calls at a time`)

await runBenchmark(
  'push-gateway',
  "How many pushes per second does our gateway alone send, beside firebase-admin's sendEach?",
  measure,
)

import assert from 'node:assert/strict'
import type { Db } from '#src/database/database.ts'
import type { Chunk, DeliveryRow, Lease, PageRecord } from '#src/modules/notifications/sending/chunk-store.ts'
import { sqlDueStore } from '#src/modules/notifications/sending/due-deliveries.ts'
import type { Claim } from '#src/modules/notifications/sending/push-page.ts'
import type { RetiredTarget } from '#src/modules/notifications/sending/retire-targets.ts'
import { readSending, type Sending } from '#src/modules/notifications/sending/sending.ts'
import { queueFollowUp, settle } from '#src/modules/notifications/sending/settle.ts'
import { sqlChunkStore } from '#src/modules/notifications/sending/sql-chunk-store.ts'
import type { Verdict } from '#src/modules/notifications/sending/verdict.ts'
import { Chance } from '#test/simulation/chance.ts'
import { type MemoryDevice, MemorySendingStore } from '#test/simulation/memory-sending-store.ts'
import { aMemoryChunk, aMemoryDevice } from '#test/simulation/scenario.ts'

const OPERATIONS = 40
const START_MS = Date.UTC(2026, 2, 15, 10)
const ACCOUNTS = 6

/** The same operations, drawn by lot, on PostgreSQL and on the memory that the simulation sends over: the same answers, the same rows. */
export async function agreeOnSending(db: Db, seed: number): Promise<void> {
  const world = await aWorld(db, seed)
  const run = new Run(db, world, new Chance(seed))
  for (let step = 1; step <= OPERATIONS; step += 1) {
    const [name, stored, remembered] = await run.next()
    assert.deepEqual(stored, remembered, `step ${step} of seed ${seed}: ${name}`)
  }
  assert.deepEqual(await storedRows(db, world.sending.id), rememberedRows(world.memory), `the rows of seed ${seed}`)
}

interface World {
  readonly sending: Sending
  readonly memory: MemorySendingStore
}

type Step = readonly [name: string, stored: unknown, remembered: unknown]

class Run {
  readonly #db: Db
  readonly #world: World
  readonly #chance: Chance
  readonly #read: Chunk[] = []
  readonly #leases: Lease[] = []
  readonly #claims: Claim[][] = []
  readonly #steps: readonly (() => Promise<Step>)[]
  #nowMs = START_MS

  constructor(db: Db, world: World, chance: Chance) {
    this.#db = db
    this.#world = world
    this.#chance = chance
    const often = [() => this.#chunk(), () => this.#take(), () => this.#record(), () => this.#record()]
    const due = [() => this.#claim(), () => this.#recordDue(), () => this.#releaseDue()]
    this.#steps = [...often, ...often, ...due, ...due, () => this.#release(), () => this.#retire(), () => this.#end()]
  }

  next(): Promise<Step> {
    this.#nowMs += this.#chance.between(0, 15_000)
    return this.#chance.pick(this.#steps)()
  }

  get #id(): string {
    return this.#world.sending.id
  }

  async #chunk(): Promise<Step> {
    const { sending, memory } = this.#world
    const number = this.#chance.between(1, 2)
    const [stored, remembered] = [await sqlChunkStore(this.#db).chunk(this.#id, number), memory.chunk(number)]
    if (remembered === undefined) return ['chunk', stored, remembered]
    this.#read.push(remembered)
    const range = { after: remembered.settledThrough, through: remembered.through }
    const devices = await sqlChunkStore(this.#db).devices(sending, range)
    return ['chunk and devices', [stored, devices], [remembered, memory.devicesIn(range)]]
  }

  async #take(): Promise<Step> {
    const chunk = this.#some(this.#read)
    if (chunk === undefined) return this.#chunk()
    const first = { sendingThrough: this.#account(), until: new Date(this.#nowMs + 30_000), devices: 7 }
    const stored = await sqlChunkStore(this.#db).take(this.#id, chunk, first)
    const remembered = this.#world.memory.take(chunk, first, this.#id)
    if (remembered !== undefined) this.#leases.push(remembered)
    return ['take', stored, remembered]
  }

  async #record(): Promise<Step> {
    const { sending, memory } = this.#world
    const lease = this.#some(this.#leases)
    if (lease === undefined) return this.#take()
    const page = this.#page(lease)
    return ['record', await sqlChunkStore(this.#db).record(sending, lease, page), memory.record(lease, page)]
  }

  #page({ number }: Lease): PageRecord {
    const chance = this.#chance
    const chunk = this.#world.memory.chunks[number - 1]
    const after = chunk === undefined || chance.is(0.1) ? this.#account() : chunk.settledThrough
    const through = [this.#account(), chunk?.through ?? ''].find((account) => account > after) ?? after
    const inPage = this.#world.memory.devices.filter(({ accountId }) => accountId > after && accountId <= through)
    const until = new Date(this.#nowMs + 30_000)
    const rest = chance.pick(['done', 'released', { sendingThrough: this.#account(), until }] as const)
    const counts = { sent: chance.between(0, 2), muted: chance.between(0, 1), expired: chance.between(0, 1) }
    const rows = inPage.filter(() => chance.is(0.5)).map((device) => this.#row(device))
    return { after, through, rest, ...counts, rows, now: new Date(this.#nowMs) }
  }

  #row({ deviceId }: MemoryDevice): DeliveryRow {
    const state = this.#chance.pick(['sent', 'failed', 'dead', 'retrying', 'held', 'expired'] as const)
    const isOpen = state === 'retrying' || state === 'held'
    const nextAttemptAt = isOpen ? new Date(this.#nowMs + this.#chance.between(0, 40_000)) : null
    const attempts = state === 'held' ? 0 : this.#chance.between(1, 2)
    const told = { providerId: state === 'sent' ? 'p' : null, reason: state === 'sent' ? null : 'R' }
    const firstTriedAt = new Date(this.#nowMs)
    return { deviceId, state, attempts, firstTriedAt, nextAttemptAt, ...told, maybeDuplicate: this.#chance.is(0.3) }
  }

  async #release(): Promise<Step> {
    const lease = this.#some(this.#leases)
    if (lease === undefined) return this.#take()
    const unknownThrough = this.#chance.is(0.5) ? null : this.#account()
    await sqlChunkStore(this.#db).release(lease, unknownThrough)
    this.#world.memory.release(lease, unknownThrough)
    return ['release', undefined, undefined]
  }

  async #retire(): Promise<Step> {
    const { deviceId, targetKind, target } = this.#chance.pick(this.#world.memory.devices)
    const how = this.#chance.pick(['dead', 'quarantined'] as const)
    const known = this.#chance.is(0.8) ? target : 'another target'
    const retired: RetiredTarget[] = [{ how, deviceId, targetKind, target: known, reason: 'R' }]
    await sqlChunkStore(this.#db).retire(retired, new Date(this.#nowMs))
    this.#world.memory.retire(retired)
    return ['retire', undefined, undefined]
  }

  async #claim(): Promise<Step> {
    const stored = await sqlDueStore(this.#db).claim(this.#id, this.#nowMs)
    const remembered = this.#world.memory.claim(this.#nowMs)
    if (remembered.length > 0) this.#claims.push(remembered)
    return ['claim', byDevice(stored), byDevice(remembered)]
  }

  async #recordDue(): Promise<Step> {
    const claims = this.#some(this.#claims)
    if (claims === undefined) return this.#claim()
    const outcomes = claims.map((claim) => ({ claim, verdict: this.#verdict() }))
    await sqlDueStore(this.#db).record(this.#id, outcomes, new Date(this.#nowMs))
    this.#world.memory.recordDue(outcomes)
    return ['record what was due', undefined, undefined]
  }

  #verdict(): Verdict {
    const chance = this.#chance
    const nextAttemptAt = new Date(this.#nowMs + chance.between(10_000, 60_000))
    return chance.pick<Verdict>([
      { state: 'sent', providerId: 'p' },
      { state: 'dead', reason: 'UNREGISTERED' },
      { state: 'expired', reason: 'R' },
      { state: 'failed', reason: 'R', quarantine: false, maybeArrived: chance.is(0.5) },
      { state: 'retrying', reason: 'R', nextAttemptAt, maybeDuplicate: chance.is(0.5) },
    ])
  }

  async #releaseDue(): Promise<Step> {
    const claims = this.#some(this.#claims)
    if (claims === undefined) return this.#claim()
    await sqlDueStore(this.#db).release(this.#id, claims, new Date(this.#nowMs))
    this.#world.memory.releaseDue(claims, new Date(this.#nowMs))
    return ['release what was due', undefined, undefined]
  }

  /** What tasks do after their pushes; and, seldom, the end before the end. */
  async #end(): Promise<Step> {
    const { sending, memory } = this.#world
    if (this.#chance.is(0.2) && memory.state === 'sending') await this.#cancel()
    await queueFollowUp(this.#db, sending)
    memory.queueFollowUp()
    await settle(this.#db, this.#id, new Date(this.#nowMs))
    memory.settle()
    return ['end', await sqlChunkStore(this.#db).isSending(this.#id), memory.state === 'sending']
  }

  async #cancel(): Promise<void> {
    this.#world.memory.state = 'cancelled'
    await this.#db
      .updateTable('notification')
      .set({ state: 'cancelled', cancelled_at: new Date(this.#nowMs) })
      .where('id', '=', this.#id)
      .execute()
  }

  #account(): string {
    return this.#chance.pick(this.#world.memory.devices).accountId
  }

  #some<T>(list: readonly T[]): T | undefined {
    return list.length === 0 ? undefined : this.#chance.pick(list)
  }
}

const byDevice = (claims: readonly Claim[]): Claim[] => claims.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1))

async function aWorld(db: Db, seed: number): Promise<World> {
  // An account of its own for each seed, in the order of their numbers.
  const id = (number: number): string =>
    `${String(seed).padStart(8, '0')}-0000-4000-8000-${String(number).padStart(12, '0')}`
  const devices: MemoryDevice[] = []
  for (let account = 1; account <= ACCOUNTS; account += 1) {
    for (let number = 1; number <= (account % 3 === 0 ? 2 : 1); number += 1) {
      devices.push(aMemoryDevice(id(account * 10), id(account * 10 + number)))
    }
  }
  const accounts = [...new Set(devices.map(({ accountId }) => accountId))]
  const chunks = [aMemoryChunk(1, id(0), id(30)), aMemoryChunk(2, id(30), id(ACCOUNTS * 10))]
  const memory = new MemorySendingStore(devices, chunks)
  await db
    .insertInto('account')
    .values(
      accounts.map((account, at) => ({
        id: account,
        role: 'customer',
        phone: `+2217${seed * 10 + at + 10 ** 7}`,
        secret_hash: 'none',
      })),
    )
    .execute()
  await db
    .insertInto('device')
    .values(
      devices.map(({ deviceId, accountId, targetKind, target }) => ({
        id: deviceId,
        account_id: accountId,
        platform: 'android' as const,
        target_kind: targetKind,
        target,
      })),
    )
    .execute()
  const at = new Date(START_MS)
  const texts = { type: 'general', title: 't', body: 'b', data: '{}', audience: '{}', priority: 'normal' } as const
  const times = { queued_at: at, visible_at: at, fanned_out_at: at }
  await db
    .insertInto('notification')
    .values({ id: id(999), task_id: id(998), state: 'sending', recipients: ACCOUNTS, ...texts, ...times })
    .execute()
  await db
    .insertInto('notification_recipient')
    .values(accounts.map((account) => ({ notification_id: id(999), account_id: account, visible_at: at })))
    .execute()
  await db
    .insertInto('notification_chunk')
    .values(
      chunks.map(({ number, settledThrough, through }) => ({
        notification_id: id(999),
        number,
        after_account: settledThrough,
        through_account: through,
        settled_through: settledThrough,
      })),
    )
    .execute()
  const sending = await readSending(db, id(999))
  assert.ok(sending !== undefined)
  return { sending, memory }
}

async function storedRows(db: Db, id: string) {
  const chunks = await db
    .selectFrom('notification_chunk')
    .selectAll()
    .where('notification_id', '=', id)
    .orderBy('number')
    .execute()
  const rows = await db
    .selectFrom('delivery')
    .selectAll()
    .where('notification_id', '=', id)
    .orderBy('device_id')
    .execute()
  const followUp = await db
    .selectFrom('outbox')
    .select('not_before')
    .where('key', '=', `follow-up:${id}`)
    .executeTakeFirst()
  return {
    chunks: chunks.map((chunk) => ({
      settledThrough: chunk.settled_through,
      sendingThrough: chunk.sending_through,
      lease: chunk.lease,
      leasedUntil: chunk.leased_until,
      isDone: chunk.done_at !== null,
      devicesLeft: chunk.devices_left,
      sent: chunk.sent,
      muted: chunk.muted,
      expired: chunk.expired,
    })),
    rows: rows.map((row) => ({
      deviceId: row.device_id,
      state: row.state,
      attempts: row.attempts,
      firstTriedAt: row.first_tried_at,
      nextAttemptAt: row.next_attempt_at,
      maybeDuplicate: row.maybe_duplicate,
    })),
    followUpAt: followUp?.not_before,
  }
}

function rememberedRows(memory: MemorySendingStore): Awaited<ReturnType<typeof storedRows>> {
  return {
    chunks: memory.chunks.map(({ number: _number, through: _through, ...chunk }) => chunk),
    rows: [...memory.rows.values()].toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1)),
    followUpAt: memory.followUpAt,
  }
}

import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Db, Tx } from '#src/database/database.ts'
import { notificationErrors } from './errors.ts'

/**
 * An Idempotency-Key belongs to its sender. It is looked up and recorded in the transaction that does the work, so
 * that a crash leaves neither. Meanwhile a lock of that transaction stands for "in flight": whoever cannot have it
 * is told so at once instead of waiting, and a crash frees it with the connection. Only an acceptance is recorded:
 * a refused request stored nothing, and may be sent again when what was wrong is mended.
 */
export interface IdempotentRequest {
  readonly accountId: string
  readonly key: string
  readonly bodyHash: Buffer
}

export type Answer = Readonly<Record<string, string>>

/** Two instances that prune do no harm; keys are promised for 24 hours. */
const KEPT_MS = 48 * 3_600_000

/** Throws `idempotency-key-in-flight` while another transaction works on this key. */
export async function lockIdempotencyKey(tx: Tx, accountId: string, key: string): Promise<void> {
  const number = createHash('sha256').update(`${accountId}\n${key}`).digest().readBigInt64BE()
  const { rows } = await sql<{ locked: boolean }>`
    select pg_try_advisory_xact_lock(${number.toString()}::bigint) as locked`.execute(tx)
  if (rows[0]?.locked !== true) throw notificationErrors.idempotencyKeyInFlight({ retryAfterSeconds: 1 })
}

/** The answer that this request was given before. Throws `idempotency-key-reused` when the key came with another body. */
export async function earlierAnswer(tx: Tx, request: IdempotentRequest): Promise<Answer | undefined> {
  const earlier = await tx
    .selectFrom('idempotency_key')
    .select(['body_hash', 'answer'])
    .where('account_id', '=', request.accountId)
    .where('key', '=', request.key)
    .executeTakeFirst()
  if (earlier === undefined) return undefined
  if (!earlier.body_hash.equals(request.bodyHash)) throw notificationErrors.idempotencyKeyReused()
  return earlier.answer as Answer
}

export async function rememberAnswer(tx: Tx, request: IdempotentRequest, answer: Answer, now: Date): Promise<void> {
  await tx
    .insertInto('idempotency_key')
    .values({
      account_id: request.accountId,
      key: request.key,
      body_hash: request.bodyHash,
      status: 202,
      answer: JSON.stringify(answer),
      created_at: now,
    })
    .execute()
}

/** Forgets keys of two days ago and before; returns how many. */
export async function pruneIdempotencyKeys(db: Db, nowMs: number): Promise<number> {
  const result = await db
    .deleteFrom('idempotency_key')
    .where('created_at', '<', new Date(nowMs - KEPT_MS))
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

/** The same for bodies that mean the same: spaces and the order of fields do not count. */
export function hashBody(body: unknown): Buffer {
  return createHash('sha256').update(canonical(body)).digest()
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join()}}`
}

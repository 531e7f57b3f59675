import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Clock } from '#src/core/clock.ts'
import type { Language } from '#src/core/language.ts'
import type { Tx } from '#src/database/database.ts'
import type { Sms } from '#src/ports/sms.ts'
import { oneTimeCodeErrors } from './errors.ts'
import { CODE_LIFE_MS, COUNTED, MAX_TRIES, waitBeforeNextMs } from './limits.ts'
import { messageOf, type Purpose } from './messages.ts'
import { codeKey, newCode, opensSeal, sealCode } from './sealed-code.ts'

export interface OneTimeCodeParts {
  readonly clock: Clock
  /** Undefined when not configured: steps that need a code are refused. */
  readonly sms: Sms | undefined
  readonly secret: string
}

/** What a code is for, and whose it is. */
export interface CodeSubject {
  readonly accountId: string
  readonly purpose: Purpose
  /** Such as the meter that it opens. */
  readonly subjectId: string
}

/** A code that is stored and has not left yet. It is nowhere else in clear, and must not be logged or answered. */
export interface IssuedCode {
  readonly phone: string
  readonly text: string
  readonly expiresAt: Date
  /** When another one may be asked for, if no longer limit is reached. */
  readonly resendAt: Date
}

export type Verdict =
  | { readonly kind: 'right'; readonly phone: string }
  | { readonly kind: 'wrong'; readonly triesLeft: number }
  | { readonly kind: 'none' }

/**
 * Six digits that prove a phone. Only the newest code of a subject counts: for ten minutes, five tries and one
 * success. The message leaves after the commit of what issued it, from memory, because only a keyed hash is stored;
 * after a crash in between another code has to be asked for.
 */
export class OneTimeCodes {
  readonly #parts: OneTimeCodeParts
  readonly #key: Buffer

  constructor(parts: OneTimeCodeParts) {
    this.#parts = parts
    this.#key = codeKey(parts.secret)
  }

  /** Throws `sms-not-configured`, or `too-many` with Retry-After. */
  async issue(tx: Tx, subject: CodeSubject, phone: string, language: Language): Promise<IssuedCode> {
    if (this.#parts.sms === undefined) throw oneTimeCodeErrors.smsNotConfigured()
    const now = this.#parts.clock()
    await refuseTooMany(tx, subject.accountId, phone, now)
    const [id, code] = [randomUUID(), newCode()]
    const [sentAt, expiresAt] = [new Date(now), new Date(now + CODE_LIFE_MS)]
    await tx
      .insertInto('one_time_code')
      .values({
        id,
        account_id: subject.accountId,
        purpose: subject.purpose,
        subject_id: subject.subjectId,
        phone,
        code_hash: sealCode(this.#key, id, code),
        sent_at: sentAt,
        expires_at: expiresAt,
        spent_at: null,
      })
      .execute()
    const resendAt = new Date(now + waitBeforeNextMs([now], now))
    return { phone, text: messageOf(subject.purpose, language, code), expiresAt, resendAt }
  }

  /**
   * Call it after the commit. Throws `sms-unavailable` when the message did not leave, or may not have: so the code
   * stays good and counts as sent, or a gateway that stutters would lift the limits.
   */
  async deliver({ phone, text, resendAt }: IssuedCode): Promise<void> {
    try {
      await this.#parts.sms?.send({ to: phone, text })
    } catch (error) {
      const waitMs = resendAt.getTime() - this.#parts.clock()
      throw oneTimeCodeErrors.smsUnavailable({
        cause: error,
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000)),
      })
    }
  }

  /**
   * Counts the try, and spends the code when it is right. A transaction that goes on to fail for a wrong code must
   * commit first, or the try is not counted: so this returns its verdict and throws nothing.
   */
  async check(tx: Tx, subject: CodeSubject, code: string): Promise<Verdict> {
    const now = new Date(this.#parts.clock())
    const tried = await tx
      .updateTable('one_time_code')
      .set({ tries: sql`tries + 1` })
      .where('id', '=', newestOf(tx, subject))
      .where('spent_at', 'is', null)
      .where('expires_at', '>', now)
      .where('tries', '<', MAX_TRIES)
      .returning(['id', 'phone', 'code_hash', 'tries'])
      .executeTakeFirst()
    if (tried === undefined) return { kind: 'none' }
    if (!opensSeal(this.#key, tried.id, code, tried.code_hash)) {
      return { kind: 'wrong', triesLeft: MAX_TRIES - tried.tries }
    }
    await tx.updateTable('one_time_code').set({ spent_at: now }).where('id', '=', tried.id).execute()
    return { kind: 'right', phone: tried.phone }
  }
}

/** An earlier code is dead from the moment that a newer one is issued. */
function newestOf(tx: Tx, { accountId, purpose, subjectId }: CodeSubject) {
  return tx
    .selectFrom('one_time_code')
    .select('id')
    .where('account_id', '=', accountId)
    .where('purpose', '=', purpose)
    .where('subject_id', '=', subjectId)
    .orderBy('sent_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
}

async function refuseTooMany(tx: Tx, accountId: string, phone: string, now: number): Promise<void> {
  for (const [column, value] of [
    ['account_id', accountId],
    ['phone', phone],
  ] as const) {
    // Requests at the same moment are counted one after the other, always the account's before the phone's.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`one-time code ${value}`}, 0))`.execute(tx)
    const rows = await tx
      .selectFrom('one_time_code')
      .select('sent_at')
      .where(column, '=', value)
      .orderBy('sent_at', 'desc')
      .limit(COUNTED)
      .execute()
    const waitMs = waitBeforeNextMs(
      rows.map((row) => row.sent_at.getTime()),
      now,
    )
    if (waitMs > 0) throw oneTimeCodeErrors.tooMany({ retryAfterSeconds: Math.ceil(waitMs / 1_000) })
  }
}

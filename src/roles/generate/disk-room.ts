import { statfs } from 'node:fs/promises'
import { isIP } from 'node:net'
import type pg from 'pg'
import { Refusal } from '#src/roles/command.ts'

/** On disk with its share of the indices and of the sums per month, as measured. */
const BYTES_PER_ENTRY = 1_070
const BYTES_PER_CUSTOMER = 1_800
const ENTRIES_PER_MONTH = 1.025
/** Room for the write-ahead log, and for what the database does with it afterwards. */
const MARGIN = 1.5
const GIB = 1024 ** 3

export function bytesNeeded(customers: number, months: number): number {
  const entries = months === 0 ? 0 : (months + 1) * ENTRIES_PER_MONTH
  return customers * (BYTES_PER_CUSTOMER + entries * BYTES_PER_ENTRY)
}

/** The free bytes where the database keeps its data; undefined when that is not for us to see, as on another machine. */
export async function freeBytes(client: pg.Client): Promise<number | undefined> {
  if (!isLoopback(client.host)) return undefined
  try {
    const { rows } = await client.query<{ folder: string }>("select current_setting('data_directory') as folder")
    const { bavail, bsize } = await statfs(rows[0]?.folder ?? '')
    return bavail * bsize
  } catch {
    // Neither a right of every database user, nor a folder that everyone may look into.
    return undefined
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('/') || (isIP(host) !== 0 && /^(127\.|::1$)/.test(host))
}

/** @throws Refusal with the figures when the disk would get too full */
export function refuseTooLarge(needed: number, free: number): void {
  if (needed * MARGIN <= free) return
  throw new Refusal(
    `these customers need about ${gib(needed)} on disk, and with what the database needs to work ${gib(needed * MARGIN)}; ${gib(free)} are free: ask for fewer --customers or --months, or make room`,
  )
}

export function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`
}

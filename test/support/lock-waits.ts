import { sql } from 'kysely'
import type pg from 'pg'
import type { Db } from '#src/database/database.ts'

/** Whether a statement waits for what this connection holds; false when what was to wait has ended without. */
export async function waitsFor(client: pg.Client, waiter: Promise<unknown>, db: Db): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  const blocked = sql<{ waits: boolean }>`
    select exists (select from pg_stat_activity where ${rows[0]?.pid} = any(pg_blocking_pids(pid))) as waits`
  const over = new AbortController()
  void waiter.finally(() => over.abort())
  while (!over.signal.aborted) if ((await blocked.execute(db)).rows[0]?.waits === true) return true
  return false
}

import { sql } from 'kysely'

/** Whether the target of device `d` may be used: its app has reported in since it was set aside, or it never was. */
export const isNotQuarantined = sql<boolean>`not exists (
  select from target_quarantine q
  where q.device_id = d.id and q.target = d.target and (d.target_renewed_at is null or q.since >= d.target_renewed_at)
  offset 0
)`

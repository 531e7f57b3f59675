import type pg from 'pg'
import { seededUuid } from './customer.ts'

const AGENCIES = 20

/** The ids of the made-up agencies, made where they are missing. */
export async function agencyIds(client: pg.Client, seed: string): Promise<string[]> {
  const places = Array.from({ length: AGENCIES }, (_, place) => String(place + 1).padStart(2, '0'))
  const { rows } = await client.query<{ id: string }>(
    `with made as (
       insert into agency (id, code, name, source_name)
       select id::uuid, 'ESSAI-' || place, 'Essai ' || place, 'AGENCE ESSAI ' || place
       from unnest($1::text[], $2::text[]) as made (id, place)
       on conflict (code) do nothing returning id, code
     )
     select id from (select id, code from made union all
       select id, code from agency where code in (select 'ESSAI-' || place from unnest($2::text[]) as place)) every_one
     order by code`,
    [places.map((place) => seededUuid(seed, `agency ${place}`)), places],
  )
  return rows.map((row) => row.id)
}

import type { Tx } from '#src/database/database.ts'

/** The agency that the sources call by this name; they differ in case, accents and spaces. Null for one that we do not have. */
export async function agencyNamed(tx: Tx, sourceName: string | null): Promise<string | null> {
  if (sourceName === null) return null
  const agencies = await tx
    .selectFrom('agency')
    .select(['id', 'source_name'])
    .orderBy('source_name')
    .limit(1_000)
    .execute()
  return agencies.find((agency) => plain(agency.source_name) === plain(sourceName))?.id ?? null
}

function plain(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
}

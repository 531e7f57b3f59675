import type { EntryPages, Export, ExportedEntry, ExportedMeter } from './exported.ts'

/** One object; its list of entries has a line per purchase or bill. */
export async function* jsonOf(about: Export, pages: EntryPages): AsyncGenerator<string> {
  const head = {
    user_id: about.userId,
    from: about.from,
    to: about.to,
    known_from: about.knownFrom,
    unit: 'kWh',
    currency: 'XOF',
    as_of: about.asOf?.toISOString() ?? null,
    stale: about.stale,
    meters: about.meters.map(toMeter),
  }
  yield `${JSON.stringify(head).slice(0, -1)},"entries":[`
  let separator = '\n'
  for (const { id } of about.meters) {
    for await (const page of pages(id)) {
      yield separator + page.map((entry) => JSON.stringify(toEntry(id, entry))).join(',\n')
      separator = ',\n'
    }
  }
  yield '\n]}\n'
}

function toMeter({ id, number, kind, role, asOf }: ExportedMeter) {
  return { meter_id: id, number, kind, role, as_of: asOf?.toISOString() ?? null }
}

function toEntry(meterId: string, { day, occurredAt, reference, number, energyWh, amountXof }: ExportedEntry) {
  return {
    meter_id: meterId,
    date: day,
    occurred_at: occurredAt.toISOString(),
    reference,
    energy_kwh: energyWh / 1_000,
    amount_xof: amountXof,
    number,
  }
}

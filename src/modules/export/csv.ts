import type { EntryPages, Export } from './exported.ts'

const HEADER = 'meter_id,meter_number,kind,date,occurred_at,reference,energy_kwh,amount_xof,number'
const LINE_END = '\r\n'

/** RFC 4180, UTF-8, a line per purchase or bill. */
export async function* csvOf({ meters }: Export, pages: EntryPages): AsyncGenerator<string> {
  yield HEADER + LINE_END
  for (const { id, number, kind } of meters) {
    for await (const page of pages(id)) {
      const lines = page.map((entry) => {
        const told = [field(entry.reference), entry.energyWh / 1_000, entry.amountXof, field(entry.number ?? '')]
        return [id, field(number), kind, entry.day, entry.occurredAt.toISOString(), ...told].join(',')
      })
      yield lines.join(LINE_END) + LINE_END
    }
  }
}

/**
 * Where a cell begins that a spreadsheet would run. The wide forms count where they are taken for the narrow ones; a
 * cell begins also after a semicolon, which is what divides cells to a spreadsheet in French, inside quotes or not.
 */
const FORMULA_STARTS = /(?<=^|[;,|\t\r\n])(?=[ "]*[=+\-@＝＋－＠]|[\t\r\n])/g

/**
 * Text that comes from elsewhere. A spreadsheet would run what begins like a formula, also inside quotes: an
 * apostrophe before it says that it is text.
 */
export function field(text: string): string {
  const safe = text.replaceAll(FORMULA_STARTS, "'")
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

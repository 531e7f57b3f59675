import type { DatedAmount } from '#src/modules/consumption/aggregate.ts'

/** One sum for each day that has entries, in pages. A day may go on in the next page: its sum waits for it. */
export async function* dailySums(pages: AsyncIterable<readonly DatedAmount[]>): AsyncGenerator<DatedAmount[]> {
  let open: DatedAmount | undefined
  for await (const page of pages) {
    const done: DatedAmount[] = []
    for (const { day, energyWh, amountXof } of page) {
      if (open !== undefined && open.day !== day) done.push(open)
      const before: DatedAmount | undefined = open?.day === day ? open : undefined
      open = {
        day,
        energyWh: (before?.energyWh ?? 0) + energyWh,
        amountXof: (before?.amountXof ?? 0) + amountXof,
      }
    }
    yield done
  }
  if (open !== undefined) yield [open]
}

import { readFileSync } from 'node:fs'
import { Value } from 'typebox/value'
import { type Day, isDay } from '#src/core/calendar.ts'
import { Fraction } from './fraction.ts'
import { type ChargesRow, TariffFile, type TariffRow } from './tariff-file-schema.ts'
import type { Tariff, Tranche } from './tariff.ts'

const file = new URL('../../../data/tariffs/senelec.json', import.meta.url)

/** Reads the tariffs that the program comes with. Throws when the file is not what it should be, saying where. */
export function readTariffFile(): Tariff[] {
  return tariffsFrom(JSON.parse(readFileSync(file, 'utf8')))
}

/** The dated tariffs in a file's content: prices joined with the charges of their time. */
export function tariffsFrom(content: unknown): Tariff[] {
  const problems = Value.Errors(TariffFile, content)
  const [first] = problems
  if (first !== undefined || !Value.Check(TariffFile, content)) {
    throw new Error(`tariff file: ${first?.instancePath || '/'} ${first?.message ?? 'is not valid'}`)
  }
  checkSources(content)
  const charges = content.charges.toSorted((a, b) => (a.valid_from < b.valid_from ? -1 : 1))
  const tariffs = content.tariffs.flatMap((row) => datedTariffs(row, laterRowDay(content, row), charges, content))
  const days = tariffs.map((tariff) => `${tariff.class} ${tariff.mode} ${tariff.validFrom}`)
  const repeated = days.find((day, place) => days.indexOf(day) !== place)
  if (repeated !== undefined) throw new Error(`tariff file: ${repeated} stands there twice`)
  return tariffs
}

function checkSources({ sources, charges, tariffs }: TariffFile): void {
  const named = new Set<string>()
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if ('sources' in value && Array.isArray(value.sources)) for (const name of value.sources) named.add(String(name))
    for (const part of Object.values(value)) walk(part)
  }
  walk([charges, tariffs])
  const unknown = [...named].find((name) => sources[name] === undefined)
  if (unknown !== undefined) throw new Error(`tariff file: there is no source ${unknown}`)
  const unused = Object.keys(sources).find((name) => !named.has(name))
  if (unused !== undefined) throw new Error(`tariff file: no figure names the source ${unused}`)
}

function laterRowDay({ tariffs }: TariffFile, row: TariffRow): Day | undefined {
  return tariffs
    .filter((other) => other.class === row.class && other.mode === row.mode && other.valid_from > row.valid_from)
    .map((other) => other.valid_from)
    .toSorted()[0]
}

/** One per time of charges that the row's prices meet, so that a change of either is a tariff of its own. */
function datedTariffs(row: TariffRow, until: Day | undefined, charges: readonly ChargesRow[], content: TariffFile) {
  const first = charges.findLast((charge) => charge.valid_from <= row.valid_from)
  if (first === undefined) throw new Error(`tariff file: ${row.class} of ${row.valid_from} has no charges of its time`)
  const later = charges.filter(
    (charge) => charge.valid_from > row.valid_from && (until === undefined || charge.valid_from < until),
  )
  return [
    toTariff(row, first, row.valid_from, content),
    ...later.map((charge) => toTariff(row, charge, charge.valid_from, content)),
  ]
}

function toTariff(row: TariffRow, charges: ChargesRow, validFrom: Day, { sources }: TariffFile): Tariff {
  if (!isDay(validFrom)) throw new Error(`tariff file: ${validFrom} is no day of the calendar`)
  const isConfirmed = row.tranches.every(({ price_xof }) =>
    price_xof.sources.some((name) => sources[name]?.kind !== 'community'),
  )
  return {
    class: row.class,
    mode: row.mode,
    validFrom,
    source: row.decision,
    isConfirmed,
    tranches: tranchesOf(row, charges),
    tcoRate: Fraction.parse(charges.tco_rate.value),
    tvaRate: Fraction.parse(charges.tva_rate.value),
    tvaAboveKwh: row.tva_above_kwh.value === null ? undefined : Fraction.of(row.tva_above_kwh.value),
    redevanceXof: {
      single: Number(charges.redevance_xof.single.value),
      three: Number(charges.redevance_xof.three.value),
    },
    leastPurchaseXof: Number(charges.least_purchase_xof.value),
    stampDutyAboveXof: Number(charges.stamp_duty_above_xof.value),
  }
}

function tranchesOf(row: TariffRow, charges: ChargesRow): Tranche[] {
  const where = `${row.class} ${row.mode} of ${row.valid_from}`
  const ends = row.tranches.map((tranche) => tranche.up_to_kwh)
  const starts = [0, ...ends.slice(0, -1)]
  const isOrdered = starts.every((start, place) => {
    const end = ends[place]
    return start !== null && (end === null ? place === ends.length - 1 : end !== undefined && end > start)
  })
  if (!isOrdered || ends.at(-1) !== null)
    throw new Error(`tariff file: the tranches of ${where} must rise and end open`)
  const taxedFrom = row.tva_above_kwh.value
  if (taxedFrom !== null && !starts.includes(taxedFrom)) {
    throw new Error(`tariff file: the TVA of ${where} must begin where a tranche begins`)
  }
  return row.tranches.map(({ up_to_kwh, price_xof }, place) => {
    const start = starts[place] ?? 0
    return {
      number: place + 1,
      fromKwh: Fraction.of(start),
      toKwh: up_to_kwh === null ? undefined : Fraction.of(up_to_kwh),
      priceXof: Fraction.parse(price_xof.value),
      tcoRate: Fraction.parse(charges.tco_rate.value),
      tvaRate: taxedFrom === null || start < taxedFrom ? Fraction.zero : tvaOnPrice(charges),
    }
  })
}

/** A tax on the TCO as well is a higher one on the price. */
function tvaOnPrice({ tva_rate, tva_base, tco_rate }: ChargesRow): Fraction {
  const rate = Fraction.parse(tva_rate.value)
  return tva_base.value === 'energy' ? rate : rate.times(Fraction.of(1).plus(Fraction.parse(tco_rate.value)))
}

import { createHash } from 'node:crypto'
import { daysBetween, startOf } from '#src/core/calendar.ts'
import type { DatedAmount } from '#src/modules/consumption/aggregate.ts'
import type { DayRange } from '#src/modules/consumption/range.ts'
import type { EntryPages, Export, ExportedMeter } from './exported.ts'
import { dailySums } from './daily-sums.ts'

const DAY_SECONDS = 86_400
/** Of the numbers that the schema calls Int48. */
const INT48_MAX = 140_737_488_355_327
/** The schema counts costs in hundred-thousandths of the currency. */
const COST_UNITS_PER_XOF = 100_000
/** ISO 4217. */
const XOF = 952
/** The value that says "no daylight saving". */
const NO_RULE = 'FFFFFFFF'

/**
 * Green Button: an Atom feed of NAESB ESPI resources. A reading is the sum of a day on which something was bought or
 * billed, as purchases and bills count whole on their day. A block of readings begins where data are kept, as earlier
 * ones are missing, not nothing; meters of which nothing is known have none.
 */
export async function* espiOf(about: Export, pages: EntryPages, madeAt: Date): AsyncGenerator<string> {
  const updated = (about.asOf ?? madeAt).toISOString()
  const customer = `RetailCustomer/${about.userId}`
  const meterIds = about.meters.map(({ id }) => id)
  yield `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>urn:uuid:${nameUuid(about.userId, `feed ${about.from} ${about.to} ${meterIds.join(' ')}`)}</id>
<title>Consommation d’électricité</title>
<updated>${updated}</updated>
<author><name>SamaConso</name></author>
<link rel="self" href="${customer}/UsagePoint"/>
${localTime(about.userId, updated)}${dailyEnergy(about.userId, updated)}`
  const known = { from: about.from < about.knownFrom ? about.knownFrom : about.from, to: about.to }
  for (const meter of about.meters) yield* meterEntries(meter, known, pages, { customer, updated })
  yield '</feed>\n'
}

interface Surroundings {
  readonly customer: string
  readonly updated: string
}

async function* meterEntries(
  meter: ExportedMeter,
  range: DayRange,
  pages: EntryPages,
  { customer, updated }: Surroundings,
): AsyncGenerator<string> {
  const point = `${customer}/UsagePoint/${meter.id}`
  const reading = `${point}/MeterReading/1`
  const related = { up: `${customer}/UsagePoint`, self: point, related: [`${point}/MeterReading`, LOCAL_TIME] }
  const kind = '<ServiceCategory><kind>0</kind></ServiceCategory>'
  yield entry(meter.id, meter.number, updated, related, `<UsagePoint xmlns="${ESPI}">${kind}</UsagePoint>`)
  if (meter.asOf === undefined || range.from >= range.to) return
  const readingLinks = {
    up: `${point}/MeterReading`,
    self: reading,
    related: [`${reading}/IntervalBlock`, READING_TYPE],
  }
  yield entry(nameUuid(meter.id, 'reading'), '', updated, readingLinks, `<MeterReading xmlns="${ESPI}"/>`)
  const blockId = nameUuid(meter.id, `block ${range.from} ${range.to}`)
  yield entryStart(blockId, '', updated, { up: `${reading}/IntervalBlock`, self: `${reading}/IntervalBlock/1` })
  yield `<IntervalBlock xmlns="${ESPI}">${interval('interval', range.from, daysBetween(range.from, range.to))}`
  for await (const days of dailySums(pages(meter.id))) yield days.map(intervalReading).join('')
  yield `\n</IntervalBlock>${entryEnd(updated)}`
}

const ESPI = 'http://naesb.org/espi'
const LOCAL_TIME = 'LocalTimeParameters/1'
const READING_TYPE = 'ReadingType/1'

/** Electricity that was delivered, per day, in watt-hours. */
function dailyEnergy(userId: string, updated: string): string {
  const content = `<ReadingType xmlns="${ESPI}"><accumulationBehaviour>4</accumulationBehaviour>\
<commodity>1</commodity><currency>${XOF}</currency><dataQualifier>12</dataQualifier><flowDirection>1</flowDirection>\
<intervalLength>${DAY_SECONDS}</intervalLength><kind>12</kind><powerOfTenMultiplier>0</powerOfTenMultiplier>\
<timeAttribute>0</timeAttribute><uom>72</uom></ReadingType>`
  const links = { up: 'ReadingType', self: READING_TYPE }
  return entry(nameUuid(userId, 'reading type'), 'kWh, XOF', updated, links, content)
}

function localTime(userId: string, updated: string): string {
  const rules = `<dstEndRule>${NO_RULE}</dstEndRule><dstOffset>0</dstOffset><dstStartRule>${NO_RULE}</dstStartRule>`
  const content = `<LocalTimeParameters xmlns="${ESPI}">${rules}<tzOffset>0</tzOffset></LocalTimeParameters>`
  const links = { up: 'LocalTimeParameters', self: LOCAL_TIME }
  return entry(nameUuid(userId, 'local time'), 'Africa/Dakar', updated, links, content)
}

function intervalReading({ day, energyWh, amountXof }: DatedAmount): string {
  const cost = int48('cost', amountXof * COST_UNITS_PER_XOF)
  return `\n<IntervalReading>${cost}${interval('timePeriod', day, 1)}${int48('value', energyWh)}</IntervalReading>`
}

/** Nothing for a number that the schema cannot hold: one that was cut to its size would be believed. */
function int48(name: string, value: number): string {
  return Math.abs(value) <= INT48_MAX ? `<${name}>${value}</${name}>` : ''
}

function interval(name: string, from: string, days: number): string {
  const start = startOf(from).getTime() / 1_000
  return `<${name}><duration>${days * DAY_SECONDS}</duration><start>${start}</start></${name}>`
}

interface Links {
  readonly self: string
  readonly up: string
  readonly related?: readonly string[]
}

function entry(id: string, title: string, updated: string, links: Links, content: string): string {
  return entryStart(id, title, updated, links) + content + entryEnd(updated)
}

function entryStart(id: string, title: string, updated: string, { self, up, related = [] }: Links): string {
  const links = [link('self', self), link('up', up), ...related.map((href) => link('related', href))].join('')
  const published = `<published>${updated}</published>`
  return `<entry><id>urn:uuid:${id}</id>${links}<title>${escaped(title)}</title>${published}\n<content type="application/xml">`
}

const entryEnd = (updated: string): string => `</content>\n<updated>${updated}</updated></entry>\n`
const link = (rel: string, href: string): string => `<link rel="${rel}" href="${href}"/>`

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

/** Characters that no XML can hold are left out, which the control characters of old systems are. */
function escaped(text: string): string {
  return text.replaceAll(
    /[&<>"\r]|[^\t\n\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu,
    (character) => ENTITIES[character] ?? '',
  )
}

/** The same for the same thing, so that whoever imports two exports sees one meter. RFC 9562, version 5. */
function nameUuid(within: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(within.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

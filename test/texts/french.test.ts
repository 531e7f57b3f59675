import assert from 'node:assert/strict'
import { glob } from 'node:fs/promises'
import { suite, test } from 'node:test'
import type { FastifyError } from 'fastify'
import { Type } from 'typebox'
import { definedErrors } from '#src/core/errors.ts'
import { validationProblem, validatorCompiler } from '#src/http/validation.ts'
import { espiOf } from '#src/modules/export/espi.ts'
import { type LinkEvent, noticeOf } from '#src/modules/meters/links/notices.ts'
import { NOTIFICATION_TYPES } from '#src/modules/notifications/types.ts'
import { Fraction } from '#src/modules/tariffs/fraction.ts'
import { frenchPhrases } from '#src/modules/tariffs/phrases-fr.ts'
import type { Phrases } from '#src/modules/tariffs/phrases.ts'
import { readTariffFile } from '#src/modules/tariffs/tariff-file.ts'
import { frenchFaults } from '#test/support/french.ts'

/** Text messages are not here: they keep the signs of their own alphabet. */

function holds(texts: Iterable<string>): void {
  const faulty = [...texts].flatMap((text) => frenchFaults(text).map((fault) => `${fault}: ${text}`))
  assert.deepEqual(faulty, [])
}

suite('what people read in French is written as French is', () => {
  test('errors', async () => {
    const root = new URL('../..', import.meta.url)
    for await (const file of glob('src/**/errors.ts', { cwd: root })) await import(new URL(file, root).href)
    assert.ok(definedErrors.size > 50)
    holds([...definedErrors.values()].map(({ text }) => text.fr))
  })

  test('what is told of an invalid value, with its bounds', () => holds(invalidFields()))

  test('notices of meters', () => {
    const notices = Object.values(EVENTS).map((event) => noticeOf(event, '310000001'))
    holds(notices.flatMap(({ title, body }) => [title.fr, body.fr]))
  })

  test('names of types of notifications', () => holds(Object.values(NOTIFICATION_TYPES).map(({ label }) => label.fr)))

  test('explanations of prices', () => {
    const { length } = Object.keys(SPOKEN)
    assert.equal(length, Object.keys(frenchPhrases).length)
    holds(Object.values(SPOKEN).flat())
  })

  test('sources of prices', () => holds(readTariffFile().map(({ source }) => source.fr)))

  test('the title of an export', async () => {
    const range = { from: '2026-01-01', to: '2026-02-01', knownFrom: '2026-01-01' }
    const about = { ...range, userId: 'u', meters: [], asOf: undefined, stale: false }
    let feed = ''
    for await (const text of espiOf(about, () => assert.fail('of no meter'), new Date(0))) feed += text
    const title = /<title>(Consommation[^<]*)<\/title>/.exec(feed)?.[1]
    assert.ok(title !== undefined)
    holds([title])
  })
})

/** Of every keyword that a schema of ours may have, what a value that breaks it is answered. */
function invalidFields(): string[] {
  const list = (minItems: number) => Type.Array(Type.Integer(), { minItems, maxItems: 1_000 })
  const schema = Type.Object(
    {
      missing: Type.Null(),
      text: Type.String(),
      whole: Type.Integer(),
      number: Type.Number(),
      yes: Type.Boolean(),
      object: Type.Object({}),
      list: list(0),
      nothing: Type.Null(),
      day: Type.String({ format: 'date' }),
      instant: Type.String({ format: 'date-time' }),
      id: Type.String({ format: 'uuid' }),
      address: Type.String({ format: 'uri' }),
      choice: Type.String({ enum: ['a', 'b'] }),
      constant: Type.Literal('a'),
      short: Type.String({ minLength: 1_000 }),
      long: Type.String({ maxLength: 1 }),
      few: list(2_000),
      many: list(0),
      small: Type.Number({ minimum: 0.001 }),
      large: Type.Integer({ maximum: 10_000_000 }),
      pattern: Type.String({ pattern: '^x$' }),
      multiple: Type.Integer({ multipleOf: 7 }),
    },
    { additionalProperties: false },
  )
  const wrongTypes = { text: 1, whole: 'a', number: 'a', yes: 'a', object: 'a', list: 'a', nothing: 'a' }
  const wrongForms = { day: 'a', instant: 'a', id: 'a', address: 'a', choice: 'c', constant: 'c', pattern: 'a' }
  const outOfBounds = { short: 'a', long: 'aa', few: [], many: Array(1_001).fill(1), small: 0, large: 10_000_001 }
  const validate = validatorCompiler({ schema, httpPart: 'body', method: 'POST', url: '/' })
  assert.equal(validate({ ...wrongTypes, ...wrongForms, ...outOfBounds, multiple: 1, unknown: 1 }), false)
  const { errors: validation } = validate as unknown as { readonly errors: unknown }
  const { details } = validationProblem({ validation, validationContext: 'body' } as FastifyError)
  const told = details?.['errors'] as readonly { readonly path: string; readonly fr: string }[]
  const fields = [...Object.keys(schema.properties), 'unknown'].map((name) => `/${name}`)
  assert.deepEqual(told.map(({ path }) => path).toSorted(), fields.toSorted())
  return told.map(({ fr }) => fr)
}

const who = { id: 'w', phone: '+221770000001', language: 'fr', first_name: 'Awa', last_name: 'Ndiaye' } as const
const link = { id: 'l', meter_id: 'm', account_id: 'w', role: 'shared', state: 'pending', decided_at: null } as const
const EVENTS: { readonly [K in LinkEvent['kind']]: LinkEvent & { readonly kind: K } } = {
  asked: { kind: 'asked', who, link },
  waiting: { kind: 'waiting', count: 2 },
  followed: { kind: 'followed', count: 2 },
  accepted: { kind: 'accepted' },
  refused: { kind: 'refused' },
  revoked: { kind: 'revoked' },
  left: { kind: 'left', who },
  disowned: { kind: 'disowned' },
}

const rate = Fraction.parse('0.025')
const words = { number: 2, energyKwh: 1_000.5, priceXof: 136.49, amountXof: 10_000 }
const say = frenchPhrases
const SPOKEN: { readonly [K in keyof Phrases]: readonly string[] } = {
  buys: [say.buys(10_000, 113.9, 87.8), say.buys(1, 0, undefined)],
  costs: [say.costs(60.5, 10_000, 160.38)],
  redevance: [say.redevance(1_427, 'single'), say.redevance(1_427, 'three')],
  redevanceNotCovered: [say.redevanceNotCovered(1_427)],
  redevancePaid: [say.redevancePaid()],
  phaseAssumed: [say.phaseAssumed(1_427)],
  tranche: [
    say.tranche({ ...words, fromKwh: 0, toKwh: 150 }),
    say.tranche({ ...words, fromKwh: 150, toKwh: 250, energyKwh: 0 }),
    say.tranche({ ...words, fromKwh: 250, toKwh: undefined }),
  ],
  tco: [say.tco(10_000, rate)],
  tva: [say.tva(10_000, rate, 250)],
  noTvaYet: [say.noTvaYet(250)],
  tvaUnknown: [say.tvaUnknown('DMP')],
  rounding: [say.rounding(-1)],
  moreAsFirst: [say.moreAsFirst(109.4, 60, 240)],
  lessAsFirst: [say.lessAsFirst(109.4)],
  dearerTranche: [say.dearerTranche(101.9, 2)],
  lessAsSecond: [say.lessAsSecond(10_000, 85.9, 113.9)],
  moreAsSecond: [say.moreAsSecond(10_000, 85.9)],
  belowLeastPurchase: [say.belowLeastPurchase(1_000)],
  stampDuty: [say.stampDuty(100_000)],
  debt: [say.debt(10_000)],
  knownUntil: [say.knownUntil(new Date('2026-03-01T12:00:00Z'))],
  ahead: [say.ahead()],
  unconfirmed: [say.unconfirmed('DMP')],
  estimate: [say.estimate('DPP', '2026-01-01', 'CRSE')],
}

const FAULTY: readonly (readonly [text: string, faults: readonly string[]])[] = [
  ["L'accès est refusé", ['a straight apostrophe']],
  ['Le champ "from" manque', ['straight quotation marks']],
  ['Refusé: réessayez', ['no no-break space before a sign']],
  ['Refusé : réessayez', ['no no-break space before a sign']],
  ['Fini ?', ['no no-break space before a sign']],
  ['(fini !)', ['no no-break space before a sign']],
  ['Dites « oui\u{a0}»', ['no no-break space inside quotation marks']],
  ['Dites «\u{a0}oui »', ['no no-break space inside quotation marks']],
  ['Il faut 100 F', ['a number that can part from its unit']],
  ['Au plus 10 000', ['thousands or decimals of another language']],
  ['Au plus 10,000', ['thousands or decimals of another language']],
  ['Au moins 0.5', ['thousands or decimals of another language']],
]

for (const [text, faults] of FAULTY) {
  test(`canary: «${text}» has a fault`, () => assert.deepEqual(frenchFaults(text), faults))
}

test('canary: a sentence without a fault has none', () => {
  const text = 'L’agence dit\u{a0}: «\u{a0}10\u{202f}000\u{a0}F à 12:30, soit 0,5\u{a0}kWh\u{a0}?\u{a0}» `a: "b"`'
  assert.deepEqual(frenchFaults(text), [])
})

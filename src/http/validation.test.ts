import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyError } from 'fastify'
import { type TSchema, Type } from 'typebox'
import { type InvalidField, validationProblem, validatorCompiler } from './validation.ts'

const number = Type.String({ pattern: '^[0-9]{9}$' })
const Meter = Type.Unsafe({
  type: 'object',
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: [
    Type.Object({ kind: Type.Literal('prepaid'), number }),
    Type.Object({ kind: Type.Literal('postpaid'), number }),
  ],
})

/** What a caller is told of a value that does not fit. */
function told(schema: TSchema, httpPart: 'body' | 'querystring', value: unknown): unknown {
  const validate = validatorCompiler({ schema, httpPart, method: 'POST', url: '/' })
  assert.equal(validate(value), false)
  const { errors } = validate as unknown as { readonly errors: unknown }
  return validationProblem({ validation: errors, validationContext: httpPart } as FastifyError).details?.['errors']
}

const bodies: readonly [what: string, body: unknown, field: InvalidField][] = [
  ['no body', undefined, { path: '', fr: 'doit être un objet JSON', en: 'must be a JSON object' }],
  [
    'a form that is none',
    { kind: 'solar', number: '310000001' },
    { path: '/kind', fr: 'valeurs admises\u{a0}: prepaid, postpaid', en: 'must be one of: prepaid, postpaid' },
  ],
  [
    'a number for text',
    { kind: 'postpaid', number: 310000001 },
    { path: '/number', fr: 'doit être un texte, donné une seule fois', en: 'must be text, given once' },
  ],
  [
    'another form of text',
    { kind: 'postpaid', number: 'x' },
    {
      path: '/number',
      fr: 'doit avoir la forme ^[0-9]{9}$',
      en: 'must match ^[0-9]{9}$',
    },
  ],
]

for (const [what, body, field] of bodies) {
  test(`${what} is told with what it must be`, () => assert.deepEqual(told(Meter, 'body', body), [field]))
}

test('a parameter that is given twice is told to be given once', () => {
  const query = Type.Object({ limit: Type.Integer(), cursor: Type.String() })
  assert.deepEqual(told(query, 'querystring', { limit: ['1', '2'], cursor: ['a', 'b'] }), [
    {
      path: '/limit',
      fr: 'doit être un nombre entier, donné une seule fois',
      en: 'must be a whole number, given once',
    },
    { path: '/cursor', fr: 'doit être un texte, donné une seule fois', en: 'must be text, given once' },
  ])
})

test('a bound is written as the reader of the language writes numbers', () => {
  const body = Type.Object({ energy_kwh: Type.Number({ minimum: 0.001 }), amount_xof: Type.Number({ maximum: 1e7 }) })
  assert.deepEqual(told(body, 'body', { energy_kwh: 0, amount_xof: 1e8 }), [
    { path: '/energy_kwh', fr: 'doit être au moins 0,001', en: 'must be at least 0.001' },
    {
      path: '/amount_xof',
      fr: 'doit être au plus 10\u{202f}000\u{202f}000',
      en: 'must be at most 10,000,000',
    },
  ])
})

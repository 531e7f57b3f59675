import { Ajv, type AnySchemaObject, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyError, FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import type { AppError, Bilingual } from '#src/core/errors.ts'
import { writtenNumbers } from '#src/core/written-numbers.ts'
import { httpErrors } from '#src/http/errors.ts'

/** Names that are answered as unknown to the caller rather than as a mistake: a path that cannot exist. */
const PATH_PARAMETERS = 'params'

const bodies = createAjv(false)
/** Query strings and paths are text: `limit=20` has to become a number. A JSON body must say what it means. */
const texts = createAjv('array')

function createAjv(coerceTypes: false | 'array'): Ajv {
  const ajv = new Ajv({
    coerceTypes,
    useDefaults: true,
    removeAdditional: false,
    allErrors: true,
    strict: false,
    discriminator: true,
    // A failure carries its schema: that of a discriminator names the forms.
    verbose: true,
  })
  addFormats.default(ajv, ['date', 'date-time', 'uuid', 'uri'])
  return ajv
}

export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const ajv = httpPart === 'body' ? bodies : texts
  return ajv.compile(schema) as ValidateFunction
}

export interface InvalidField {
  /** JSON pointer of the value, empty for the whole part. */
  readonly path: string
  readonly fr: string
  readonly en: string
}

/** One 400 that names every invalid field. A path parameter of another form names nothing that exists: 404. */
export function validationProblem(error: FastifyError): AppError {
  if (error.validationContext === PATH_PARAMETERS) return httpErrors.notFound()
  const failures = (error.validation ?? []) as unknown as ErrorObject[]
  const told = failures.filter((failure) => !SUMMARIES.has(failure.keyword))
  const fields = (told.length > 0 ? told : failures).map(describe)
  return httpErrors.invalidRequest({
    details: {
      in: error.validationContext ?? 'body',
      errors: fields.map(({ path, fr, en }) => ({ path, fr, en })),
    },
  })
}

/** Keywords that only say "one of the parts did not fit"; the parts' own errors say it better. */
const SUMMARIES = new Set(['anyOf', 'oneOf', 'if'])

function describe(failure: ErrorObject): InvalidField {
  const params = failure.params as Record<string, unknown>
  const path = failure.instancePath
  const at = (name: unknown): string => `${path}/${String(name)}`
  switch (failure.keyword) {
    case 'required':
      return { path: at(params['missingProperty']), fr: 'ce champ est obligatoire', en: 'this field is required' }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = params['additionalProperty'] ?? params['unevaluatedProperty']
      return { path: at(name), fr: 'ce champ est inconnu\u{a0}: retirez-le', en: 'this field is unknown: remove it' }
    }
    case 'discriminator':
      return { path: at(params['tag']), ...oneOf(formsOf(failure.parentSchema, String(params['tag']))) }
    default:
      return { path, ...describeValue(failure.keyword, params, failure.message) }
  }
}

function describeValue(keyword: string, params: Record<string, unknown>, message = 'invalid'): Bilingual {
  const fr = writtenNumbers.fr.plain(Number(params['limit']))
  const en = writtenNumbers.en.plain(Number(params['limit']))
  switch (keyword) {
    case 'type':
      return TYPES[String(params['type'])] ?? { fr: `doit être de type ${String(params['type'])}`, en: message }
    case 'format':
      return FORMATS[String(params['format'])] ?? { fr: 'format invalide', en: message }
    case 'enum':
    case 'const':
      return oneOf(params['allowedValues'] ?? [params['allowedValue']])
    case 'minLength':
    case 'minItems':
      return { fr: `trop court\u{a0}: au moins ${fr}`, en: `too short: at least ${en}` }
    case 'maxLength':
    case 'maxItems':
      return { fr: `trop long\u{a0}: au plus ${fr}`, en: `too long: at most ${en}` }
    case 'minimum':
      return { fr: `doit être au moins ${fr}`, en: `must be at least ${en}` }
    case 'maximum':
      return { fr: `doit être au plus ${fr}`, en: `must be at most ${en}` }
    case 'pattern':
      return { fr: `doit avoir la forme ${String(params['pattern'])}`, en: `must match ${String(params['pattern'])}` }
    default:
      return { fr: 'valeur invalide', en: message }
  }
}

const FORMATS: Readonly<Record<string, Bilingual>> = {
  date: {
    fr: 'doit être une date qui existe, de la forme AAAA-MM-JJ',
    en: 'must be a date that exists, of the form YYYY-MM-DD',
  },
  'date-time': { fr: 'doit être un instant ISO 8601 avec fuseau', en: 'must be an ISO 8601 instant with its zone' },
  uuid: { fr: 'doit être un identifiant UUID', en: 'must be a UUID' },
}

/** A query parameter that is given twice is a list. */
const TYPES: Readonly<Record<string, Bilingual>> = {
  string: { fr: 'doit être un texte, donné une seule fois', en: 'must be text, given once' },
  integer: { fr: 'doit être un nombre entier, donné une seule fois', en: 'must be a whole number, given once' },
  number: { fr: 'doit être un nombre, donné une seule fois', en: 'must be a number, given once' },
  boolean: { fr: 'doit être true ou false', en: 'must be true or false' },
  object: { fr: 'doit être un objet JSON', en: 'must be a JSON object' },
  array: { fr: 'doit être une liste', en: 'must be a list' },
}

function oneOf(values: unknown): Bilingual {
  const listed = (values as unknown[]).join(', ')
  return { fr: `valeurs admises\u{a0}: ${listed}`, en: `must be one of: ${listed}` }
}

function formsOf(schema: AnySchemaObject | undefined, tag: string): unknown[] {
  const forms = (schema?.['oneOf'] ?? []) as { readonly properties: Record<string, { readonly const?: unknown }> }[]
  return forms.map((form) => form.properties[tag]?.const)
}

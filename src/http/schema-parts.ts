import { Type } from 'typebox'

type Schema = Parameters<typeof Type.Union>[0][number]

/** For answers, where what is not known is told as null. */
export const Nullable = <T extends Schema>(schema: T) => Type.Union([schema, Type.Null()])

/** One of these texts: an `enum`, so that a refusal names them, where a union would say that none of its members matched. */
export const OneOf = <T extends string>(...values: readonly T[]) => Type.Unsafe<T>(Type.String({ enum: [...values] }))

/** One of these texts, or null where none is known; an `enum` for the same reason. */
export const NullOr = <T extends string>(...values: readonly T[]) =>
  Type.Unsafe<T | null>({ type: ['string', 'null'], enum: [...values, null] })

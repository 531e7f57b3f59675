import { type Day, startOf } from './calendar.ts'
import type { Language } from './language.ts'

/**
 * Numbers, days and times as a reader of the language writes them, to three decimals at most. No-break spaces keep a
 * number and its unit together.
 */
export interface WrittenNumbers {
  readonly xof: (value: number) => string
  readonly kwh: (value: number) => string
  /** A number alone. */
  readonly plain: (value: number) => string
  /** Of a rate such as 0.025. */
  readonly percent: (rate: number) => string
  readonly day: (day: Day) => string
  readonly instant: (instant: Date) => string
}

const LOCALE: Readonly<Record<Language, string>> = { fr: 'fr-FR', en: 'en-GB' }

function written(language: Language): WrittenNumbers {
  const locale = LOCALE[language]
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 })
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 2 })
  const zone = { timeZone: 'Africa/Dakar' } as const
  const day = new Intl.DateTimeFormat(locale, { ...zone, dateStyle: 'long' })
  const instant = new Intl.DateTimeFormat(locale, { ...zone, dateStyle: 'long', timeStyle: 'short' })
  // French writes the first of a month as an ordinal, which Intl does not.
  const ordinal = (text: string): string => (language === 'fr' ? text.replace(/^1 /, '1er ') : text)
  return {
    xof: (value) => `${number.format(value)}\u{a0}F`,
    kwh: (value) => `${number.format(value)}\u{a0}kWh`,
    plain: (value) => number.format(value),
    percent: (rate) => percent.format(rate),
    day: (value) => ordinal(day.format(startOf(value))),
    instant: (value) => ordinal(instant.format(value)),
  }
}

/** By the reader's language. */
export const writtenNumbers: Readonly<Record<Language, WrittenNumbers>> = { fr: written('fr'), en: written('en') }

import type { Bilingual } from '#src/core/errors.ts'

export type Language = keyof Bilingual

/**
 * The language that an Accept-Language header prefers of the two we speak; French when it says nothing of either.
 * Weights count (RFC 9110, 12.5.4); at equal weight the first named wins.
 */
export function preferredLanguage(header: string | undefined): Language {
  if (header === undefined) return 'fr'
  let best: { language: Language; weight: number } = { language: 'fr', weight: 0 }
  for (const range of header.split(',')) {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';')
    const language = tag.split('-')[0]
    if (language !== 'fr' && language !== 'en') continue
    const weight = weightOf(parameters)
    if (weight > best.weight) best = { language, weight }
  }
  return best.language
}

function weightOf(parameters: readonly string[]): number {
  const quality = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('q='))
  if (quality === undefined) return 1
  const weight = Number(quality.slice(2))
  return weight >= 0 && weight <= 1 ? weight : 0
}

import type { Language } from '#src/core/language.ts'

/** What a code is for. */
export type Purpose = 'meter_owner'

/**
 * The only texts that leave as messages, one message each, in the GSM alphabet: it lacks some French letters, the
 * apostrophe ’ and the no-break space, and a single one of these would leave room for 70 characters instead of 160.
 */
const TEXTS: Readonly<Record<Purpose, Readonly<Record<Language, (code: string) => string>>>> = {
  meter_owner: {
    fr: (code) =>
      `SamaConso: votre code est ${code}. Il prouve que le compteur est à vous. Valable 10 minutes. Ne le donnez à personne, pas à un agent non plus.`,
    en: (code) =>
      `SamaConso: your code is ${code}. It proves that the meter is yours. Valid for 10 minutes. Give it to nobody, not even to an agent.`,
  },
}

export const PURPOSES = Object.keys(TEXTS) as Purpose[]

export function messageOf(purpose: Purpose, language: Language, code: string): string {
  return TEXTS[purpose][language](code)
}

/**
 * The one normaliser of Senegalese telephone numbers, used on every comparison: people and the sources write
 * the same number as `77 000 00 01`, `00221770000001` or `+221-77-000-00-01`.
 */

const SEPARATORS = /[\s.\-()/]/g
/** Nine digits: 7x are mobiles, 3x fixed lines. */
const NATIONAL = /^[37]\d{8}$/

/** E.164, such as `+221770000001`; undefined for anything that is not a Senegalese subscriber number. */
export function normalisePhone(text: string): string | undefined {
  const compact = text.normalize('NFKC').replaceAll(SEPARATORS, '')
  const national = compact.replace(/^(?:\+|00)?221(?=\d{9}$)/, '')
  return NATIONAL.test(national) ? `+221${national}` : undefined
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?$/
/** Whole digits beyond which a value is no sale or bill of this world, and sums could leave the exact integers. */
const MAX_WHOLE_DIGITS = 11

/**
 * The decimal text as a whole number of 10^-`places`, rounded half away from zero so that a reversal cancels what it
 * reverses. Digits are never turned into a binary fraction. Undefined for text that is no plain decimal, or too large.
 */
export function scaledInteger(text: string, places: number): number | undefined {
  const match = DECIMAL.exec(text.trim())
  if (match === null) return undefined
  const [, sign, whole = '', fraction = ''] = match
  if (whole.replace(/^0+/, '').length > MAX_WHOLE_DIGITS) return undefined
  const kept = Number(whole + fraction.slice(0, places).padEnd(places, '0'))
  const rounded = (fraction[places] ?? '0') >= '5' ? kept + 1 : kept
  return sign === '-' && rounded !== 0 ? -rounded : rounded
}

const CODE_DIGITS = 20

/**
 * The recharge codes (STS tokens) of a sale in the order in which they must be typed, each in groups of four digits.
 * A sale at a change of keys carries several; how the source parts them is not known, but every code has 20 digits.
 * Text of another form is given as it is: a code that cannot be read here may still be read by its owner.
 */
export function rechargeCodes(token: string | undefined): string[] {
  if (token === undefined) return []
  const digits = token.replaceAll(/\D/g, '')
  if (digits.length === 0 || digits.length % CODE_DIGITS !== 0) return [token]
  return (digits.match(/\d{20}/g) ?? []).map((code) => (code.match(/\d{4}/g) ?? []).join(' '))
}

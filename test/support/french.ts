const FAULTS: readonly (readonly [fault: string, sign: RegExp])[] = [
  ['a straight apostrophe', /'/],
  ['straight quotation marks', /"/],
  ['no no-break space before a sign', /(?<!\u{a0})[:;!?](?=[\s»)]|$)/u],
  ['no no-break space inside quotation marks', /«(?!\u{a0})|(?<!\u{a0})»/u],
  ['a number that can part from its unit', /\d (?:F|kWh|Kio|%)(?!\p{L})/u],
  ['thousands or decimals of another language', /[1-9]\d{0,2}[ .,]\d{3}(?!\d)|\d\.\d/],
]

/** What a French sentence has against French typography; names between backticks are no French. */
export function frenchFaults(text: string): string[] {
  const prose = text.replaceAll(/`[^`]*`/g, 'x')
  return FAULTS.filter(([, sign]) => sign.test(prose)).map(([fault]) => fault)
}

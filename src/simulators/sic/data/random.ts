export interface Random {
  /** Uniform in [0, 1). */
  next(): number
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  pick<T>(list: readonly T[]): T
  /** That many decimal digits. */
  digits(count: number): string
}

/**
 * A stream of its own for every key, such as seed, meter and month: a month's data stays the same whichever other
 * months are made beside it. Hashed with FNV-1a, drawn with mulberry32: whole-number arithmetic, alike on every machine.
 */
export function randomFor(...keys: readonly (string | number)[]): Random {
  let state = 0x811c9dc5
  for (const char of keys.join('\u0000')) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 0x01000193)

  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    between,
    pick: (list) => {
      const found = list[between(0, list.length - 1)]
      if (found === undefined) throw new RangeError('nothing to pick from')
      return found
    },
    digits: (count) => Array.from({ length: count }, () => between(0, 9)).join(''),
  }
}

const DECIMAL = /^(\d+)(?:\.(\d+))?$/

/**
 * An exact number that is not negative: what an amount buys is a division by a price, which no decimal holds. Rounded
 * only where something is shown.
 */
export class Fraction {
  static readonly zero = new Fraction(0n, 1n)
  readonly #numerator: bigint
  readonly #denominator: bigint

  private constructor(numerator: bigint, denominator: bigint) {
    const divisor = greatestCommonDivisor(numerator, denominator)
    this.#numerator = numerator / divisor
    this.#denominator = denominator / divisor
  }

  /** `over` counts the parts of a whole: `of(113_900, 1_000)` is 113.9. */
  static of(value: number | bigint, over = 1): Fraction {
    const numerator = BigInt(value)
    if (numerator < 0n || over < 1) throw new RangeError(`${value}/${over} is negative`)
    return new Fraction(numerator, BigInt(over))
  }

  /** @param text plain decimal digits, such as `136.49` */
  static parse(text: string): Fraction {
    const match = DECIMAL.exec(text)
    if (match === null) throw new RangeError(`${text} is no decimal`)
    const [, whole = '', places = ''] = match
    return new Fraction(BigInt(whole + places), 10n ** BigInt(places.length))
  }

  plus(other: Fraction): Fraction {
    return new Fraction(
      this.#numerator * other.#denominator + other.#numerator * this.#denominator,
      this.#denominator * other.#denominator,
    )
  }

  /** What is left, and nothing when the other is larger. */
  less(other: Fraction): Fraction {
    const rest = this.#numerator * other.#denominator - other.#numerator * this.#denominator
    return rest <= 0n ? Fraction.zero : new Fraction(rest, this.#denominator * other.#denominator)
  }

  times(other: Fraction): Fraction {
    return new Fraction(this.#numerator * other.#numerator, this.#denominator * other.#denominator)
  }

  over(other: Fraction): Fraction {
    if (other.isZero()) throw new RangeError('division by zero')
    return new Fraction(this.#numerator * other.#denominator, this.#denominator * other.#numerator)
  }

  isZero(): boolean {
    return this.#numerator === 0n
  }

  exceeds(other: Fraction): boolean {
    return this.#numerator * other.#denominator > other.#numerator * this.#denominator
  }

  equals(other: Fraction): boolean {
    return this.#numerator === other.#numerator && this.#denominator === other.#denominator
  }

  floor(): bigint {
    return this.#numerator / this.#denominator
  }

  ceil(): bigint {
    return (this.#numerator + this.#denominator - 1n) / this.#denominator
  }

  /** To the nearest multiple of 10^-`places`, halves up, as the double that prints so. */
  rounded(places: number): number {
    const scale = 10n ** BigInt(places)
    const nearest = (2n * this.#numerator * scale + this.#denominator) / (2n * this.#denominator)
    return Number(nearest) / Number(scale)
  }
}

export function smaller(a: Fraction, b: Fraction): Fraction {
  return a.exceeds(b) ? b : a
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, rest] = [a, b]
  while (rest !== 0n) [larger, rest] = [rest, larger % rest]
  return larger
}

/** How the simulator misbehaves, until told otherwise. Nothing of it touches connections that are idle. */
export interface Faults {
  /** Waited before every answer, the login's included, in milliseconds. */
  delayMs: number
  /** `connections` are closed as they come; `logins` are refused with error 18456. */
  refuse: 'nothing' | 'connections' | 'logins'
  /**
   * What becomes of answers to statements: `hang` sends half and then nothing, `die` sends half and resets the
   * connection, `malformed` sends bytes that are no answer.
   */
  answer: 'whole' | 'hang' | 'die' | 'malformed'
}

export const noFaults = (): Faults => ({ delayMs: 0, refuse: 'nothing', answer: 'whole' })

const CHOICES = {
  refuse: ['nothing', 'connections', 'logins'],
  answer: ['whole', 'hang', 'die', 'malformed'],
} as const satisfies { [K in 'refuse' | 'answer']: readonly Faults[K][] }

const LONGEST_DELAY_MS = 600_000

/** Sets what `wanted` names and leaves the rest. Throws TypeError, with nothing set, on what is no fault. */
export function setFaults(faults: Faults, wanted: unknown): void {
  if (typeof wanted !== 'object' || wanted === null) throw new TypeError('faults are a JSON object')
  const changes: Partial<Faults> = {}
  for (const [name, value] of Object.entries(wanted)) {
    if (name === 'delayMs') changes.delayMs = delayOf(value)
    else if (name === 'refuse') changes.refuse = choiceOf(name, CHOICES.refuse, value)
    else if (name === 'answer') changes.answer = choiceOf(name, CHOICES.answer, value)
    else throw new TypeError(`no fault is called ${name}`)
  }
  Object.assign(faults, changes)
}

function delayOf(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= LONGEST_DELAY_MS) return value
  throw new TypeError(`delayMs is a number from 0 to ${LONGEST_DELAY_MS}`)
}

function choiceOf<T extends string>(name: string, choices: readonly T[], value: unknown): T {
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw new TypeError(`${name} is one of ${choices.join(', ')}`)
  return choice
}

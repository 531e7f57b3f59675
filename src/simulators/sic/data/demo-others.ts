import type { DemoCustomer, DemoMeter, DemoTariffClass } from './demo-types.ts'

const FIRST_NAMES = [
  'Fatou',
  'Ousmane',
  'Aïssatou',
  'Cheikh',
  'Mariama',
  'Ibrahima',
  'Khady',
  'Abdoulaye',
  'Ndèye',
  'Modou',
]
const LAST_NAMES = ['Fall', 'Sow', 'Ba', 'Sarr', 'Faye', 'Guèye', 'Diallo', 'Mbaye']
const STREETS = ['QUARTIER MÉDINA', 'CITÉ SONATEL', 'AVENUE LAMINE GUÈYE', 'QUARTIER ESCALE', 'CITÉ LOBATT FALL']
const FIRST_OTHER = 3
const OTHERS = 40

/** STS meter numbers end in a Luhn digit. */
function withCheckDigit(digits: string): string {
  const sum = digits
    .split('')
    .toReversed()
    .reduce((total, digit, place) => {
      const value = Number(digit) * (place % 2 === 0 ? 2 : 1)
      return total + (value > 9 ? value - 9 : value)
    }, 0)
  return `${digits}${(10 - (sum % 10)) % 10}`
}

function pick<T>(list: readonly T[], index: number): T {
  const value = list[index % list.length]
  if (value === undefined) throw new RangeError('nothing to pick from')
  return value
}

/** Every eighth supply is a shop or a larger house, so that each class of the tariff has somebody. */
function tariffClassOf(index: number): DemoTariffClass {
  if (index % 8 !== 0) return 'DPP'
  return pick(['PMP', 'PPP', 'DMP'] as const, index / 8)
}

function meterOf(index: number, ownerPhone: string, agencyCodes: readonly string[]): DemoMeter {
  const padded = String(index).padStart(2, '0')
  const tariffClass = tariffClassOf(index)
  const supply = {
    ownerPhone,
    agencyCode: pick(agencyCodes, index),
    address: `${index} ${pick(STREETS, index)}`,
    tariffClass,
    phase: tariffClass === 'DPP' || tariffClass === 'PPP' ? ('single' as const) : ('three' as const),
  }
  if (index % 3 === 0) {
    const contractAccount = `3100000${padded}`
    const names = { customerNumber: `51000${padded}`, plateNumber: `0091000${padded}` }
    return { kind: 'postpaid', number: contractAccount, contractAccount, ...names, ...supply }
  }
  const prepaid = { kind: 'prepaid' as const, number: withCheckDigit(`14250000${padded}`), ...supply }
  const contract = { police: `2100000${padded}`, customerNumber: `7000${padded}` }
  return index % 10 === 4 ? { ...prepaid, ...contract, formerPolice: `2000000${padded}` } : { ...prepaid, ...contract }
}

/** Forty households and shops beside the two demo accounts, so that lists, agencies and audiences hold more than one. */
export function demoOthers(agencyCodes: readonly string[]): { customers: DemoCustomer[]; meters: DemoMeter[] } {
  const customers: DemoCustomer[] = []
  const meters: DemoMeter[] = []
  for (let index = FIRST_OTHER; index < FIRST_OTHER + OTHERS; index += 1) {
    const phone = `+2217700000${String(index).padStart(2, '0')}`
    customers.push({ phone, firstName: pick(FIRST_NAMES, index), lastName: pick(LAST_NAMES, index) })
    meters.push(meterOf(index, phone, agencyCodes))
  }
  return { customers, meters }
}

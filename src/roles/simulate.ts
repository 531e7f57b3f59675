import type { Run } from './command.ts'
import { Refusal } from './command.ts'

const SIMULATORS: Readonly<Record<string, () => Promise<{ readonly run: Run }>>> = {
  sic: () => import('./simulate/sic.ts'),
  fcm: () => import('./simulate/fcm.ts'),
}

export const run: Run = async ([name = '', ...rest], env) => {
  const load = SIMULATORS[name]
  if (load === undefined) throw new Refusal('simulate takes sic or fcm; simulate sic --help tells the options')
  const simulator = await load()
  return simulator.run(rest, env)
}

import { DEMO_LOGINS } from '#src/roles/parts/demo-logins.ts'

export interface ReadyFacts {
  readonly apiUrl: string
  readonly fcmControlUrl: string
  readonly sicAddress: string
}

/** What whoever typed `npm start` sees. The first line is a promise to scripts: alone on its line, once the API answers. */
export function readyMessage({ apiUrl, fcmControlUrl, sicAddress }: ReadyFacts): string {
  const { customer1, customer2, agent, admin } = DEMO_LOGINS
  return [
    `SamaConso ready on ${apiUrl}`,
    '',
    'Demo accounts:',
    `  customer 1  phone ${customer1.phone}  PIN ${customer1.pin}   a prepaid and a postpaid meter`,
    `  customer 2  phone ${customer2.phone}  PIN ${customer2.pin}   a postpaid meter, and customer 1's prepaid one by a share`,
    `  agent       login ${agent.login}  password ${agent.password}`,
    `  admin       login ${admin.login}  password ${admin.password}`,
    '',
    `Try the API:        ${apiUrl}/docs`,
    `Pushes that left:   ${fcmControlUrl}/messages`,
    `SIC and Postpaid:   ${sicAddress} (SQL Server protocol)`,
    'Ctrl-C stops everything; the data stays.',
    '',
  ].join('\n')
}

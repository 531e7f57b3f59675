import type { LightMyRequestResponse } from 'fastify'
import type { Caller } from './consumption-api.ts'
import type { MeterLinksApi, Meters, Shares } from './meter-links-api.ts'

/** The code of a problem. */
export function codeOf(response: LightMyRequestResponse): string {
  return response.json<{ code: string }>().code
}

/** What tests of links do and look at, on the API that is there by then. */
export function linkSteps(api: () => MeterLinksApi) {
  return {
    async metersOf(caller: Caller, query = ''): Promise<Meters['items']> {
      return (await api().call(caller, 'GET', `/api/meters${query}`)).json<Meters>().items
    },
    async sharesOf(caller: Caller, meterId: string, query = ''): Promise<Shares> {
      return (await api().call(caller, 'GET', `/api/meters/${meterId}/shares${query}`)).json<Shares>()
    },
    confirm(caller: Caller, meterId: string, code: string): Promise<LightMyRequestResponse> {
      return api().call(caller, 'POST', `/api/meters/${meterId}/ownership`, { code })
    },
    decide(caller: Caller, linkId: string | undefined, state: string): Promise<LightMyRequestResponse> {
      return api().call(caller, 'PUT', `/api/links/${linkId}`, { state })
    },
    remove(caller: Caller, meterId: string): Promise<LightMyRequestResponse> {
      return api().call(caller, 'DELETE', `/api/meters/${meterId}`)
    },
    /** Of the account's link to the meter, whatever has become of it. */
    async linkIdOf({ id: accountId }: Caller, meterId: string): Promise<string | undefined> {
      const { db } = api()
      const links = db.selectFrom('meter_link').select('id').where('meter_id', '=', meterId)
      return (await links.where('account_id', '=', accountId).executeTakeFirst())?.id
    },
    /** What the account was told, the oldest first. */
    async eventsOf({ id }: Caller): Promise<(string | undefined)[]> {
      return (await api().told(id)).map(({ event }) => event)
    },
  }
}

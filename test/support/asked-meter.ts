import assert from 'node:assert/strict'
import { aCustomer } from './factories.ts'
import type { MeterLinksApi, Shares } from './meter-links-api.ts'

/** A meter with its owner, and a friend who has asked for it. */
export async function anAskedMeter(api: MeterLinksApi) {
  const [owner, friend] = [await aCustomer(api.db), await aCustomer(api.db)]
  const typed = api.supply({ phone: owner.phone })
  const id = await api.own(owner, typed)
  const asked = await api.add(friend, typed)
  assert.equal(asked.statusCode, 201, asked.body)
  const [share] = (await api.call(owner, 'GET', `/api/meters/${id}/shares`)).json<Shares>().items
  assert.ok(share !== undefined)
  return { owner, friend, typed, id, asked, linkId: share.id }
}

/** And accepted. */
export async function aSharedMeter(api: MeterLinksApi) {
  const meter = await anAskedMeter(api)
  const accepted = await api.call(meter.owner, 'PUT', `/api/links/${meter.linkId}`, { state: 'accepted' })
  assert.equal(accepted.statusCode, 204, accepted.body)
  return meter
}

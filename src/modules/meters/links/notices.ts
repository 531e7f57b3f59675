import type { Bilingual } from '#src/core/errors.ts'
import type { Tx } from '#src/database/database.ts'
import { notifyAccounts } from '#src/modules/notifications/notify.ts'
import type { Link, LockedMeter, Person } from './link-rows.ts'
import { maskPhone } from './masked-phone.ts'

/** What happened, as the one who is told sees it. */
export type LinkEvent =
  /** To the owner: somebody asks to see the meter. */
  | { readonly kind: 'asked'; readonly who: Person; readonly link: Link }
  /** To who has just become the owner: so many asked before. */
  | { readonly kind: 'waiting'; readonly count: number }
  /** To who has just become the owner: the agency has let so many see the meter before. */
  | { readonly kind: 'followed'; readonly count: number }
  /** To who asked. */
  | { readonly kind: 'accepted' | 'refused' }
  /** To who could see the meter. */
  | { readonly kind: 'revoked' }
  /** To the owner: somebody gave the share up. */
  | { readonly kind: 'left'; readonly who: Person }
  /** To who was the owner. */
  | { readonly kind: 'disowned' }

/** Stored with the change that it tells of, to each in their own language. Publish the outbox after the commit. */
export async function tell(
  tx: Tx,
  people: readonly Person[],
  event: LinkEvent,
  meter: LockedMeter,
  at: Date,
): Promise<void> {
  const text = noticeOf(event, meter.number)
  const link: Readonly<Record<string, string>> = event.kind === 'asked' ? { link_id: event.link.id } : {}
  const data = { meter_id: meter.id, event: event.kind, ...link }
  for (const language of ['fr', 'en'] as const) {
    const accountIds = people.filter((person) => person.language === language).map(({ id }) => id)
    if (accountIds.length === 0) continue
    const { [language]: body } = text.body
    const { [language]: title } = text.title
    await notifyAccounts(tx, { accountIds, type: 'meter_share', title, body, data, priority: 'normal', at })
  }
}

/** What is told of an event at the meter of this number. */
export function noticeOf(event: LinkEvent, number: string): { title: Bilingual; body: Bilingual } {
  switch (event.kind) {
    case 'asked':
      return {
        title: { fr: 'Demande d’accès à votre compteur', en: 'Someone asks to see your meter' },
        body: {
          fr: `${nameOf(event.who)} demande à suivre le compteur ${number}. Acceptez ou refusez dans les partages du compteur.`,
          en: `${nameOf(event.who)} asks to follow meter ${number}. Accept or refuse among the shares of the meter.`,
        },
      }
    case 'waiting':
      return {
        title: { fr: 'Demandes d’accès à votre compteur', en: 'Requests to see your meter' },
        body: {
          fr: `Demandes en attente de votre réponse pour le compteur ${number}\u{a0}: ${event.count}.`,
          en: `Requests that await your answer for meter ${number}: ${event.count}.`,
        },
      }
    case 'followed':
      return {
        title: { fr: 'Votre compteur est déjà suivi', en: 'Your meter is followed already' },
        body: {
          fr: `Personnes à qui l’agence a permis de suivre le compteur ${number}\u{a0}: ${event.count}. Voyez-les, ou retirez-leur l’accès, dans les partages du compteur.`,
          en: `People whom the agency has let follow meter ${number}: ${event.count}. See them, or withdraw their access, among the shares of the meter.`,
        },
      }
    case 'accepted':
      return {
        title: { fr: 'Accès accepté', en: 'Access granted' },
        body: { fr: `Vous pouvez suivre le compteur ${number}.`, en: `You can follow meter ${number}.` },
      }
    case 'refused':
      return {
        title: { fr: 'Accès refusé', en: 'Access refused' },
        body: {
          fr: `Votre demande de suivre le compteur ${number} a été refusée.`,
          en: `Your request to follow meter ${number} was refused.`,
        },
      }
    case 'revoked':
      return {
        title: { fr: 'Accès retiré', en: 'Access withdrawn' },
        body: { fr: `Vous ne suivez plus le compteur ${number}.`, en: `You no longer follow meter ${number}.` },
      }
    case 'left':
      return {
        title: { fr: 'Fin d’un partage', en: 'A share has ended' },
        body: {
          fr: `${nameOf(event.who)} ne suit plus le compteur ${number}.`,
          en: `${nameOf(event.who)} no longer follows meter ${number}.`,
        },
      }
    case 'disowned':
      return {
        title: { fr: 'Compteur retiré', en: 'Meter removed' },
        body: {
          fr: `Senelec ne vous tient plus pour le propriétaire du compteur ${number}\u{a0}; ses partages ont pris fin.`,
          en: `Senelec no longer holds you to be the owner of meter ${number}; its shares have ended.`,
        },
      }
  }
}

const NAME_LENGTH = 80

/** People choose their names; the digits of the phone are what tells one from somebody who took the same. */
function nameOf({ first_name: first, last_name: last, phone }: Person): string {
  const name = [...`${first} ${last}`.trim()].slice(0, NAME_LENGTH).join('')
  const masked = phone === null ? '' : maskPhone(phone)
  return name === '' ? masked : `${name} (${masked})`
}

import { defineErrors } from '#src/core/errors.ts'

export const inboxErrors = defineErrors('inbox', {
  invalidEventId: [
    'invalid',
    'Cet identifiant d’événement n’est pas des nôtres\u{a0}: reconnectez-vous sans Last-Event-ID, puis relisez la liste.',
    'This event id is not one of ours: connect without Last-Event-ID, then load the list.',
  ],
  tooManyStreams: [
    'rate_limited',
    'Ce compte a déjà le nombre maximal de flux d’événements ouverts\u{a0}: fermez-en un, puis réessayez.',
    'This account has as many event streams open as it may: close one, then try again.',
  ],
  streamsFull: [
    'unavailable',
    'Ce serveur ne peut pas ouvrir d’autres flux d’événements\u{a0}: réessayez dans quelques secondes.',
    'This server cannot open more event streams: try again in a few seconds.',
  ],
})

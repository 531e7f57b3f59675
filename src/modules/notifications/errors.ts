import { defineErrors } from '#src/core/errors.ts'

export const notificationErrors = defineErrors('notifications', {
  unknownRecipient: [
    'not_found',
    'Un destinataire au moins est introuvable\u{a0}: rien n’a été envoyé.',
    'At least one recipient does not exist: nothing was sent.',
  ],
  unknownMeter: [
    'not_found',
    'Ce compteur est introuvable\u{a0}: rien n’a été envoyé.',
    'There is no such meter: nothing was sent.',
  ],
  unknownAgency: [
    'not_found',
    'Cette agence est introuvable\u{a0}: rien n’a été envoyé.',
    'There is no such agency: nothing was sent.',
  ],
  noRecipient: [
    'unprocessable',
    'Personne ne suit ce compteur\u{a0}: il n’y a pas de destinataire.',
    'Nobody follows this meter: there is no recipient.',
  ],
  noCustomer: [
    'unprocessable',
    'Aucun client n’en fait partie\u{a0}: il n’y a pas de destinataire.',
    'No customer belongs to it: there is no recipient.',
  ],
  sendAtTooFar: [
    'unprocessable',
    'send_at est à plus de 90 jours\u{a0}: choisissez une date plus proche.',
    'send_at is more than 90 days ahead: choose an earlier time.',
  ],
  expiresTooEarly: [
    'unprocessable',
    'expires_at doit être dans l’avenir et après send_at.',
    'expires_at must lie in the future and after send_at.',
  ],
  alreadyDone: [
    'conflict',
    'Cette notification est déjà envoyée\u{a0}: elle ne peut plus être annulée.',
    'This notification has been sent already: it cannot be cancelled any more.',
  ],
  payloadTooLarge: [
    'unprocessable',
    'Le titre, le texte et les données dépassent ensemble ce qu’une notification peut porter\u{a0}: raccourcissez-les.',
    'Title, body and data together exceed what a push can carry: shorten them.',
  ],
  reservedDataKey: [
    'unprocessable',
    'Une clé de data est réservée\u{a0}: choisissez un autre nom.',
    'A key of data is reserved: choose another name.',
  ],
  invalidText: [
    'unprocessable',
    'Un texte contient un caractère qui ne peut pas être transmis (NUL, ou une moitié de caractère Unicode).',
    'A text holds a character that cannot be sent (NUL, or half of a Unicode character).',
  ],
  idempotencyKeyReused: [
    'unprocessable',
    'Cette Idempotency-Key a déjà servi pour une autre demande\u{a0}: prenez-en une nouvelle.',
    'This Idempotency-Key was used for another request before: take a new one.',
  ],
  idempotencyKeyInFlight: [
    'conflict',
    'Une demande avec cette Idempotency-Key est en cours\u{a0}: réessayez dans un instant.',
    'A request with this Idempotency-Key is under way: try again in a moment.',
  ],
  sendingInterrupted: [
    'unavailable',
    'L’envoi a été interrompu\u{a0}; il reprendra.',
    'The sending was interrupted; it will go on.',
  ],
  invalidTask: [
    'invalid',
    'Les arguments de cette tâche ne désignent pas une notification.',
    'The task’s arguments do not name a notification.',
  ],
})

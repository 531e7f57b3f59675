import { defineErrors } from '#src/core/errors.ts'

export const accountErrors = defineErrors('accounts', {
  invalidCredentials: [
    'unauthenticated',
    'Identifiant ou code incorrect\u{a0}: vérifiez l’un et l’autre.',
    'The identifier or the secret is wrong: check both.',
  ],
  tooManyAttempts: [
    'rate_limited',
    'Trop d’essais infructueux\u{a0}: attendez avant de réessayer.',
    'Too many failed attempts: wait before you try again.',
  ],
  busy: [
    'unavailable',
    'Trop de connexions en ce moment\u{a0}: réessayez dans quelques secondes.',
    'Too many logins at the moment: try again in a few seconds.',
  ],
  invalidPhone: [
    'invalid',
    'Ce numéro de téléphone n’est pas un numéro sénégalais, par exemple +221\u{a0}77\u{a0}000\u{a0}00\u{a0}01.',
    'This is not a Senegalese telephone number, such as +221 77 000 00 01.',
  ],
  invalidRefreshToken: [
    'unauthenticated',
    'Ce jeton de renouvellement est inconnu ou expiré\u{a0}: connectez-vous.',
    'This refresh token is unknown or has expired: log in.',
  ],
  refreshTokenReused: [
    'unauthenticated',
    'Ce jeton de renouvellement a déjà servi\u{a0}: par sécurité, cette connexion est fermée. Connectez-vous.',
    'This refresh token was used before: for safety this login has ended. Log in.',
  ],
  sessionEnded: [
    'unauthenticated',
    'Cette connexion est fermée\u{a0}: connectez-vous.',
    'This login has ended: log in.',
  ],
  wrongSecret: [
    'forbidden',
    'L’ancien code est incorrect\u{a0}: indiquez celui avec lequel vous vous connectez.',
    'The old secret is wrong: give the one that you log in with.',
  ],
  weakSecret: [
    'unprocessable',
    'Ce code est trop facile à deviner\u{a0}: évitez les chiffres identiques ou qui se suivent.',
    'This secret is too easy to guess: avoid repeated or consecutive digits.',
  ],
  noDevice: [
    'conflict',
    'Cette connexion n’est liée à aucun appareil\u{a0}: connectez-vous en indiquant l’appareil.',
    'This login has no device: log in and name the device.',
  ],
  phoneTaken: [
    'conflict',
    'Un compte existe déjà avec ce numéro\u{a0}: prenez-en un autre, ou servez-vous de ce compte.',
    'There is an account with this number already: take another one, or use that account.',
  ],
  loginTaken: [
    'conflict',
    'Un compte existe déjà avec cet identifiant\u{a0}: choisissez-en un autre.',
    'There is an account with this login already: choose another one.',
  ],
  unknownAgency: [
    'unprocessable',
    'Cette agence n’existe pas\u{a0}: vérifiez son code.',
    'There is no such agency: check its code.',
  ],
})

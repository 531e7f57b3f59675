import { defineErrors } from '#src/core/errors.ts'

/** What the HTTP edge itself refuses; the modules have their own. */
export const httpErrors = defineErrors('http', {
  invalidRequest: ['invalid', 'La requête contient des valeurs invalides.', 'The request has invalid values.'],
  malformedJson: ['invalid', "Le corps de la requête n'est pas du JSON valide.", 'The request body is not valid JSON.'],
  malformedRequest: ['invalid', 'La requête HTTP est mal formée.', 'The HTTP request is malformed.'],
  unsupportedMediaType: [
    'invalid',
    'Envoyez le corps en JSON, avec Content-Type: application/json.',
    'Send the body as JSON, with Content-Type: application/json.',
  ],
  bodyTooLarge: ['too_large', 'Le corps de la requête est trop grand.', 'The request body is too large.'],
  unauthenticated: [
    'unauthenticated',
    "Connectez-vous: un jeton d'accès valide est requis.",
    'Log in: a valid access token is needed.',
  ],
  tokenExpired: [
    'unauthenticated',
    "Le jeton d'accès a expiré: renouvelez-le par POST /api/refresh.",
    'The access token has expired: renew it with POST /api/refresh.',
  ],
  forbidden: ['forbidden', 'Votre compte ne permet pas cette action.', 'Your account does not allow this.'],
  notFound: ['not_found', 'Cette ressource est introuvable.', 'There is no such resource.'],
  invalidCursor: [
    'invalid',
    'Le curseur est invalide: reprenez la liste depuis le début.',
    'The cursor is invalid: start the list anew.',
  ],
  draining: ['unavailable', 'Ce serveur est en cours d’arrêt.', 'This server is stopping.'],
  internal: [
    'internal',
    "Une erreur interne s'est produite; elle est enregistrée sous ce numéro de requête.",
    'An internal error occurred; it is recorded under this request id.',
  ],
})

import { Type } from 'typebox'
import { Nullable } from '#src/http/schema-parts.ts'

const PushTarget = {
  push_token: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'FCM registration token' })),
  push_fid: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Firebase installation id' })),
}

export const DeviceSchema = Type.Object(
  {
    id: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'stable per installation of the app' })),
    name: Type.Optional(Type.String({ maxLength: 200 })),
    platform: Type.Union([Type.Literal('android'), Type.Literal('ios'), Type.Literal('web')]),
    ...PushTarget,
  },
  { additionalProperties: false },
)

const Secret = Type.String({ minLength: 1, maxLength: 200 })

export const LoginBody = Type.Union(
  [
    Type.Object(
      { phone: Type.String({ minLength: 1, maxLength: 40 }), pin: Secret, device: Type.Optional(DeviceSchema) },
      { additionalProperties: false, title: 'customer' },
    ),
    Type.Object(
      { login: Type.String({ minLength: 1, maxLength: 100 }), password: Secret, device: Type.Optional(DeviceSchema) },
      { additionalProperties: false, title: 'staff' },
    ),
  ],
  { examples: [{ phone: '+221770000001', pin: '2468' }] },
)

export const RefreshBody = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 500 }) },
  { additionalProperties: false, examples: [{ refresh_token: 'q0hY3b0n2u0mF5h8m7r4wQ' }] },
)

/** Exactly one of the two: which kind of target it is decides how FCM is addressed. */
export const PushTargetBody = Type.Union(
  [
    Type.Object({ push_token: Type.String({ minLength: 1, maxLength: 4096 }) }, { additionalProperties: false }),
    Type.Object({ push_fid: Type.String({ minLength: 1, maxLength: 256 }) }, { additionalProperties: false }),
  ],
  { examples: [{ push_fid: 'dQw4w9WgXcQ' }] },
)

export const ChangePinBody = Type.Object(
  { old_pin: Secret, new_pin: Secret },
  { additionalProperties: false, examples: [{ old_pin: '2468', new_pin: '9371' }] },
)
export const ChangePasswordBody = Type.Object(
  { old_password: Secret, new_password: Secret },
  { additionalProperties: false, examples: [{ old_password: 'the old password', new_password: 'a better password' }] },
)

const userFields = {
  id: Type.String({ format: 'uuid' }),
  role: Type.String({ enum: ['customer', 'agent', 'admin', 'service'] }),
  first_name: Type.String(),
  last_name: Type.String(),
  phone: Nullable(Type.String()),
  language: Type.String({ enum: ['fr', 'en'] }),
}

const user = {
  id: '3f0c7a52-9d1e-4f6b-8a34-5c2e9b7d1a60',
  role: 'customer',
  first_name: 'Awa',
  last_name: 'Ndiaye',
  phone: '+221770000001',
  language: 'fr',
}

export const LoginAnswer = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'seconds' }),
    refresh_token: Type.String(),
    refresh_expires_in: Type.Integer({ description: 'seconds' }),
    user: Type.Object(userFields),
  },
  {
    examples: [
      {
        access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…',
        token_type: 'Bearer',
        expires_in: 900,
        refresh_token: 'q0hY3b0n2u0mF5h8m7r4wQ',
        refresh_expires_in: 2_592_000,
        user,
      },
    ],
  },
)

export const ProfileAnswer = Type.Object(
  {
    ...userFields,
    agency: Nullable(Type.Object({ code: Type.String(), name: Type.String() })),
    created_at: Type.String({ format: 'date-time' }),
  },
  { examples: [{ ...user, agency: null, created_at: '2026-11-22T08:30:00.000Z' }] },
)

export const UserParams = Type.Object({ id: Type.String({ format: 'uuid' }) })

/** The accounts that anyone may use: they exist in embedded mode alone. */
export const DEMO_LOGINS = {
  customer1: { phone: '+221770000001', pin: '2468' },
  customer2: { phone: '+221770000002', pin: '1357' },
  agent: { login: 'agent.demo', password: 'demo-agent-2026' },
  admin: { login: 'admin.demo', password: 'demo-admin-2026' },
} as const

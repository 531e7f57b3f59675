-- People who log in, the devices that they use, and their sessions.

create table agency (
  id uuid primary key default gen_random_uuid(),
  code text not null unique check (code ~ '^[A-Z0-9][A-Z0-9_-]{1,31}$'),
  name text not null,
  -- The name as SIC spells it: the only key by which the sources know an agency.
  source_name text not null unique,
  created_at timestamptz not null default now()
);

create table account (
  id uuid primary key default gen_random_uuid(),
  role text not null check (role in ('customer', 'agent', 'admin', 'service')),
  phone text unique check (phone ~ '^\+221[37][0-9]{8}$'),
  login text unique check (login = lower(login)),
  secret_hash text not null,
  first_name text not null default '',
  last_name text not null default '',
  language text not null default 'fr' check (language in ('fr', 'en')),
  agency_id uuid references agency,
  disabled_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint account_customers_have_phones check ((role = 'customer') = (phone is not null)),
  constraint account_staff_have_logins check ((role = 'customer') = (login is null)),
  constraint account_agents_have_agencies check ((role = 'agent') = (agency_id is not null))
);

create table device (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references account on delete cascade,
  -- Chosen by the app, stable per installation. Null for a client that names none.
  installation_id text,
  name text,
  platform text not null check (platform in ('android', 'ios', 'web')),
  target_kind text check (target_kind in ('token', 'fid')),
  target text,
  target_renewed_at timestamptz,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  unique (account_id, installation_id),
  constraint device_target_whole check ((target is null) = (target_kind is null))
);
-- One target is one device: what leaves for it must reach one person's phone alone.
create unique index device_target_once on device (target_kind, target) where target is not null;
create index device_installation on device (installation_id) where installation_id is not null;

create table session (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references account on delete cascade,
  device_id uuid references device on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text check (end_reason in ('logout', 'refresh_reuse', 'secret_changed', 'replaced')),
  constraint session_end_has_reason check ((ended_at is null) = (end_reason is null))
);
create index session_live_by_account on session (account_id) where ended_at is null;
create index session_live_by_device on session (device_id) where ended_at is null;
-- Read by every API process to mirror what was ended of late.
create index session_ended on session (ended_at) where ended_at is not null;
create index session_expiry on session (expires_at);

-- Every refresh token of a session, the spent ones too: a spent one that comes back is theft.
create table refresh_token (
  hash bytea primary key,
  session_id uuid not null references session on delete cascade,
  issued_at timestamptz not null default now(),
  spent_at timestamptz
);
create index refresh_token_session on refresh_token (session_id);

-- Failed logins, kept under a hash of who was tried: unknown names are counted like known ones, and none is stored.
create table login_guard (
  key bytea primary key,
  failures integer not null check (failures > 0),
  last_failure_at timestamptz not null,
  locked_until timestamptz
);
create index login_guard_age on login_guard (last_failure_at);

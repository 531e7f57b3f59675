-- Meters, and who may see them.

create table meter (
  id uuid primary key default gen_random_uuid(),
  kind text not null check (kind in ('prepaid', 'postpaid')),
  -- What a customer types: the number on a Woyofal meter, or the contract account of a classic one.
  number text not null,
  -- Point of supply of a prepaid meter. A number alone is reused when a meter moves.
  police text,
  agency_id uuid references agency,
  tariff_class text check (tariff_class in ('DPP', 'PPP', 'DMP', 'PMP')),
  phase text check (phase in ('single', 'three')),
  created_at timestamptz not null default now(),
  constraint meter_prepaid_has_police check ((kind = 'prepaid') = (police is not null))
);
create unique index meter_prepaid_once on meter (number, police) where kind = 'prepaid';
create unique index meter_postpaid_once on meter (number) where kind = 'postpaid';
create index meter_agency on meter (agency_id);

create table meter_link (
  id uuid primary key default gen_random_uuid(),
  meter_id uuid not null references meter,
  account_id uuid not null references account on delete cascade,
  role text not null check (role in ('owner', 'shared')),
  state text not null check (state in ('pending', 'accepted', 'refused', 'revoked')),
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  unique (meter_id, account_id)
);
create index meter_link_account on meter_link (account_id) where state = 'accepted';
create unique index meter_link_one_owner on meter_link (meter_id) where role = 'owner' and state = 'accepted';
create unique index meter_link_one_default on meter_link (account_id) where is_default;

-- Asking to see a meter, deciding on it, and proving a phone by a one-time code.

alter table meter_link
  -- When it was last asked for: a link that ended can be asked for anew.
  add column asked_at timestamptz(3) not null default now(),
  add column decided_by uuid references account on delete set null,
  add constraint meter_link_default_is_accepted check (not is_default or state = 'accepted');
update meter_link set asked_at = created_at;
-- What agents are to validate, the oldest first; few at any time.
create index meter_link_waiting on meter_link (asked_at, id) where state = 'pending';
create index meter_link_asked_by on meter_link (account_id) where state = 'pending';

create table one_time_code (
  id uuid primary key,
  account_id uuid not null references account on delete cascade,
  purpose text not null check (purpose in ('meter_owner')),
  -- What the code opens: for meter_owner, the meter.
  subject_id uuid not null,
  phone text not null check (phone ~ '^\+221[37][0-9]{8}$'),
  -- Keyed: from a plain hash, six digits are found in no time.
  code_hash bytea not null,
  tries smallint not null default 0 check (tries >= 0),
  sent_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  spent_at timestamptz(3)
);
create index one_time_code_account on one_time_code (account_id, sent_at);
create index one_time_code_phone on one_time_code (phone, sent_at);
create index one_time_code_age on one_time_code (sent_at);

-- What an account wants to be pushed. No row: everything, at any time.

create table push_preference (
  account_id uuid primary key references account on delete cascade,
  muted_types text[] not null default '{}',
  -- Times of day in Africa/Dakar; until may be on the next day.
  quiet_from time(0),
  quiet_until time(0),
  updated_at timestamptz(3) not null,
  constraint push_preference_quiet_whole check ((quiet_from is null) = (quiet_until is null)),
  constraint push_preference_quiet_some check (quiet_from <> quiet_until)
);

-- What the utility's databases told us about each meter, and as of when we know it.

-- One row per prepaid sale or postpaid bill. No foreign key: rows are written only under a lock of their meter's row,
-- and checking each of them would halve the speed of bulk loads.
create table consumption_entry (
  meter_id uuid not null,
  -- The day of Africa/Dakar on which the sale or bill counts, whole.
  day date not null,
  -- The source's own key: order number or bill id.
  source_key text not null,
  occurred_at timestamptz not null,
  energy_kwh numeric(14, 3) not null,
  -- What was paid or billed, rounded to whole francs once, here.
  amount_xof bigint not null,
  -- Every column as the source delivered it.
  delivered jsonb not null,
  -- When this content was first seen; a refresh that finds it unchanged leaves it alone.
  fetched_at timestamptz not null,
  primary key (meter_id, day, source_key)
) partition by range (day);

do $$
begin
  for year in 2010..2036 loop
    execute format(
      'create table consumption_entry_%s partition of consumption_entry for values from (%L) to (%L)',
      year, year || '-01-01', (year + 1) || '-01-01');
  end loop;
end
$$;
create table consumption_entry_other partition of consumption_entry default;

-- The watermark of a meter, written with the entries it speaks of. No row: nothing is known of the meter yet.
create table meter_reading_state (
  meter_id uuid primary key references meter on delete cascade,
  -- The entries of the recent window are those that the source had at this time.
  read_at timestamptz not null,
  -- The same for the whole history.
  whole_history_at timestamptz not null,
  check (whole_history_at <= read_at)
);

-- Sums per month beside the entries, an index that answers a read alone, and years of partitions that come and go.

-- A read of a year then touches pages of the index alone: the rows are wide, and those of one meter lie far apart.
alter table consumption_entry
  drop constraint consumption_entry_pkey,
  add primary key (meter_id, day, source_key) include (energy_kwh, amount_xof);

-- What the entries of a meter sum up to in a month, for reads by whole months. Written in the transaction that writes
-- the entries, from the entries.
create table consumption_month (
  meter_id uuid not null,
  -- Its first day.
  month date not null check (extract(day from month) = 1),
  energy_kwh numeric(18, 3) not null,
  amount_xof bigint not null,
  entries integer not null check (entries > 0),
  primary key (meter_id, month)
) partition by range (month);
create table consumption_month_other partition of consumption_month default;

-- Whether the meter's months are summed. Entries that were loaded past the product have none until its next reading.
alter table meter_reading_state add column has_months boolean not null default false;

-- A partition of a year of `parent`, whose rows are dated by `dated`. What waited for it in the default partition
-- moves there. False when it is there already. A reader that holds the table for long makes it fail, to be tried again.
create function add_year_partition(parent text, dated text, year integer) returns boolean
language plpgsql set lock_timeout = '2s' as $$
declare
  partition text := format('%s_%s', parent, year);
  first_day date := make_date(year, 1, 1);
  next_day date := make_date(year + 1, 1, 1);
begin
  if to_regclass(partition) is not null then return false; end if;
  -- Whoever comes second waits here, and must look again.
  execute format('lock table %I in access exclusive mode', parent || '_other');
  if to_regclass(partition) is not null then return false; end if;
  execute format('create table %I (like %I including all)', partition, parent);
  execute format(
    'with moved as (delete from %I where %I >= %L and %I < %L returning *) insert into %I select * from moved',
    parent || '_other', dated, first_day, dated, next_day, partition);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, partition, first_day, next_day);
  return true;
end
$$;

-- Drops the partitions of `parent` whose years end before `first_year`, and older rows of the default partition.
-- One row for each partition that lost rows or went: its name and how many rows it held.
create function drop_years_before(parent text, dated text, first_year integer)
returns table (partition text, rows bigint)
language plpgsql set lock_timeout = '2s' as $$
begin
  for partition in
    select child.relname::text from pg_inherits
    join pg_class child on child.oid = inhrelid
    where inhparent = parent::regclass and child.relname ~ ('^' || parent || '_\d{4}$')
      and right(child.relname, 4)::integer < first_year
    order by 1
  loop
    -- Detached before it is counted: from then on nobody adds to it.
    execute format('alter table %I detach partition %I', parent, partition);
    execute format('select count(*) from %I', partition) into rows;
    execute format('drop table %I', partition);
    return next;
  end loop;
  partition := parent || '_other';
  execute format('delete from %I where %I < %L', partition, dated, make_date(first_year, 1, 1));
  get diagnostics rows = row_count;
  if rows > 0 then return next; end if;
end
$$;

do $$
begin
  for year in 2010..2036 loop
    perform add_year_partition('consumption_month', 'month', year);
  end loop;
end
$$;

-- Partitions of years come and go while other processes make and drop them too, and hold up readers for moments alone.

-- As before, but one at a time: making a partition locks the default one and then the parent, dropping one the other
-- way round.
create or replace function add_year_partition(parent text, dated text, year integer) returns boolean
language plpgsql set lock_timeout = '2s' as $$
declare
  partition text := format('%s_%s', parent, year);
  first_day date := make_date(year, 1, 1);
  next_day date := make_date(year + 1, 1, 1);
begin
  if to_regclass(partition) is not null then return false; end if;
  perform pg_advisory_xact_lock(hashtext('years of'), hashtext(parent));
  execute format('lock table %I in access exclusive mode', parent || '_other');
  -- Whoever comes second has waited, and must look again; only the lock of a table makes it see what others have made.
  if to_regclass(partition) is not null then return false; end if;
  execute format('create table %I (like %I including all)', partition, parent);
  execute format(
    'with moved as (delete from %I where %I >= %L and %I < %L returning *) insert into %I select * from moved',
    parent || '_other', dated, first_day, dated, next_day, partition);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, partition, first_day, next_day);
  return true;
end
$$;

-- As before, but counted before anything is locked, which takes long where there are many rows: nobody writes to years
-- that are over. Nothing at all while another process does it.
create or replace function drop_years_before(parent text, dated text, first_year integer)
returns table (partition text, rows bigint)
language plpgsql set lock_timeout = '2s' as $$
declare
  over text[];
  held bigint[];
begin
  if not pg_try_advisory_xact_lock(hashtext('years of'), hashtext(parent)) then return; end if;
  for partition in
    select child.relname::text from pg_inherits
    join pg_class child on child.oid = inhrelid
    where inhparent = parent::regclass and child.relname ~ ('^' || parent || '_\d{4}$')
      and right(child.relname, 4)::integer < first_year
    order by 1
  loop
    execute format('select count(*) from %I', partition) into rows;
    over := over || partition;
    held := held || rows;
  end loop;
  for place in 1 .. coalesce(cardinality(over), 0) loop
    execute format('alter table %I detach partition %I', parent, over[place]);
    execute format('drop table %I', over[place]);
    partition := over[place];
    rows := held[place];
    return next;
  end loop;
  partition := parent || '_other';
  execute format('delete from %I where %I < %L', partition, dated, make_date(first_year, 1, 1));
  get diagnostics rows = row_count;
  if rows > 0 then return next; end if;
end
$$;

-- What users' consumption is answered from, as one function: PostgreSQL keeps the plan of a statement inside it for as
-- long as the connection lives, behind PgBouncer too, where statements of a client cannot be prepared. Planned anew
-- each time, the partitions make the planning cost several times what the reading does.

-- The meters that each account owns or was let see, the oldest link first, with as of when each is known and its months
-- as [first day, watt-hours, francs], in order. Of one agency's meters alone when that is given. Without a first month,
-- and where months are not summed, there are none.
create function consumption_known(asked_accounts uuid[], asked_agency uuid, first_month date, next_month date)
returns table (
  account_id uuid, id uuid, kind text, number text, police text, role text,
  read_at timestamptz, whole_history_at timestamptz, has_months boolean, months json
)
-- With the parameters as they are, so that it stays one plan: which partitions are read is found out as it runs.
language plpgsql stable rows 10 set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
    select link.account_id, meter.id, meter.kind, meter.number, meter.police, link.role,
      state.read_at, state.whole_history_at, state.has_months,
      (select json_agg(json_build_array(month, (energy_kwh * 1000)::bigint, amount_xof) order by month)
        from consumption_month
        where meter_id = meter.id and state.has_months and month >= first_month and month < next_month)
    from meter_link link
    join meter on meter.id = link.meter_id
    left join meter_reading_state state on state.meter_id = meter.id
    where link.account_id = any (asked_accounts) and link.state = 'accepted'
      and (asked_agency is null or meter.agency_id = asked_agency)
    order by link.created_at, meter.id;
end
$$;

-- Carried by the key, as by that of the entries: a read of months touches pages of the index alone.
alter table consumption_month
  drop constraint consumption_month_pkey,
  add primary key (meter_id, month) include (energy_kwh, amount_xof);

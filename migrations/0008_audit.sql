-- Who did what: added to, and never changed. No foreign keys: what it says outlives what it is about.

create table audit_entry (
  id bigint generated always as identity primary key,
  -- By the database's clock, one for all processes.
  at timestamptz(3) not null default now(),
  actor_id uuid not null,
  actor_role text not null check (actor_role in ('customer', 'agent', 'admin', 'service')),
  action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
  subject_id uuid,
  details jsonb not null check (jsonb_typeof(details) = 'object')
);
create index audit_entry_newest on audit_entry (at desc, id desc);
create index audit_entry_actor on audit_entry (actor_id, at desc, id desc);
create index audit_entry_subject on audit_entry (subject_id, at desc, id desc) where subject_id is not null;

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'entries of the audit log are never changed' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_entry_append_only before update or delete or truncate on audit_entry
  for each statement execute function refuse_audit_change();

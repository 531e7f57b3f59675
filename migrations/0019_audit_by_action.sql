-- Looks by staff are most of the log: without it, the few entries of another kind are found by reading all of them.
create index audit_entry_action on audit_entry (action, at desc, id desc);

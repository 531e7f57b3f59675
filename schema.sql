-- What migrations/ make, for reading. Made by `npm run generate`; `npm test` compares it.

create table account (
  id uuid not null default gen_random_uuid(),
  role text not null,
  phone text,
  login text,
  secret_hash text not null,
  first_name text not null default ''::text,
  last_name text not null default ''::text,
  language text not null default 'fr'::text,
  agency_id uuid,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint account_pkey PRIMARY KEY (id),
  constraint account_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES agency(id),
  constraint account_agents_have_agencies CHECK (((role = 'agent'::text) = (agency_id IS NOT NULL))),
  constraint account_customers_have_phones CHECK (((role = 'customer'::text) = (phone IS NOT NULL))),
  constraint account_language_check CHECK ((language = ANY (ARRAY['fr'::text, 'en'::text]))),
  constraint account_login_check CHECK ((login = lower(login))),
  constraint account_login_key UNIQUE (login),
  constraint account_phone_check CHECK ((phone ~ '^\+221[37][0-9]{8}$'::text)),
  constraint account_phone_key UNIQUE (phone),
  constraint account_role_check CHECK ((role = ANY (ARRAY['customer'::text, 'agent'::text, 'admin'::text, 'service'::text]))),
  constraint account_staff_have_logins CHECK (((role = 'customer'::text) = (login IS NULL)))
);
CREATE INDEX account_customer ON public.account USING btree (id) WHERE ((role = 'customer'::text) AND (disabled_at IS NULL));

create table agency (
  id uuid not null default gen_random_uuid(),
  code text not null,
  name text not null,
  source_name text not null,
  created_at timestamp with time zone not null default now(),
  constraint agency_pkey PRIMARY KEY (id),
  constraint agency_code_check CHECK ((code ~ '^[A-Z0-9][A-Z0-9_-]{1,31}$'::text)),
  constraint agency_code_key UNIQUE (code),
  constraint agency_source_name_key UNIQUE (source_name)
);

create table audit_entry (
  id bigint not null generated as identity,
  at timestamp(3) with time zone not null default now(),
  actor_id uuid not null,
  actor_role text not null,
  action text not null,
  subject_id uuid,
  details jsonb not null,
  constraint audit_entry_pkey PRIMARY KEY (id),
  constraint audit_entry_action_check CHECK ((action ~ '^[a-z_]+\.[a-z_]+$'::text)),
  constraint audit_entry_actor_role_check CHECK ((actor_role = ANY (ARRAY['customer'::text, 'agent'::text, 'admin'::text, 'service'::text]))),
  constraint audit_entry_details_check CHECK ((jsonb_typeof(details) = 'object'::text))
);
CREATE INDEX audit_entry_action ON public.audit_entry USING btree (action, at DESC, id DESC);
CREATE INDEX audit_entry_actor ON public.audit_entry USING btree (actor_id, at DESC, id DESC);
CREATE INDEX audit_entry_newest ON public.audit_entry USING btree (at DESC, id DESC);
CREATE INDEX audit_entry_subject ON public.audit_entry USING btree (subject_id, at DESC, id DESC) WHERE (subject_id IS NOT NULL);
CREATE TRIGGER audit_entry_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

create table consumption_entry (
  meter_id uuid not null,
  day date not null,
  source_key text not null,
  occurred_at timestamp with time zone not null,
  energy_kwh numeric(14,3) not null,
  amount_xof bigint not null,
  delivered jsonb not null,
  fetched_at timestamp with time zone not null,
  constraint consumption_entry_pkey PRIMARY KEY (meter_id, day, source_key) INCLUDE (energy_kwh, amount_xof)
) partition by range (day);

create table consumption_month (
  meter_id uuid not null,
  month date not null,
  energy_kwh numeric(18,3) not null,
  amount_xof bigint not null,
  entries integer not null,
  constraint consumption_month_pkey PRIMARY KEY (meter_id, month) INCLUDE (energy_kwh, amount_xof),
  constraint consumption_month_entries_check CHECK ((entries > 0)),
  constraint consumption_month_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
) partition by range (month);

create table delivery (
  notification_id uuid not null,
  device_id uuid not null,
  state text not null,
  attempts smallint not null,
  first_tried_at timestamp(3) with time zone not null,
  next_attempt_at timestamp(3) with time zone,
  provider_id text,
  reason text,
  maybe_duplicate boolean not null default false,
  updated_at timestamp(3) with time zone not null,
  constraint delivery_pkey PRIMARY KEY (notification_id, device_id),
  constraint delivery_attempts_check CHECK (((attempts > 0) OR (state = ANY (ARRAY['held'::text, 'failed'::text])))),
  constraint delivery_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES notification(id) ON DELETE CASCADE,
  constraint delivery_open_has_next CHECK (((state = ANY (ARRAY['pending'::text, 'retrying'::text, 'held'::text])) = (next_attempt_at IS NOT NULL))),
  constraint delivery_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text, 'dead'::text, 'retrying'::text, 'held'::text, 'expired'::text])))
);
CREATE INDEX delivery_open ON public.delivery USING btree (notification_id, next_attempt_at) WHERE (state = ANY (ARRAY['pending'::text, 'retrying'::text, 'held'::text]));
CREATE INDEX delivery_retrying ON public.delivery USING btree (updated_at) WHERE (state = 'retrying'::text);
CREATE INDEX delivery_updated ON public.delivery USING btree (updated_at);

create table delivery_tally (
  notification_id uuid not null,
  state text not null,
  devices integer not null,
  constraint delivery_tally_pkey PRIMARY KEY (notification_id, state),
  constraint delivery_tally_devices_check CHECK ((devices > 0)),
  constraint delivery_tally_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES notification(id) ON DELETE CASCADE
);

create table device (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  installation_id text,
  name text,
  platform text not null,
  target_kind text,
  target text,
  target_renewed_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  last_seen_at timestamp with time zone not null default now(),
  constraint device_pkey PRIMARY KEY (id),
  constraint device_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint device_account_id_installation_id_key UNIQUE (account_id, installation_id),
  constraint device_platform_check CHECK ((platform = ANY (ARRAY['android'::text, 'ios'::text, 'web'::text]))),
  constraint device_target_kind_check CHECK ((target_kind = ANY (ARRAY['token'::text, 'fid'::text]))),
  constraint device_target_whole CHECK (((target IS NULL) = (target_kind IS NULL)))
);
CREATE INDEX device_installation ON public.device USING btree (installation_id) WHERE (installation_id IS NOT NULL);
CREATE INDEX device_seen ON public.device USING btree (last_seen_at) WHERE (target IS NOT NULL);
CREATE UNIQUE INDEX device_target_once ON public.device USING btree (target_kind, target) WHERE (target IS NOT NULL);

create table idempotency_key (
  account_id uuid not null,
  key text not null,
  body_hash bytea not null,
  status smallint not null,
  answer jsonb not null,
  created_at timestamp with time zone not null,
  constraint idempotency_key_pkey PRIMARY KEY (account_id, key),
  constraint idempotency_key_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint idempotency_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
);
CREATE INDEX idempotency_key_age ON public.idempotency_key USING btree (created_at);

create table lease (
  name text not null,
  holder uuid not null,
  until timestamp with time zone not null,
  constraint lease_pkey PRIMARY KEY (name)
);

create table login_guard (
  key bytea not null,
  failures integer not null,
  last_failure_at timestamp with time zone not null,
  locked_until timestamp with time zone,
  constraint login_guard_pkey PRIMARY KEY (key),
  constraint login_guard_failures_check CHECK ((failures > 0))
);
CREATE INDEX login_guard_age ON public.login_guard USING btree (last_failure_at);

create table meter (
  id uuid not null default gen_random_uuid(),
  kind text not null,
  number text not null,
  police text,
  agency_id uuid,
  tariff_class text,
  phase text,
  created_at timestamp with time zone not null default now(),
  constraint meter_pkey PRIMARY KEY (id),
  constraint meter_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES agency(id),
  constraint meter_kind_check CHECK ((kind = ANY (ARRAY['prepaid'::text, 'postpaid'::text]))),
  constraint meter_phase_check CHECK ((phase = ANY (ARRAY['single'::text, 'three'::text]))),
  constraint meter_prepaid_has_police CHECK (((kind = 'prepaid'::text) = (police IS NOT NULL))),
  constraint meter_tariff_class_check CHECK ((tariff_class = ANY (ARRAY['DPP'::text, 'PPP'::text, 'DMP'::text, 'PMP'::text])))
);
CREATE INDEX meter_agency ON public.meter USING btree (agency_id);
CREATE UNIQUE INDEX meter_postpaid_once ON public.meter USING btree (number) WHERE (kind = 'postpaid'::text);
CREATE UNIQUE INDEX meter_prepaid_once ON public.meter USING btree (number, police) WHERE (kind = 'prepaid'::text);

create table meter_link (
  id uuid not null default gen_random_uuid(),
  meter_id uuid not null,
  account_id uuid not null,
  role text not null,
  state text not null,
  is_default boolean not null default false,
  created_at timestamp with time zone not null default now(),
  decided_at timestamp with time zone,
  asked_at timestamp(3) with time zone not null default now(),
  decided_by uuid,
  constraint meter_link_pkey PRIMARY KEY (id),
  constraint meter_link_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint meter_link_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES account(id) ON DELETE SET NULL,
  constraint meter_link_default_is_accepted CHECK (((NOT is_default) OR (state = 'accepted'::text))),
  constraint meter_link_meter_id_account_id_key UNIQUE (meter_id, account_id),
  constraint meter_link_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES meter(id),
  constraint meter_link_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'shared'::text]))),
  constraint meter_link_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'accepted'::text, 'refused'::text, 'revoked'::text])))
);
CREATE INDEX meter_link_account ON public.meter_link USING btree (account_id) WHERE (state = 'accepted'::text);
CREATE INDEX meter_link_asked_by ON public.meter_link USING btree (account_id, asked_at) WHERE (state <> 'accepted'::text);
CREATE INDEX meter_link_waiting ON public.meter_link USING btree (asked_at, id) WHERE (state = 'pending'::text);
CREATE UNIQUE INDEX meter_link_one_default ON public.meter_link USING btree (account_id) WHERE is_default;
CREATE UNIQUE INDEX meter_link_one_owner ON public.meter_link USING btree (meter_id) WHERE ((role = 'owner'::text) AND (state = 'accepted'::text));

create table meter_reading_state (
  meter_id uuid not null,
  read_at timestamp with time zone not null,
  whole_history_at timestamp with time zone not null,
  has_months boolean not null default false,
  is_idle boolean not null default false,
  constraint meter_reading_state_pkey PRIMARY KEY (meter_id),
  constraint meter_reading_state_check CHECK ((whole_history_at <= read_at)),
  constraint meter_reading_state_meter_id_fkey FOREIGN KEY (meter_id) REFERENCES meter(id) ON DELETE CASCADE
);
CREATE INDEX meter_reading_state_line ON public.meter_reading_state USING btree (read_at, meter_id) WHERE (NOT is_idle);

create table notification (
  id uuid not null,
  sender_id uuid,
  type text not null,
  title text not null,
  body text not null,
  data jsonb not null,
  priority text not null,
  audience jsonb not null,
  task_id uuid not null,
  state text not null,
  recipients integer not null,
  fanned_out_at timestamp(3) with time zone,
  queued_at timestamp(3) with time zone not null,
  first_sent_at timestamp(3) with time zone,
  done_at timestamp(3) with time zone,
  is_broadcast boolean not null default false,
  agency_id uuid,
  visible_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone,
  fanned_out_through uuid,
  cancelled_at timestamp(3) with time zone,
  cancelled_by uuid,
  constraint notification_pkey PRIMARY KEY (id),
  constraint notification_agency_id_fkey FOREIGN KEY (agency_id) REFERENCES agency(id),
  constraint notification_cancelled_by_fkey FOREIGN KEY (cancelled_by) REFERENCES account(id) ON DELETE SET NULL,
  constraint notification_cancelled_has_time CHECK (((state = 'cancelled'::text) = (cancelled_at IS NOT NULL))),
  constraint notification_done_has_time CHECK (((state = 'done'::text) = (done_at IS NOT NULL))),
  constraint notification_priority_check CHECK ((priority = ANY (ARRAY['urgent'::text, 'high'::text, 'normal'::text, 'low'::text]))),
  constraint notification_recipients_check CHECK ((recipients >= 0)),
  constraint notification_sender_id_fkey FOREIGN KEY (sender_id) REFERENCES account(id) ON DELETE SET NULL,
  constraint notification_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sending'::text, 'done'::text, 'cancelled'::text])))
);
CREATE INDEX notification_broadcast ON public.notification USING btree (visible_at DESC, id DESC) WHERE is_broadcast;
CREATE INDEX notification_broadcast_shown ON public.notification USING btree (agency_id, visible_at DESC, id DESC) WHERE (is_broadcast AND ((state <> 'cancelled'::text) OR (first_sent_at IS NOT NULL) OR (fanned_out_through IS NOT NULL) OR (fanned_out_at IS NOT NULL)));
CREATE INDEX notification_sender ON public.notification USING btree (sender_id);
CREATE INDEX notification_unfinished ON public.notification USING btree (queued_at) WHERE (state = ANY (ARRAY['queued'::text, 'sending'::text]));
CREATE INDEX notification_visible ON public.notification USING btree (visible_at);
CREATE INDEX notification_withdrawn ON public.notification USING btree (id) WHERE ((state = 'cancelled'::text) AND (first_sent_at IS NULL) AND (fanned_out_through IS NULL) AND (fanned_out_at IS NULL));

create table notification_chunk (
  notification_id uuid not null,
  number integer not null,
  after_account uuid not null,
  through_account uuid not null,
  done_at timestamp(3) with time zone,
  recipients integer not null default 0,
  devices_left integer not null default 0,
  settled_through uuid not null,
  sending_through uuid,
  lease integer not null default 0,
  leased_until timestamp(3) with time zone,
  sent integer not null default 0,
  muted integer not null default 0,
  expired integer not null default 0,
  constraint notification_chunk_pkey PRIMARY KEY (notification_id, number),
  constraint notification_chunk_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES notification(id) ON DELETE CASCADE
);
CREATE INDEX notification_chunk_done ON public.notification_chunk USING btree (done_at) WHERE (done_at IS NOT NULL);
CREATE INDEX notification_chunk_open ON public.notification_chunk USING btree (notification_id) WHERE (done_at IS NULL);

create table notification_receipt (
  account_id uuid not null,
  notification_id uuid not null,
  read_at timestamp(3) with time zone not null,
  constraint notification_receipt_pkey PRIMARY KEY (account_id, notification_id),
  constraint notification_receipt_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint notification_receipt_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES notification(id) ON DELETE CASCADE
);
CREATE INDEX notification_receipt_notification ON public.notification_receipt USING btree (notification_id);

create table notification_recipient (
  notification_id uuid not null,
  account_id uuid not null,
  visible_at timestamp(3) with time zone not null,
  read_at timestamp(3) with time zone,
  constraint notification_recipient_pkey PRIMARY KEY (notification_id, account_id),
  constraint notification_recipient_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint notification_recipient_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES notification(id) ON DELETE CASCADE
);
CREATE INDEX notification_inbox ON public.notification_recipient USING btree (account_id, visible_at DESC, notification_id DESC);
CREATE INDEX notification_unread ON public.notification_recipient USING btree (account_id, visible_at DESC, notification_id DESC) WHERE (read_at IS NULL);

create table one_time_code (
  id uuid not null,
  account_id uuid not null,
  purpose text not null,
  subject_id uuid not null,
  phone text not null,
  code_hash bytea not null,
  tries smallint not null default 0,
  sent_at timestamp(3) with time zone not null,
  expires_at timestamp(3) with time zone not null,
  spent_at timestamp(3) with time zone,
  constraint one_time_code_pkey PRIMARY KEY (id),
  constraint one_time_code_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint one_time_code_phone_check CHECK ((phone ~ '^\+221[37][0-9]{8}$'::text)),
  constraint one_time_code_purpose_check CHECK ((purpose = 'meter_owner'::text)),
  constraint one_time_code_tries_check CHECK ((tries >= 0))
);
CREATE INDEX one_time_code_account ON public.one_time_code USING btree (account_id, sent_at);
CREATE INDEX one_time_code_age ON public.one_time_code USING btree (sent_at);
CREATE INDEX one_time_code_phone ON public.one_time_code USING btree (phone, sent_at);

create table outbox (
  key text not null,
  task_id uuid not null,
  task text not null,
  queue text not null,
  priority smallint not null,
  kwargs jsonb not null,
  not_before timestamp(3) with time zone not null,
  created_at timestamp with time zone not null default now(),
  constraint outbox_pkey PRIMARY KEY (key)
);
CREATE INDEX outbox_due ON public.outbox USING btree (not_before);

create table push_preference (
  account_id uuid not null,
  muted_types text[] not null default '{}'::text[],
  quiet_from time(0) without time zone,
  quiet_until time(0) without time zone,
  updated_at timestamp(3) with time zone not null,
  constraint push_preference_pkey PRIMARY KEY (account_id),
  constraint push_preference_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint push_preference_quiet_some CHECK ((quiet_from <> quiet_until)),
  constraint push_preference_quiet_whole CHECK (((quiet_from IS NULL) = (quiet_until IS NULL)))
);

create table refresh_token (
  hash bytea not null,
  session_id uuid not null,
  issued_at timestamp with time zone not null default now(),
  spent_at timestamp with time zone,
  constraint refresh_token_pkey PRIMARY KEY (hash),
  constraint refresh_token_session_id_fkey FOREIGN KEY (session_id) REFERENCES session(id) ON DELETE CASCADE
);
CREATE INDEX refresh_token_session ON public.refresh_token USING btree (session_id);

create table session (
  id uuid not null default gen_random_uuid(),
  account_id uuid not null,
  device_id uuid,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  constraint session_pkey PRIMARY KEY (id),
  constraint session_account_id_fkey FOREIGN KEY (account_id) REFERENCES account(id) ON DELETE CASCADE,
  constraint session_device_id_fkey FOREIGN KEY (device_id) REFERENCES device(id) ON DELETE SET NULL,
  constraint session_end_has_reason CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
  constraint session_end_reason_check CHECK ((end_reason = ANY (ARRAY['logout'::text, 'refresh_reuse'::text, 'secret_changed'::text, 'replaced'::text])))
);
CREATE INDEX session_ended ON public.session USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX session_expiry ON public.session USING btree (expires_at);
CREATE INDEX session_live_by_account ON public.session USING btree (account_id) WHERE (ended_at IS NULL);
CREATE INDEX session_live_by_device ON public.session USING btree (device_id) WHERE (ended_at IS NULL);

create table target_quarantine (
  device_id uuid not null,
  target text not null,
  reason text not null,
  since timestamp with time zone not null,
  constraint target_quarantine_pkey PRIMARY KEY (device_id),
  constraint target_quarantine_device_id_fkey FOREIGN KEY (device_id) REFERENCES device(id) ON DELETE CASCADE
);

create table task_attempt (
  task_id text not null,
  starts integer not null,
  last_started_at timestamp(3) with time zone not null,
  constraint task_attempt_pkey PRIMARY KEY (task_id),
  constraint task_attempt_starts_check CHECK ((starts > 0))
);
CREATE INDEX task_attempt_age ON public.task_attempt USING btree (last_started_at);

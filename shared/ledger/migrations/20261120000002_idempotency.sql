-- The first answer to each request, given again when the request comes again.
create table idempotency_keys (
    cycle_id uuid not null,
    report_id uuid not null,
    request_id uuid not null,
    method text not null,
    caller bigint not null,
    content_hash bytea not null check (octet_length(content_hash) = 32),
    answer bytea not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (cycle_id, report_id, request_id)
);
-- The sweep's way to the oldest.
create index idempotency_keys_age on idempotency_keys (recorded_at);

grant select, insert, delete on idempotency_keys to signoff_service;

-- What somebody records of a phase in a form of their own: subjects as those before it, of any phase, that never change.

create table records (
    cycle_id uuid not null,
    report_id uuid not null,
    id uuid not null,
    -- By its slug.
    phase text not null,
    -- Its state, whole: it has the fields that whoever made it gave it, and no others.
    data jsonb not null check (jsonb_typeof(data) = 'object' and data <> '{}'),
    revision bigint not null check (revision = 1),
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    record_no bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null,
    primary key (cycle_id, report_id, id),
    unique (id)
);

create function history_of_records() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into public.history (
        cycle_id, report_id, record_no, id, phase, subject_type, revision, change_type, changed_by, change_reason,
        new_state, occurred_at, recorded_at, origin)
    select
        f.cycle_id, f.report_id, f.record_no, f.id, f.phase, 'record', f.revision, f.change_type, f.changed_by,
        f.change_reason, f.data, f.occurred_at, f.recorded_at, f.origin
    from fresh f;
    return null;
end
$$;

create trigger records_made after insert on records referencing new table as fresh
for each statement execute function history_of_records();
create trigger records_stay before update or delete or truncate on records
for each statement execute function audit_refuse_change();

revoke all on function history_of_records() from public;
grant select, insert on records to signoff_service;

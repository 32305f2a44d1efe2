-- The history of everything in this database that changes: one row for each change of each subject, with its state
-- before and after. Triggers write it, so that no code can change something and leave it out; the service's role can
-- only read it.
--
-- A subject is a row of assignments, test_plans, test_cases, submissions, executions or actions. Each has the columns
-- of its last change (revision, change_type, changed_by, change_reason, record_no, occurred_at, recorded_at, origin);
-- all others, without the scope, are its state.

create table history (
    cycle_id uuid not null,
    report_id uuid not null,
    -- The record of the trail that tells of the change. No record changes a subject twice.
    record_no bigint not null check (record_no > 0),
    id uuid not null,
    history_id uuid not null default gen_random_uuid(),
    phase text not null,
    subject_type text not null,
    revision bigint not null check (revision > 0),
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    previous_state jsonb,
    new_state jsonb not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (cycle_id, report_id, record_no, id),
    check ((previous_state is null) = (revision = 1))
);
-- Partial, so that only a search by their own column can use them: for a look-up by record, on tables without statistics,
-- the planner would take them as readily as the primary key, and read whole workflows.
create unique index history_subject on history (cycle_id, report_id, id, revision) where revision is not null;
create index history_phase on history (cycle_id, report_id, phase, record_no, id) where phase is not null;
create index history_actor on history (cycle_id, report_id, changed_by, record_no, id) where changed_by is not null;
create index history_time on history (cycle_id, report_id, recorded_at, record_no) where recorded_at is not null;

-- Arguments: the phase, the subject's type, and columns that are no state.
create function history_of_new() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    left_out constant text [] := array[
        'cycle_id', 'report_id', 'revision', 'change_type', 'changed_by', 'change_reason', 'record_no', 'occurred_at',
        'recorded_at', 'origin'
    ] || tg_argv[2:];
begin
    insert into public.history (
        cycle_id, report_id, record_no, id, phase, subject_type, revision, change_type, changed_by, change_reason,
        new_state, occurred_at, recorded_at, origin)
    select
        f.cycle_id, f.report_id, f.record_no, f.id, tg_argv[0], tg_argv[1], f.revision, f.change_type, f.changed_by,
        f.change_reason, to_jsonb(f) - left_out, f.occurred_at, f.recorded_at, f.origin
    from fresh f;
    return null;
end
$$;

create function history_of_changed() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    left_out constant text [] := array[
        'cycle_id', 'report_id', 'revision', 'change_type', 'changed_by', 'change_reason', 'record_no', 'occurred_at',
        'recorded_at', 'origin'
    ] || tg_argv[2:];
begin
    insert into public.history (
        cycle_id, report_id, record_no, id, phase, subject_type, revision, change_type, changed_by, change_reason,
        previous_state, new_state, occurred_at, recorded_at, origin)
    select
        f.cycle_id, f.report_id, f.record_no, f.id, tg_argv[0], tg_argv[1], f.revision, f.change_type, f.changed_by,
        f.change_reason, to_jsonb(o) - left_out, to_jsonb(f) - left_out, f.occurred_at, f.recorded_at, f.origin
    from fresh f join former o using (cycle_id, report_id, id)
    where f.revision <> o.revision;
    return null;
end
$$;

-- A change that leaves no history, or one that goes back to another record, is none.
create function subject_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception '% of % does not allow this change', tg_argv[0], tg_table_name using errcode = 'SG101';
end
$$;

grant select on history to signoff_service;

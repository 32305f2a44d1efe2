-- What no code can get round: what may change, once, and that history and counts follow.

-- Assignments end, once; one that is to end in future may still end earlier.
create trigger assignments_guard before update on assignments for each row
when (
    new.ended is null
    or (old.ended is not null
        and (old.effective_to <= new.occurred_at or new.effective_to >= old.effective_to))
    or new.revision <> old.revision + 1 or new.record_no <= old.record_no
    or new.effective_to > old.effective_to
    or (old.cycle_id, old.report_id, old.id, old.data_owner_id, old.lob_id, old.assignment_type, old.effective_from,
        old.previous_assignment_id, old.created_by, old.created_at)
    is distinct from
    (new.cycle_id, new.report_id, new.id, new.data_owner_id, new.lob_id, new.assignment_type, new.effective_from,
        new.previous_assignment_id, new.created_by, new.created_at)
)
execute function subject_guard('the life');

-- Test cases move and are withdrawn with a plan; what follows from others changes without history.
create trigger test_cases_guard before update on test_cases for each row
when (
    (old.cycle_id, old.report_id, old.id, old.sample_item_key, old.attribute_id, old.created_at)
    is distinct from
    (new.cycle_id, new.report_id, new.id, new.sample_item_key, new.attribute_id, new.created_at)
    or (
        (old.lob_id, old.withdrawn, old.plan_number, old.change_type, old.changed_by, old.change_reason, old.record_no,
            old.occurred_at, old.recorded_at, old.origin, old.revision)
        is distinct from
        (new.lob_id, new.withdrawn, new.plan_number, new.change_type, new.changed_by, new.change_reason, new.record_no,
            new.occurred_at, new.recorded_at, new.origin, new.revision)
        and (new.revision <> old.revision + 1 or new.record_no <= old.record_no or new.plan_number <= old.plan_number)
    )
    -- A case keeps its chain.
    or (old.chain_id is not null and new.chain_id is distinct from old.chain_id)
)
execute function subject_guard('the life');

-- Submissions are reviewed once, and replaced once.
create trigger submissions_guard before update on submissions for each row
when (
    new.revision <> old.revision + 1 or new.record_no <= old.record_no
    or not old.is_current
    or (old.status <> 'pending_review' and (old.status, old.reviewed_by, old.reviewed_at, old.review_notes)
        is distinct from (new.status, new.reviewed_by, new.reviewed_at, new.review_notes))
    or (old.cycle_id, old.report_id, old.id, old.chain_id, old.main_chain_id, old.supplements_submission_id,
        old.evidence_no, old.document_id, old.document_version, old.document_type, old.submission_type, old.file_name,
        old.media_type, old.size_bytes, old.sha256, old.document_metadata, old.test_cases, old.submitted_by,
        old.submitted_at, old.revision_type, old.revision_reason, old.replaces_submission_id)
    is distinct from
    (new.cycle_id, new.report_id, new.id, new.chain_id, new.main_chain_id, new.supplements_submission_id,
        new.evidence_no, new.document_id, new.document_version, new.document_type, new.submission_type, new.file_name,
        new.media_type, new.size_bytes, new.sha256, new.document_metadata, new.test_cases, new.submitted_by,
        new.submitted_at, new.revision_type, new.revision_reason, new.replaces_submission_id)
)
execute function subject_guard('the life');

create function submissions_have_a_head() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if not exists (
        select from public.submissions s
        where s.cycle_id = new.cycle_id and s.report_id = new.report_id and s.chain_id = new.chain_id and s.is_current
    ) then
        raise exception 'a chain of submissions has a current head' using errcode = 'SG102';
    end if;
    return null;
end
$$;

create constraint trigger submissions_have_a_head after insert or update on submissions
deferrable initially deferred for each row
when (not new.is_current) execute function submissions_have_a_head();

-- Executions are concluded once, and never change again.
create trigger executions_guard before update on executions for each row
when (
    old.concluded_at is not null or new.concluded_at is null
    or new.revision <> old.revision + 1 or new.record_no <= old.record_no
    or (old.cycle_id, old.report_id, old.id, old.test_case_id, old.number, old.submission_id, old.main_chain_id,
        old.evidence_no, old.started_by, old.started_at)
    is distinct from
    (new.cycle_id, new.report_id, new.id, new.test_case_id, new.number, new.submission_id, new.main_chain_id,
        new.evidence_no, new.started_by, new.started_at)
)
execute function subject_guard('the life');

-- Actions get one response.
create trigger actions_guard before update on actions for each row
when (
    old.responded_at is not null or new.responded_at is null
    or new.revision <> old.revision + 1 or new.record_no <= old.record_no
    or (old.cycle_id, old.report_id, old.id, old.action_type, old.test_case_id, old.execution_id, old.action_details,
        old.requested_by, old.requested_at, old.request_reason)
    is distinct from
    (new.cycle_id, new.report_id, new.id, new.action_type, new.test_case_id, new.execution_id, new.action_details,
        new.requested_by, new.requested_at, new.request_reason)
)
execute function subject_guard('the life');

-- What begins, begins with revision 1, and nobody has decided on it.
create function subject_begins() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception 'a row of % begins with revision 1, and with nothing decided', tg_table_name using errcode = 'SG103';
end
$$;

create trigger assignments_begin before insert on assignments for each row
when (new.revision <> 1 or new.ended is not null) execute function subject_begins();
create trigger test_cases_begin before insert on test_cases for each row
when (
    new.revision <> 1 or new.withdrawn or new.chain_id is not null or new.latest_execution_id is not null
    or new.open_actions <> 0
)
execute function subject_begins();
create trigger submissions_begin before insert on submissions for each row
when (new.revision <> 1 or not new.is_current or new.status <> 'pending_review') execute function subject_begins();
create trigger executions_begin before insert on executions for each row
when (new.revision <> 1 or new.concluded_at is not null) execute function subject_begins();
create trigger actions_begin before insert on actions for each row
when (new.revision <> 1 or new.responded_at is not null) execute function subject_begins();

-- History.
create trigger assignments_made after insert on assignments referencing new table as fresh
for each statement execute function history_of_new('data_owner_id', 'assignment');
create trigger assignments_changed after update on assignments referencing old table as former new table as fresh
for each statement execute function history_of_changed('data_owner_id', 'assignment');
create trigger test_plans_made after insert on test_plans referencing new table as fresh
for each statement execute function history_of_new('data_owner_id', 'test_plan');
create trigger test_cases_made after insert on test_cases referencing new table as fresh
for each statement execute function history_of_new(
    'data_owner_id', 'test_case', 'chain_id', 'current_submission_id', 'evidence', 'latest_execution_id', 'tested', 'stale',
    'open_actions'
);
create trigger test_cases_changed after update on test_cases referencing old table as former new table as fresh
for each statement execute function history_of_changed(
    'data_owner_id', 'test_case', 'chain_id', 'current_submission_id', 'evidence', 'latest_execution_id', 'tested', 'stale',
    'open_actions'
);
create trigger submissions_made after insert on submissions referencing new table as fresh
for each statement execute function history_of_new('request_info', 'document');
create trigger submissions_changed after update on submissions referencing old table as former new table as fresh
for each statement execute function history_of_changed('request_info', 'document');
create trigger executions_made after insert on executions referencing new table as fresh
for each statement execute function history_of_new('test_execution', 'execution');
create trigger executions_changed after update on executions referencing old table as former new table as fresh
for each statement execute function history_of_changed('test_execution', 'execution');
create trigger actions_made after insert on actions referencing new table as fresh
for each statement execute function history_of_new('test_execution', 'action');
create trigger actions_changed after update on actions referencing old table as former new table as fresh
for each statement execute function history_of_changed('test_execution', 'action');

-- What test cases count for in their lanes: what they count for now, less what they counted for before.
-- A test case begins with nothing: it only counts for one.
create function lanes_of_new() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into public.lanes as l (cycle_id, report_id, lob_id, cases)
    select f.cycle_id, f.report_id, coalesce(f.lob_id, '00000000-0000-0000-0000-000000000000'), count(*)
    from fresh f
    group by 1, 2, 3
    on conflict (cycle_id, report_id, lob_id) do update set cases = l.cases + excluded.cases;
    return null;
end
$$;

create function lanes_of_changed() returns trigger language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
    insert into public.lanes (cycle_id, report_id, lob_id)
    select distinct f.cycle_id, f.report_id, coalesce(f.lob_id, '00000000-0000-0000-0000-000000000000')
    from fresh f
    on conflict do nothing;
    update public.lanes l set
        cases = l.cases + coalesce(d.cases, 0),
        with_document = l.with_document + coalesce(d.with_document, 0),
        accepted = l.accepted + coalesce(d.accepted, 0),
        in_test = l.in_test + coalesce(d.in_test, 0),
        executed = l.executed + coalesce(d.executed, 0),
        concluded = l.concluded + coalesce(d.concluded, 0),
        to_observe = l.to_observe + coalesce(d.to_observe, 0),
        stale = l.stale + coalesce(d.stale, 0),
        open_actions = l.open_actions + coalesce(d.open_actions, 0)
    from (
        select
            c.cycle_id, c.report_id, coalesce(c.lob_id, '00000000-0000-0000-0000-000000000000') as lob_id,
            sum(c.sign) as cases,
            sum(c.sign) filter (where c.evidence in ('pending', 'accepted')) as with_document,
            sum(c.sign) filter (where c.evidence = 'accepted') as accepted,
            sum(c.sign) filter (where c.tested = 'open' and c.evidence in ('pending', 'accepted')) as in_test,
            sum(c.sign) filter (where c.tested in ('pass', 'fail', 'inconclusive')) as executed,
            sum(c.sign) filter (
                where c.tested in ('pass', 'fail', 'inconclusive') and not c.stale and c.evidence in ('pending', 'accepted')
            ) as concluded,
            sum(c.sign) filter (
                where c.tested in ('fail', 'inconclusive') and not c.stale and c.evidence in ('pending', 'accepted')
            ) as to_observe,
            sum(c.sign) filter (where c.stale) as stale,
            sum(c.sign * c.open_actions) as open_actions
        from (select 1 as sign, f.* from fresh f union all select -1 as sign, o.* from former o) c
        where not c.withdrawn
        group by 1, 2, 3
    ) d
    where l.cycle_id = d.cycle_id and l.report_id = d.report_id and l.lob_id = d.lob_id;
    return null;
end
$$;

create trigger test_cases_count_new after insert on test_cases referencing new table as fresh
for each statement execute function lanes_of_new();
create trigger test_cases_count_changed after update on test_cases referencing old table as former new table as fresh
for each statement execute function lanes_of_changed();

-- Nothing goes, and history stays as it is: not even for the owner of the tables.
create function audit_refuse_change() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception 'rows of % are kept as they are', tg_table_name using errcode = 'SG104';
end
$$;

create trigger history_append_only before update or delete or truncate on history
for each statement execute function audit_refuse_change();
create trigger assignments_stay before delete or truncate on assignments
for each statement execute function audit_refuse_change();
create trigger test_plans_stay before update or delete or truncate on test_plans
for each statement execute function audit_refuse_change();
create trigger test_cases_stay before delete or truncate on test_cases
for each statement execute function audit_refuse_change();
create trigger submissions_stay before delete or truncate on submissions
for each statement execute function audit_refuse_change();
create trigger executions_stay before delete or truncate on executions
for each statement execute function audit_refuse_change();
create trigger actions_stay before delete or truncate on actions
for each statement execute function audit_refuse_change();

-- Triggers alone call what runs as the owner.
revoke all on function history_of_new(), history_of_changed(), lanes_of_new(), lanes_of_changed() from public;

-- The service's role.
grant select, insert on assignments, test_plans, test_cases, submissions, executions, actions to signoff_service;
grant select on lanes to signoff_service;
grant select, insert, update, delete on staged_cases to signoff_service;
grant update (
    effective_to, ended, revision, change_type, changed_by, change_reason, record_no, occurred_at, recorded_at, origin
) on assignments to signoff_service;
grant update (
    lob_id, withdrawn, plan_number, revision, change_type, changed_by, change_reason, record_no, occurred_at,
    recorded_at, origin, chain_id, current_submission_id, evidence, latest_execution_id, tested, stale, open_actions
) on test_cases to signoff_service;
grant update (
    is_current, status, reviewed_by, reviewed_at, review_notes, revision, change_type, changed_by, change_reason,
    record_no, occurred_at, recorded_at, origin
) on submissions to signoff_service;
grant update (
    result, expected, found, tolerance, rationale, concluded_by, concluded_at, revision, change_type, changed_by,
    change_reason, record_no, occurred_at, recorded_at, origin
) on executions to signoff_service;
grant update (
    responded_by, responded_at, response_status, response_notes, impact_on_timeline, revision, change_type, changed_by,
    change_reason, record_no, occurred_at, recorded_at, origin
) on actions to signoff_service;

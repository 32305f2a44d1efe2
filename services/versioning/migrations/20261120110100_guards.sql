-- What no code can get round: the lifecycle of headers, and where contents and rulings may go.

-- Version numbers and item numbers are only ever given out, one version at a time.
create function lines_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception 'a line only gives out its next numbers' using errcode = 'SG001';
end
$$;

create trigger lines_guard before update on lines for each row
when (
    (old.cycle_id, old.report_id, old.phase, old.line_no, old.line_id, old.items_while_submitted,
        old.self_approval, old.recorded_at)
    is distinct from
    (new.cycle_id, new.report_id, new.phase, new.line_no, new.line_id, new.items_while_submitted,
        new.self_approval, new.recorded_at)
    or new.last_number not in (old.last_number, old.last_number + 1)
    or new.last_item < old.last_item
)
execute function lines_guard();

create function versions_insert_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if new.state <> 'draft'
        or new.number is distinct from (select last_number from public.lines where lines.line_no = new.line_no)
    then
        raise exception 'a version begins as a draft with the line''s newest number'
            using errcode = 'SG002';
    end if;
    return new;
end
$$;

create trigger versions_insert_guard before insert on versions for each row
execute function versions_insert_guard();

-- The columns that a transition may change; all others keep their values.
create function versions_transition_columns(before text, after text) returns text []
language sql immutable
set search_path = pg_catalog, public, pg_temp as $$
    select case before || ' ' || after
        when 'draft draft' then array[
            'metadata', 'metadata_schema', 'phase_data', 'creation_notes', 'total', 'pending', 'approved',
            'rejected', 'modified', 'proposed', 'carried', 'counted', 'counted_kept', 'sources'
        ]
        when 'draft submitted' then array['submitted_at', 'submitted_by', 'submitters', 'submission_notes', 'content_digest']
        when 'submitted submitted' then array[
            'total', 'pending', 'approved', 'rejected', 'modified', 'proposed', 'counted', 'counted_kept', 'sources'
        ]
        when 'submitted draft' then array['content_digest']
        when 'submitted approved' then array['reviewed_at', 'reviewed_by', 'review_notes', 'self_approved']
        when 'submitted rejected' then array['reviewed_at', 'reviewed_by', 'review_notes']
        when 'approved superseded' then array['superseded_at', 'superseded_by_number']
        when 'draft deleted' then array['deleted_at', 'deleted_by', 'delete_reason']
        when 'rejected deleted' then array['deleted_at', 'deleted_by', 'delete_reason']
    end
$$;

create function versions_update_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
    allowed text [] := public.versions_transition_columns(old.state, new.state);
begin
    if allowed is null then
        raise exception 'a % version does not become %', old.state, new.state using errcode = 'SG003';
    end if;
    if new.revision <> old.revision + 1 then
        raise exception 'a version''s revision grows by one' using errcode = 'SG003';
    end if;
    if not new.submitters @> old.submitters then
        raise exception 'who submitted a version stays on record' using errcode = 'SG003';
    end if;
    if new.self_approved and not (
        select self_approval from public.lines where lines.line_no = new.line_no
    ) then
        raise exception 'nobody approves their own version here' using errcode = 'SG003';
    end if;
    allowed := allowed || array['state', 'revision', 'updated_at'];
    if to_jsonb(old) - allowed is distinct from to_jsonb(new) - allowed then
        raise exception 'from % to %, a version keeps its other columns', old.state, new.state
            using errcode = 'SG003';
    end if;
    return new;
end
$$;

create trigger versions_update_guard before update on versions for each row
execute function versions_update_guard();

-- Contents go into a draft; where the line says so, also into a submitted version.
create function items_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (
        select from (select distinct line_no, introduced_in from inserted) as touched
        where not exists (
            select from public.versions join public.lines using (line_no)
            where versions.line_no = touched.line_no and versions.number = touched.introduced_in
                and (versions.state = 'draft' or versions.state = 'submitted' and lines.items_while_submitted)
        )
    ) then
        raise exception 'contents go into a draft' using errcode = 'SG004';
    end if;
    if exists (
        select from inserted where rev > 1 and not exists (
            select from public.items first
            where first.line_no = inserted.line_no and first.item_no = inserted.item_no and first.rev = 1
                and first.item_key = inserted.item_key
        )
    ) then
        raise exception 'an item keeps its key' using errcode = 'SG004';
    end if;
    return null;
end
$$;

create trigger items_guard after insert on items referencing new table as inserted
for each statement execute function items_guard();

create function modifications_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (
        select from (select distinct line_no, made_in from inserted) as touched
        where not exists (
            select from public.versions
            where versions.line_no = touched.line_no and versions.number = touched.made_in
                and versions.state = 'submitted'
        )
    ) then
        raise exception 'a reviewer changes items of a submitted version' using errcode = 'SG004';
    end if;
    return null;
end
$$;

create trigger modifications_guard after insert on modifications referencing new table as inserted
for each statement execute function modifications_guard();

-- Rulings go into a submitted version; removals and restatements into a draft.
create function rulings_insert_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (
        select from (
            select distinct
                line_no, from_version, to_version,
                case when state = 5 or restated_from is not null then 'draft' else 'submitted' end as state
            from inserted
        ) as touched
        where touched.to_version <> 2147483647 or not exists (
            select from public.versions
            where versions.line_no = touched.line_no and versions.number = touched.from_version
                and versions.state = touched.state
        )
    ) then
        raise exception 'rulings go into a submitted version, removals and restatements into a draft'
            using errcode = 'SG005';
    end if;
    if exists (
        select from inserted as again where again.restated_from is not null and not exists (
            select from public.rulings first
            where first.line_no = again.line_no and first.item_no = again.item_no and first.seq = again.restated_from
                and first.state in (1, 2) and first.to_version <= again.from_version
                and (again.state, again.rev, again.decided_by, again.occurred_at)
                    = (first.state, first.rev, first.decided_by, first.occurred_at)
                and again.modification_no is not distinct from first.modification_no
                and again.notes is not distinct from first.notes
        )
    ) then
        raise exception 'a restatement says what the ruling that it restates says' using errcode = 'SG005';
    end if;
    return null;
end
$$;

create trigger rulings_insert_guard after insert on rulings referencing new table as inserted
for each statement execute function rulings_insert_guard();

-- A ruling ends once, and only by the line's open version.
create function rulings_end_row_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception 'a ruling ends once, and not before it began' using errcode = 'SG006';
end
$$;

create trigger rulings_end_row_guard before update on rulings for each row
when (old.to_version <> 2147483647 or new.to_version < old.from_version)
execute function rulings_end_row_guard();

create function rulings_end_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if exists (
        select from (select distinct line_no, to_version from updated) as touched
        where not exists (
            select from public.versions
            where versions.line_no = touched.line_no and versions.number = touched.to_version
                and versions.state in ('draft', 'submitted')
        )
    ) then
        raise exception 'a ruling is ended by the line''s open version' using errcode = 'SG006';
    end if;
    return null;
end
$$;

create trigger rulings_end_guard after update on rulings referencing new table as updated
for each statement execute function rulings_end_guard();

create function makers_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception 'the count of what a person made only grows' using errcode = 'SG007';
end
$$;

create trigger makers_guard before update on makers for each row
when (new.contents <= old.contents) execute function makers_guard();

create function artifacts_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception 'an artifact is superseded once' using errcode = 'SG008';
end
$$;

create trigger artifacts_guard before update on artifacts for each row
when (old.superseded_at is not null or new.superseded_at is null) execute function artifacts_guard();

-- The service's role.
grant select, insert on lines, versions, items, modifications, rulings, makers, artifacts to signoff_service;
grant update (last_number, last_item) on lines to signoff_service;
grant update (
    state, revision, superseded_by_number, content_digest, metadata, metadata_schema, phase_data, total, pending,
    approved, rejected, modified, proposed, carried, counted, counted_kept, sources, creation_notes, updated_at,
    submitted_at, submitted_by, submitters, submission_notes, reviewed_at, reviewed_by, review_notes, self_approved,
    superseded_at, deleted_at, deleted_by, delete_reason
) on versions to signoff_service;
grant update (to_version) on rulings to signoff_service;
grant update (contents) on makers to signoff_service;
grant update (superseded_at) on artifacts to signoff_service;

-- Which workflows there are, who works on them, and the lines of business. Whatever was true once stays readable:
-- memberships end, lines of business retire, and nothing is deleted.

create table workflows (
    cycle_id uuid not null,
    report_id uuid not null,
    cycle_name text not null check (cycle_name <> ''),
    report_name text not null check (report_name <> ''),
    opened_at timestamptz not null,
    opened_by bigint not null check (opened_by > 0),
    -- How often its members were set.
    revision bigint not null check (revision > 0),
    primary key (cycle_id, report_id)
);
create index workflows_newest on workflows (opened_at desc, cycle_id, report_id);

create table members (
    cycle_id uuid not null,
    report_id uuid not null,
    -- 1, 2, 3 … in each workflow, as they were given.
    number bigint not null check (number > 0),
    user_id bigint not null check (user_id > 0),
    role text not null check (role in ('tester', 'test_lead', 'report_owner', 'test_executive')),
    given_at timestamptz not null,
    given_by bigint not null check (given_by > 0),
    reason text not null,
    ended_at timestamptz,
    ended_by bigint check (ended_by > 0),
    end_reason text,
    primary key (cycle_id, report_id, number),
    foreign key (cycle_id, report_id) references workflows,
    check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (end_reason is null)),
    check (ended_at >= given_at)
);
create unique index members_now on members (cycle_id, report_id, user_id, role) where ended_at is null;
create index members_of_user on members (user_id, cycle_id, report_id) where ended_at is null;

create table lobs (
    lob_id uuid primary key,
    name text not null check (name <> ''),
    retired boolean not null default false
);

-- A row changes only as it may: a workflow by its revision, a membership by its one end.
create function workflows_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if (to_jsonb(new) - 'revision') <> (to_jsonb(old) - 'revision') or new.revision <> old.revision + 1 then
        raise exception 'a workflow does not allow this change' using errcode = 'SG201';
    end if;
    return new;
end
$$;
create trigger workflows_change before update on workflows for each row execute function workflows_guard();

create function members_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
    ends constant text [] := array['ended_at', 'ended_by', 'end_reason'];
begin
    if old.ended_at is not null or new.ended_at is null or (to_jsonb(new) - ends) <> (to_jsonb(old) - ends) then
        raise exception 'a membership does not allow this change' using errcode = 'SG202';
    end if;
    return new;
end
$$;
create trigger members_change before update on members for each row execute function members_guard();

create function kept_for_ever() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    raise exception '% keeps its rows', tg_table_name using errcode = 'SG203';
end
$$;
create trigger workflows_kept before delete or truncate on workflows
for each statement execute function kept_for_ever();
create trigger members_kept before delete or truncate on members for each statement execute function kept_for_ever();
create trigger lobs_kept before delete or truncate on lobs for each statement execute function kept_for_ever();

grant select, insert on workflows, members, lobs to signoff_service;
grant update (revision) on workflows to signoff_service;
grant update (ended_at, ended_by, end_reason) on members to signoff_service;
grant update (name, retired) on lobs to signoff_service;

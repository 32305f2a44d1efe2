-- Sign-offs: who must sign a version, who did, and what exactly they signed.

-- The roles whose sign-off a version's approval needs, since it was submitted.
alter table versions add column required_sign_offs text [] not null default '{}';
-- A sign-off binds to the digest: where one is needed, there is a digest.
alter table versions add check (required_sign_offs = '{}' or content_digest is not null);

-- Each of one person, for one role, of one version. The trail has its history.
create table sign_offs (
    line_no bigint not null,
    number integer not null,
    -- 1, 2, 3 … in the order in which they were asked for.
    sign_off_no integer not null check (sign_off_no > 0),
    sign_off_id uuid not null,
    role text not null,
    status text not null check (status in ('pending', 'signed', 'rejected', 'voided')),
    -- Grows by one with every change: the etag.
    revision bigint not null default 1,
    -- Who is to sign, or did.
    user_id bigint not null,
    requested_by bigint not null,
    requested_at timestamptz not null,
    -- Who handed it on last, and why.
    delegated_from bigint,
    delegation_reason text,
    -- When it was signed or refused, and in which words.
    decided_at timestamptz,
    comments text,
    -- What was signed.
    content_digest bytea check (octet_length(content_digest) = 32),
    voided_at timestamptz,
    void_reason text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (line_no, number, sign_off_no),
    unique (sign_off_id),
    foreign key (line_no, number) references versions (line_no, number),
    check ((delegated_from is null) = (delegation_reason is null)),
    check (delegated_from <> user_id),
    check (status <> 'pending' or decided_at is null),
    check (status <> 'signed' or content_digest is not null),
    check ((content_digest is null) or (decided_at is not null)),
    check (status <> 'rejected' or (decided_at is not null and comments is not null and content_digest is null)),
    check ((status = 'voided') = (voided_at is not null)),
    check ((voided_at is null) = (void_reason is null))
);

-- One person at a time is asked for a role, and each person signs for one.
create unique index sign_offs_one_live on sign_offs (line_no, number, role) where status in ('pending', 'signed');
create unique index sign_offs_one_signature on sign_offs (line_no, number, user_id) where status = 'signed';

-- They are asked for, given, refused, handed on and voided while the version is submitted.
create function sign_offs_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
declare
    of_version record;
    allowed text [];
begin
    select state, content_digest, required_sign_offs into of_version
    from public.versions where versions.line_no = new.line_no and versions.number = new.number;
    if of_version.state is distinct from 'submitted' then
        raise exception 'sign-offs are of a submitted version' using errcode = 'SG021';
    end if;
    if tg_op = 'INSERT' then
        if new.status <> 'pending' or new.revision <> 1 or new.role <> all (of_version.required_sign_offs) then
            raise exception 'a sign-off begins as a request for a role that is required' using errcode = 'SG021';
        end if;
        return new;
    end if;
    allowed := case old.status || ' ' || new.status
        when 'pending pending' then array['user_id', 'delegated_from', 'delegation_reason']
        when 'pending signed' then array['decided_at', 'comments', 'content_digest']
        when 'pending rejected' then array['decided_at', 'comments']
        when 'pending voided' then array['voided_at', 'void_reason']
        when 'signed voided' then array['voided_at', 'void_reason']
    end;
    if allowed is null then
        raise exception 'a % sign-off does not become %', old.status, new.status using errcode = 'SG021';
    end if;
    if new.revision <> old.revision + 1 then
        raise exception 'a sign-off''s revision grows by one' using errcode = 'SG021';
    end if;
    allowed := allowed || array['status', 'revision'];
    if to_jsonb(old) - allowed is distinct from to_jsonb(new) - allowed then
        raise exception 'from % to %, a sign-off keeps its other columns', old.status, new.status
            using errcode = 'SG021';
    end if;
    if new.status = 'pending' and (new.user_id = old.user_id or new.delegated_from is distinct from old.user_id) then
        raise exception 'a request is handed on by whoever it is asked of' using errcode = 'SG021';
    end if;
    if new.status = 'signed' and new.content_digest is distinct from of_version.content_digest then
        raise exception 'what is signed is the version as it stands' using errcode = 'SG021';
    end if;
    return new;
end
$$;

create trigger sign_offs_guard before insert or update on sign_offs for each row
execute function sign_offs_guard();

-- The columns that a transition may change; all others keep their values.
create or replace function versions_transition_columns(before text, after text) returns text []
language sql immutable
set search_path = pg_catalog, public, pg_temp as $$
    select case before || ' ' || after
        when 'draft draft' then array[
            'metadata', 'metadata_schema', 'phase_data', 'creation_notes', 'total', 'pending', 'approved',
            'rejected', 'modified', 'proposed', 'carried', 'counted', 'counted_kept', 'sources'
        ]
        when 'draft submitted' then array[
            'submitted_at', 'submitted_by', 'submitters', 'submission_notes', 'content_digest',
            'required_sign_offs'
        ]
        when 'submitted submitted' then array[
            'total', 'pending', 'approved', 'rejected', 'modified', 'proposed', 'counted', 'counted_kept', 'sources',
            'content_digest'
        ]
        when 'submitted draft' then array['content_digest', 'required_sign_offs']
        when 'submitted approved' then array['reviewed_at', 'reviewed_by', 'review_notes', 'self_approved']
        when 'submitted rejected' then array['reviewed_at', 'reviewed_by', 'review_notes']
        when 'approved superseded' then array['superseded_at', 'superseded_by_number']
        when 'draft deleted' then array['deleted_at', 'deleted_by', 'delete_reason']
        when 'rejected deleted' then array['deleted_at', 'deleted_by', 'delete_reason']
    end
$$;

-- Nothing is approved that was not signed as it stands, and nothing withdrawn with its sign-offs
-- standing.
create function versions_sign_offs_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if new.state = 'approved' and exists (
        select from unnest(new.required_sign_offs) as required (role)
        where not exists (
            select from public.sign_offs
            where sign_offs.line_no = new.line_no and sign_offs.number = new.number
                and sign_offs.role = required.role and sign_offs.status = 'signed'
                and sign_offs.content_digest = new.content_digest
        )
    ) then
        raise exception 'a version is approved as it was signed' using errcode = 'SG022';
    end if;
    if new.state = 'draft' and exists (
        select from public.sign_offs
        where sign_offs.line_no = new.line_no and sign_offs.number = new.number
            and sign_offs.status in ('pending', 'signed')
    ) then
        raise exception 'withdrawing voids sign-offs' using errcode = 'SG022';
    end if;
    return new;
end
$$;

create trigger versions_sign_offs_guard before update on versions for each row
when (old.state = 'submitted' and new.state in ('approved', 'draft') and old.required_sign_offs <> '{}')
execute function versions_sign_offs_guard();

grant update (required_sign_offs) on versions to signoff_service;
grant select, insert on sign_offs to signoff_service;
grant update (
    status, revision, user_id, delegated_from, delegation_reason, decided_at, comments, content_digest,
    voided_at, void_reason
) on sign_offs to signoff_service;

-- Facts that outlive approval: rows beside the closed version, with a history of their own.

-- How far the remedy of an item is. The newest revision is what holds.
create table remediations (
    line_no bigint not null,
    item_no integer not null,
    revision integer not null check (revision > 0),
    -- The approved or superseded version by whose decision it was named.
    number integer not null,
    status text not null check (char_length(status) <= 255),
    deadline date,
    reason text,
    updated_by bigint not null,
    updated_at timestamptz not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (line_no, item_no, revision)
);

create function remediations_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if not exists (
        select from public.versions
        where versions.line_no = new.line_no and versions.number = new.number
            and versions.state in ('approved', 'superseded')
    ) or not exists (
        select from public.items
        where items.line_no = new.line_no and items.item_no = new.item_no and items.rev = 1
    ) then
        raise exception 'a remedy is of an item in a version that was approved' using errcode = 'SG023';
    end if;
    if new.revision <> 1 + coalesce((
        select max(revision) from public.remediations
        where remediations.line_no = new.line_no and remediations.item_no = new.item_no
    ), 0) then
        raise exception 'revisions are 1, 2, 3 …' using errcode = 'SG023';
    end if;
    return new;
end
$$;

create trigger remediations_guard before insert on remediations for each row
execute function remediations_guard();

-- The rendered document of an approved version: attached once.
create table final_documents (
    line_no bigint not null,
    number integer not null,
    document_id uuid not null,
    sha256 bytea not null check (octet_length(sha256) = 32),
    attached_by bigint not null,
    attached_at timestamptz not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (line_no, number),
    foreign key (line_no, number) references versions (line_no, number)
);

create function final_documents_guard() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
    if not exists (
        select from public.versions
        where versions.line_no = new.line_no and versions.number = new.number and versions.state = 'approved'
    ) then
        raise exception 'a document is of an approved version' using errcode = 'SG024';
    end if;
    return new;
end
$$;

create trigger final_documents_guard before insert on final_documents for each row
execute function final_documents_guard();

grant select, insert on remediations, final_documents to signoff_service;

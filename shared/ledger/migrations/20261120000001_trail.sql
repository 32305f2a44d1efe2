-- The trail: one append-only, hash-chained sequence of records for each workflow.

-- The life of a database's transaction ids. A restored dump or a promoted standby starts a new
-- one: ids of two epochs are not comparable, the epochs themselves are.
create table epochs (
    epoch int primary key check (epoch > 0),
    system_identifier bigint not null,
    timeline int not null,
    first_seen timestamptz not null default clock_timestamp()
);

-- The epoch that is now, made if it is new. Only the latest row counts: a database that came
-- back to an earlier server has older rows with higher ids all the same.
-- The timeline is read from the write position: the control file lags behind a promotion.
create function signoff_epoch() returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    here_system constant bigint := (select system_identifier from pg_control_system());
    here_timeline constant int :=
        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int;
    latest public.epochs%rowtype;
begin
    select * into latest from public.epochs order by epoch desc limit 1;
    if latest.system_identifier = here_system and latest.timeline = here_timeline then
        return latest.epoch;
    end if;
    lock table public.epochs in share row exclusive mode;
    select * into latest from public.epochs order by epoch desc limit 1;
    if latest.system_identifier = here_system and latest.timeline = here_timeline then
        return latest.epoch;
    end if;
    insert into public.epochs (epoch, system_identifier, timeline)
        values (coalesce(latest.epoch, 0) + 1, here_system, here_timeline)
        returning * into latest;
    return latest.epoch;
end $$;
revoke all on function signoff_epoch() from public;

create table trail (
    cycle_id uuid not null,
    report_id uuid not null,
    seq bigint not null check (seq > 0),
    -- The version of the canonical form.
    format smallint not null check (format > 0),
    -- The bytes that were hashed: the record itself. The columns below repeat parts of it.
    canonical bytea not null check (octet_length(canonical) <= 65536),
    hash bytea not null check (octet_length(hash) = 32),
    previous_hash bytea not null check (octet_length(previous_hash) = 32),
    -- Where the record stands in the feed. Nobody but the database says so.
    epoch int not null default current_setting('signoff.epoch')::int,
    txid xid8 not null default pg_current_xact_id(),
    phase text,
    action text not null,
    actor bigint not null,
    subject text not null,
    request_id uuid,
    recorded_at timestamptz not null,
    occurred_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (cycle_id, report_id, seq)
);
create index trail_feed on trail (epoch, txid, seq);
-- Partial, so that only a search by phase can use it: for a lookup by number, on tables without
-- statistics, the planner would take it as readily as the primary key, and read whole workflows.
create index trail_phase on trail (cycle_id, report_id, phase, seq) where phase is not null;

-- The items that a record's command touched, in chunks.
create table trail_details (
    cycle_id uuid not null,
    report_id uuid not null,
    seq bigint not null check (seq > 0),
    chunk int not null check (chunk >= 0),
    hash bytea not null check (octet_length(hash) = 32),
    body bytea not null check (octet_length(body) <= 65536),
    primary key (cycle_id, report_id, seq, chunk)
);

-- A record follows the one before it, and its hash is what it says.
create function trail_check_link() returns trigger language plpgsql as $$
declare
    before bytea;
begin
    if new.format <> 1 then
        raise exception 'trail record % has an unknown format', new.seq
            using errcode = 'integrity_constraint_violation';
    end if;
    if new.epoch is distinct from (select max(epoch) from public.epochs) then
        raise exception 'trail record % is not of the current epoch', new.seq
            using errcode = 'integrity_constraint_violation';
    end if;
    if new.hash <> sha256(
        '\x7369676e6f66662d747261696c2d763100'::bytea || new.previous_hash || new.canonical
    ) then
        raise exception 'trail record % has a wrong hash', new.seq
            using errcode = 'integrity_constraint_violation';
    end if;
    if new.seq = 1 then
        before := decode(repeat('00', 32), 'hex');
    else
        select t.hash into before from public.trail t
            where t.cycle_id = new.cycle_id and t.report_id = new.report_id
                and t.seq = new.seq - 1;
    end if;
    if before is distinct from new.previous_hash then
        raise exception 'trail record % does not follow the one before it', new.seq
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;
create trigger trail_link before insert on trail
    for each row execute function trail_check_link();

-- Details come in their record's own transaction, or never.
create function trail_details_check_record() returns trigger language plpgsql as $$
begin
    if not exists (
        select from public.trail t
            where t.cycle_id = new.cycle_id and t.report_id = new.report_id
                and t.seq = new.seq and t.txid = pg_current_xact_id()
    ) then
        raise exception 'trail record % was not written by this transaction', new.seq
            using errcode = 'integrity_constraint_violation';
    end if;
    return null;
end $$;
create trigger trail_details_record after insert on trail_details
    for each row execute function trail_details_check_record();

-- Nobody changes what happened, the owner included.
create function trail_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: the trail is append-only', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;
create trigger trail_append_only before update or delete or truncate on trail
    for each statement execute function trail_refuse_change();
create trigger trail_details_append_only before update or delete or truncate on trail_details
    for each statement execute function trail_refuse_change();
alter table trail enable always trigger trail_link;
alter table trail enable always trigger trail_append_only;
alter table trail_details enable always trigger trail_details_record;
alter table trail_details enable always trigger trail_details_append_only;

grant execute on function signoff_epoch() to signoff_service;
grant select on epochs, trail, trail_details to signoff_service;
grant insert (
    cycle_id, report_id, seq, format, canonical, hash, previous_hash, phase, action, actor,
    subject, request_id, recorded_at, occurred_at, origin
) on trail to signoff_service;
grant insert on trail_details to signoff_service;

-- The latest reopening of each phase before it that a phase was marked for: a mark that comes late
-- is known by it.
alter table phase_gates add column marks jsonb not null default '{}'
    check (jsonb_typeof(marks) = 'object');

-- Workflows that are read-only for ever.
create table closed_workflows (
    cycle_id uuid not null,
    report_id uuid not null,
    closed_at timestamptz not null,
    closed_by bigint not null,
    reason text not null check (reason <> ''),
    -- The closing transaction, whose own record is the chain's last. Nobody but the database says so.
    txid xid8 not null default pg_current_xact_id(),
    primary key (cycle_id, report_id)
);
create trigger closed_workflows_append_only before update or delete or truncate on closed_workflows
    for each statement execute function trail_refuse_change();
alter table closed_workflows enable always trigger closed_workflows_append_only;

grant select on closed_workflows to signoff_service;
grant insert (cycle_id, report_id, closed_at, closed_by, reason) on closed_workflows to signoff_service;

-- A record follows the one before it, its hash is what it says, and its workflow is not closed.
create or replace function trail_check_link() returns trigger language plpgsql as $$
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
    if exists (
        select from public.closed_workflows c
            where c.cycle_id = new.cycle_id and c.report_id = new.report_id
                and c.txid <> pg_current_xact_id()
    ) then
        raise exception 'trail record % comes after its workflow was closed', new.seq
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end $$;

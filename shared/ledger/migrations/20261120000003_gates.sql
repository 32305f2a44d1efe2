-- Whether a phase was opened, what it rests on, and who holds it sealed.
create table phase_gates (
    cycle_id uuid not null,
    report_id uuid not null,
    phase text not null,
    -- The number of the latest opening attempt.
    attempt bigint not null check (attempt >= 0),
    opened_attempt bigint,
    opened_at timestamptz,
    opened_by bigint,
    -- The phase whose reopening made this one stale, and the number of that reopening.
    stale_because text,
    stale_reopening bigint,
    -- The number of the reopening under way, or 0; and of the latest one.
    reopening bigint not null default 0,
    reopenings bigint not null default 0,
    rests_on jsonb not null default '[]',
    primary key (cycle_id, report_id, phase),
    check (num_nulls(opened_attempt, opened_at, opened_by) in (0, 3)),
    check (opened_attempt between 1 and attempt),
    check (num_nulls(stale_because, stale_reopening) in (0, 2)),
    check (stale_because is null or opened_attempt is not null),
    check (reopening >= 0 and reopening <= reopenings)
);

-- A row: this phase is held by that one, as of that attempt to open it.
create table phase_holds (
    cycle_id uuid not null,
    report_id uuid not null,
    phase text not null,
    holder text not null,
    attempt bigint not null check (attempt > 0),
    primary key (cycle_id, report_id, phase, holder),
    foreign key (cycle_id, report_id, phase) references phase_gates
);

grant select, insert, update on phase_gates to signoff_service;
grant select, insert, update, delete on phase_holds to signoff_service;

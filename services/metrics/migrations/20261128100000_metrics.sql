-- What the trails add up to. Everything here follows from the feeds, and can be counted again: each
-- count from their start is a generation, of which one is answered.

create table generations (
    generation bigint primary key,
    state text not null check (state in ('counting', 'live', 'retired')),
    requested_at timestamptz not null default clock_timestamp(),
    -- Null: the first one, which nobody asked for.
    requested_by bigint,
    reason text not null default '',
    -- When it took the place of the one before.
    finished_at timestamptz,
    -- Its rows are gone, since another one took its place.
    is_cleared boolean not null default false
);
create unique index generations_one_live on generations (state) where state = 'live';
create unique index generations_one_counting on generations (state) where state = 'counting';
insert into generations (generation, state, finished_at) values (1, 'live', clock_timestamp());

-- Who asked for a count, and which they were given: a new one, or the one that was under way.
create table rebuild_requests (
    request_id uuid primary key,
    generation bigint not null references generations,
    requested_by bigint not null,
    reason text not null
);

-- How far each feed was followed. Whoever counts moves the cursor in the transaction that counts, from
-- the place that it began at: a record is counted once, whoever else counts.
create table feeds (
    generation bigint not null,
    source text not null check (source in ('versioning', 'audit', 'gateway')),
    cursor text not null default '',
    records bigint not null default 0,
    rejected bigint not null default 0,
    -- What the feed said last.
    watermark timestamptz,
    waiting bigint not null default 0,
    waiting_or_more boolean not null default false,
    held_by jsonb,
    heard_at timestamptz,
    -- Why it refused to go on.
    refused text,
    primary key (generation, source)
);
insert into feeds (generation, source)
    select 1, source from unnest(array['versioning', 'audit', 'gateway']) as source;

-- The last record that was counted of each chain.
create table heads (
    generation bigint not null,
    source text not null,
    cycle_id uuid not null,
    report_id uuid not null,
    sequence bigint not null,
    hash bytea not null check (octet_length(hash) = 32),
    primary key (generation, source, cycle_id, report_id)
);

create table rejected_records (
    generation bigint not null,
    source text not null,
    cycle_id uuid not null,
    report_id uuid not null,
    sequence bigint not null,
    reason text not null,
    what text not null,
    rejected_at timestamptz not null default clock_timestamp()
);
create index rejected_records_key on rejected_records (generation, source, reason);

-- What must be remembered of what was counted, to count what comes later.
create table versions (
    generation bigint not null,
    cycle_id uuid not null,
    report_id uuid not null,
    version_id uuid not null,
    phase text not null,
    made_at timestamptz not null,
    made_by bigint not null,
    submitted_at timestamptz,
    is_submitted boolean not null,
    revised boolean not null,
    total bigint not null,
    carried bigint not null,
    primary key (generation, cycle_id, report_id, version_id)
);
create index versions_submitted on versions (generation, phase, submitted_at) where is_submitted;

-- Verdicts in open versions: until those are closed, they may change.
create table rulings (
    generation bigint not null,
    cycle_id uuid not null,
    report_id uuid not null,
    phase text not null,
    item_no int not null,
    seq int not null,
    verdict text not null,
    source text not null,
    person bigint not null,
    hour timestamptz not null,
    primary key (generation, cycle_id, report_id, phase, item_no)
);

-- Requests for action without an answer.
create table requests (
    generation bigint not null,
    cycle_id uuid not null,
    report_id uuid not null,
    action_id uuid not null,
    action_type text not null,
    requested_at timestamptz not null,
    primary key (generation, cycle_id, report_id, action_id)
);

-- Counts: by the hour, by the day, and of all time (then the period starts at year 1). Times are added up
-- in microseconds beside their number. What a count is not split by is empty.
create table rollups (
    generation bigint not null,
    cycle_id uuid not null,
    report_id uuid not null,
    grain text not null check (grain in ('hour', 'day', 'total')),
    period_start timestamptz not null,
    phase text not null,
    measure text not null,
    person bigint not null,
    source text not null,
    action_type text not null,
    outcome text not null,
    amount bigint not null,
    micros bigint not null,
    calculated_at timestamptz not null,
    primary key (generation, cycle_id, report_id, grain, period_start, phase, measure, person, source,
        action_type, outcome)
) with (fillfactor = 70);

-- Distributions of times: 64 buckets for each doubling.
create table time_buckets (
    generation bigint not null,
    cycle_id uuid not null,
    report_id uuid not null,
    grain text not null check (grain in ('hour', 'day', 'total')),
    period_start timestamptz not null,
    phase text not null,
    measure text not null,
    person bigint not null,
    action_type text not null,
    outcome text not null,
    bucket int not null,
    amount bigint not null,
    lowest bigint not null,
    highest bigint not null,
    primary key (generation, cycle_id, report_id, grain, period_start, phase, measure, person, action_type,
        outcome, bucket)
) with (fillfactor = 70);

-- The stored form of seed 002, part 4, for whoever reads by SQL: the metrics of each phase by the hour, by
-- the day and of all time, of the count that is answered.
create view versioning_metrics as
with sums as (
    select r.cycle_id, r.report_id, r.phase, r.grain, r.period_start,
        max(r.calculated_at) as calculated_at,
        sum(r.amount) filter (where measure = 'version_created') as created,
        sum(r.amount) filter (where measure = 'version_deleted') as deleted,
        sum(r.amount) filter (where measure = 'version_closed') as closed,
        sum(r.amount) filter (where measure = 'version_closed' and outcome = 'rejected') as rejected,
        sum(r.micros) filter (where measure = 'approval_time') as approval_micros,
        sum(r.amount) filter (where measure = 'approval_time') as approvals,
        sum(r.micros) filter (where measure = 'review_time') as review_micros,
        sum(r.amount) filter (where measure = 'review_time') as reviews,
        sum(r.amount) filter (where measure = 'decision_ruled') as ruled,
        sum(r.amount) filter (where measure = 'decision_ruled' and outcome = 'rejected') as turned_down,
        sum(r.amount) filter (where measure = 'revised_items') as revised_items,
        sum(r.amount) filter (where measure = 'carried_items') as carried_items,
        sum(r.amount) filter (where measure = 'data_owner' and outcome <> 'assigned') as owner_changes,
        sum(r.amount) filter (where measure = 'document' and outcome <> 'revised') as documents,
        sum(r.amount) filter (where measure = 'document' and outcome = 'revised') as revisions,
        sum(r.amount) filter (where measure = 'test_request') as requests,
        sum(r.amount) filter (where measure = 'test_response') as responses,
        sum(r.micros) filter (where measure = 'turnaround_time') as turnaround_micros,
        sum(r.amount) filter (where measure = 'turnaround_time') as turnarounds,
        sum(r.amount) filter (where measure = 'timeline_impact') as impacts,
        sum(r.amount) filter (where measure = 'timeline_impact' and outcome <> 'none') as delays,
        sum(r.amount) filter (where measure = 'workflow' and outcome = 'opened') as opened,
        sum(r.amount) filter (where measure = 'workflow' and outcome = 'closed') as ended
    from rollups r join generations g on g.generation = r.generation and g.state = 'live'
    group by r.cycle_id, r.report_id, r.phase, r.grain, r.period_start
), running as (
    select s.*,
        sum(coalesce(created, 0) - coalesce(deleted, 0)) over line as version_count,
        sum(documents) over line as documents_until_end
    from sums s window line as (partition by cycle_id, report_id, phase, grain order by period_start)
)
select
    md5(concat_ws('/', r.cycle_id, r.report_id, r.phase, m.metric_type, r.grain,
        extract(epoch from r.period_start)))::uuid as metric_id,
    r.cycle_id, r.report_id, r.phase as phase_name, m.metric_type,
    m.numerator / m.denominator as metric_value,
    jsonb_build_object('grain', r.grain, 'numerator', m.numerator, 'denominator', m.denominator)
        as metric_metadata,
    r.calculated_at, r.period_start,
    case r.grain
        when 'hour' then r.period_start + interval '1 hour'
        when 'day' then (r.period_start at time zone 'UTC' + interval '1 day') at time zone 'UTC'
    end as period_end
from running r
-- In doubles, as the service answers: the same to the last digit.
cross join lateral (values
    ('version_created', created::double precision, 1::double precision),
    ('version_count', case when coalesce(created, deleted) is not null then version_count end, 1),
    ('approval_time_hours', approval_micros::double precision / 3600000000, approvals),
    ('review_time_hours', review_micros::double precision / 3600000000, reviews),
    ('rejection_rate', case when closed > 0 then coalesce(rejected, 0) end, closed),
    ('decision_rejection_rate', case when ruled > 0 then coalesce(turned_down, 0) end, ruled),
    ('acceptance_rate', case when ruled > 0 then ruled - coalesce(turned_down, 0) end, ruled),
    ('carry_forward_rate', coalesce(carried_items, 0), revised_items),
    ('data_owner_changes', owner_changes, 1),
    ('document_revisions', coalesce(revisions, 0), case when coalesce(documents, revisions) is not null
        then documents_until_end end),
    ('test_requests', requests, 1),
    ('test_responses', responses, 1),
    ('turnaround_time_hours', turnaround_micros::double precision / 3600000000, turnarounds),
    ('impact_on_timeline', coalesce(delays, 0), impacts),
    ('workflows_opened', opened, 1),
    ('workflows_closed', ended, 1)
) as m (metric_type, numerator, denominator)
where m.numerator is not null and m.denominator <> 0;

grant select, insert, update on generations to signoff_service;
grant select, insert on rebuild_requests to signoff_service;
grant select, insert, update, delete on feeds, heads, rejected_records, versions, rulings, requests,
    rollups, time_buckets to signoff_service;
grant select on versioning_metrics to signoff_service;

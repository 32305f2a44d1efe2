-- What the three audit-only phases are about. The owner of these tables migrates and never serves.
--
-- Ids are UUIDs of version 7, or 5 where the same thing must get the same id: they sort as they were made.

-- For constraints that no two periods overlap. A trusted extension: the owner of the database may make it.
create extension if not exists btree_gist;

-- Who answers for which line of business. Whether one is active follows from its dates.
create table assignments (
    cycle_id uuid not null,
    report_id uuid not null,
    id uuid not null,
    data_owner_id bigint not null,
    lob_id uuid not null,
    assignment_type text not null check (assignment_type in ('primary', 'backup', 'delegate')),
    effective_from timestamptz not null,
    effective_to timestamptz,
    -- How it ended, if somebody ended it.
    ended text check (ended in ('transferred', 'deactivated')),
    previous_assignment_id uuid,
    created_by bigint not null,
    created_at timestamptz not null,
    revision bigint not null,
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    record_no bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null,
    primary key (cycle_id, report_id, id),
    unique (id),
    foreign key (cycle_id, report_id, previous_assignment_id) references assignments,
    check (effective_to >= effective_from),
    check (ended is null or effective_to is not null),
    -- At no moment has a line of business two primary owners in a workflow, nor anybody the same charge twice.
    constraint assignments_one_primary exclude using gist (
        cycle_id with =, report_id with =, lob_id with =, tstzrange(effective_from, effective_to) with &&
    ) where (assignment_type = 'primary'),
    constraint assignments_once exclude using gist (
        cycle_id with =, report_id with =, lob_id with =, data_owner_id with =, assignment_type with =,
        tstzrange(effective_from, effective_to) with &&
    )
);
create unique index assignments_one_successor on assignments (cycle_id, report_id, previous_assignment_id)
where previous_assignment_id is not null;
create index assignments_lob on assignments (cycle_id, report_id, lob_id, id);
create index assignments_owner on assignments (cycle_id, report_id, data_owner_id, lob_id);

-- Plans of test cases: what is in force is the last one.
create table test_plans (
    cycle_id uuid not null,
    report_id uuid not null,
    id uuid not null,
    number bigint not null check (number > 0),
    planning_version_id uuid not null,
    scoping_version_id uuid not null,
    sample_selection_version_id uuid not null,
    cases bigint not null check (cases >= 0),
    planned_by bigint not null,
    planned_at timestamptz not null,
    revision bigint not null check (revision = 1),
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    record_no bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null,
    primary key (cycle_id, report_id, number),
    unique (id)
);

-- Cases of a plan whose last call did not come yet, by the versions that it is made from: these never change, so whatever
-- was sent of it belongs to it. They are nothing that anybody acts on: no history.
create table staged_cases (
    cycle_id uuid not null,
    report_id uuid not null,
    test_case_id uuid not null,
    planning_version_id uuid not null,
    scoping_version_id uuid not null,
    sample_selection_version_id uuid not null,
    sample_item_key text not null,
    attribute_id uuid not null,
    lob_id uuid,
    primary key (
        cycle_id, report_id, planning_version_id, scoping_version_id, sample_selection_version_id, test_case_id
    )
);

-- A sample with an attribute.
create table test_cases (
    cycle_id uuid not null,
    report_id uuid not null,
    -- Made from the workflow, the sample and the attribute: a later plan finds it again.
    id uuid not null,
    sample_item_key text not null,
    attribute_id uuid not null,
    -- The lane; none if the sample names none.
    lob_id uuid,
    withdrawn boolean not null,
    -- The plan that made it as it is: no reference, which would cost a plan a look-up for each of its cases.
    plan_number bigint not null check (plan_number > 0),
    created_at timestamptz not null,
    revision bigint not null,
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    record_no bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null,
    -- What follows from documents, executions and actions, in the same transactions. It is no state of the case's own,
    -- and has no history: theirs has it.
    chain_id uuid,
    -- The head of that chain.
    current_submission_id uuid,
    evidence text not null default 'none' check (evidence in ('none', 'pending', 'accepted', 'refused')),
    latest_execution_id uuid,
    tested text not null default 'none' check (tested in ('none', 'open', 'pass', 'fail', 'inconclusive')),
    stale boolean not null default false,
    open_actions integer not null default 0 check (open_actions >= 0),
    primary key (cycle_id, report_id, id),
    unique (id),
    unique (cycle_id, report_id, sample_item_key, attribute_id),
    check ((chain_id is null) = (evidence = 'none')),
    check ((chain_id is null) = (current_submission_id is null)),
    check ((latest_execution_id is null) = (tested = 'none')),
    check (not stale or tested <> 'none')
);
-- Partial, as those of history are.
create index test_cases_lane on test_cases (cycle_id, report_id, lob_id, sample_item_key, attribute_id)
where lob_id is not null;
create index test_cases_chain on test_cases (cycle_id, report_id, chain_id, lob_id) where chain_id is not null;
-- What Observation Management must cover.
create index test_cases_to_observe on test_cases (cycle_id, report_id, latest_execution_id)
where tested in ('fail', 'inconclusive') and evidence in ('pending', 'accepted') and not stale and not withdrawn;

-- How far a test case is; `owned` says whether its lane has a primary owner now. Who owns it does not matter any more
-- once it is concluded: a lane that is done stays so when its owner's time is over.
create function test_case_state(c test_cases, owned boolean) returns text language sql immutable as $$
    select case
        when c.withdrawn then 'withdrawn'
        when c.evidence in ('pending', 'accepted') and c.tested not in ('none', 'open') and not c.stale then 'concluded'
        when not owned then 'unassigned'
        when c.evidence in ('none', 'refused') then 'awaiting_evidence'
        when c.tested = 'open' then 'in_test'
        else 'evidence_submitted'
    end
$$;

-- How many cases of each lane are how far: counted by triggers, in the transaction of what is counted.
create table lanes (
    cycle_id uuid not null,
    report_id uuid not null,
    -- The nil UUID for cases whose sample names no line of business.
    lob_id uuid not null,
    cases bigint not null default 0 check (cases >= 0),
    with_document bigint not null default 0 check (with_document >= 0),
    accepted bigint not null default 0 check (accepted >= 0),
    in_test bigint not null default 0 check (in_test >= 0),
    executed bigint not null default 0 check (executed >= 0),
    concluded bigint not null default 0 check (concluded >= 0),
    to_observe bigint not null default 0 check (to_observe >= 0),
    stale bigint not null default 0 check (stale >= 0),
    open_actions bigint not null default 0 check (open_actions >= 0),
    primary key (cycle_id, report_id, lob_id)
);

-- Submissions of documents, by reference. Those of one chain replace each other; a supplement begins a chain of its own
-- beside the main one, which is evidence of test cases.
create table submissions (
    cycle_id uuid not null,
    report_id uuid not null,
    id uuid not null,
    -- The submission that begins the chain.
    chain_id uuid not null,
    -- The chain that test cases refer to: this one, or the one that is supplemented.
    main_chain_id uuid not null,
    supplements_submission_id uuid,
    -- 1, 2, 3 … of all that is evidence of the same test cases: an execution is on what there was then.
    evidence_no integer not null check (evidence_no > 0),
    document_id uuid not null,
    document_version integer not null check (document_version > 0),
    document_type text not null,
    submission_type text not null check (submission_type in ('initial', 'revision', 'supplemental')),
    file_name text not null,
    media_type text not null,
    size_bytes bigint not null check (size_bytes >= 0),
    sha256 bytea not null check (octet_length(sha256) = 32),
    document_metadata jsonb,
    -- How many test cases the main chain is evidence of.
    test_cases integer not null check (test_cases > 0),
    submitted_by bigint not null,
    submitted_at timestamptz not null,
    revision_type text not null check (
        revision_type in ('submission', 'content_update', 'metadata_change', 'resubmission')
    ),
    revision_reason text,
    replaces_submission_id uuid,
    is_current boolean not null,
    status text not null check (status in ('pending_review', 'accepted', 'rejected', 'revision_requested')),
    reviewed_by bigint,
    reviewed_at timestamptz,
    review_notes text,
    revision bigint not null,
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    record_no bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null,
    primary key (cycle_id, report_id, id),
    unique (id),
    foreign key (cycle_id, report_id, supplements_submission_id) references submissions,
    check ((supplements_submission_id is null) = (chain_id = main_chain_id)),
    check ((document_version = 1) = (replaces_submission_id is null)),
    check ((document_version = 1) = (chain_id = id)),
    check ((submission_type = 'revision') = (document_version > 1)),
    check ((submission_type = 'revision') = (revision_reason is not null)),
    check ((status = 'pending_review') = (reviewed_by is null)),
    check ((reviewed_by is null) = (reviewed_at is null)),
    -- Two people: whoever submits does not review; and each is who makes the change.
    check (reviewed_by <> submitted_by),
    check (change_type <> 'reviewed' or reviewed_by = changed_by),
    check (change_type not in ('submitted', 'revised') or submitted_by = changed_by)
);
-- What a revision replaces is of its own chain; what an execution is on, has the chain that it says.
alter table submissions add unique (cycle_id, report_id, id, chain_id);
alter table submissions add foreign key (cycle_id, report_id, replaces_submission_id, chain_id)
references submissions (cycle_id, report_id, id, chain_id);
alter table submissions add unique (cycle_id, report_id, id, main_chain_id);
create unique index submissions_chain on submissions (cycle_id, report_id, chain_id, document_version)
where chain_id is not null;
create unique index submissions_evidence on submissions (cycle_id, report_id, main_chain_id, evidence_no)
where main_chain_id is not null;
-- At most one head of each chain; that there is one, submissions_have_a_head sees to.
create unique index submissions_one_head on submissions (cycle_id, report_id, chain_id) where is_current;
create unique index submissions_one_successor on submissions (cycle_id, report_id, replaces_submission_id, chain_id)
where replaces_submission_id is not null;
create index submissions_supplements on submissions (cycle_id, report_id, supplements_submission_id)
where supplements_submission_id is not null;
create index submissions_document on submissions (cycle_id, report_id, document_id, id) where document_id is not null;

alter table test_cases add foreign key (cycle_id, report_id, chain_id) references submissions;

-- Executions of test cases.
create table executions (
    cycle_id uuid not null,
    report_id uuid not null,
    id uuid not null,
    test_case_id uuid not null,
    number integer not null check (number > 0),
    -- The document that it is on, and all that was evidence then.
    submission_id uuid not null,
    main_chain_id uuid not null,
    evidence_no integer not null,
    started_by bigint not null,
    started_at timestamptz not null,
    result text check (result in ('pass', 'fail', 'inconclusive')),
    expected text,
    found text,
    tolerance text,
    rationale text,
    concluded_by bigint,
    concluded_at timestamptz,
    revision bigint not null,
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    record_no bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null,
    primary key (cycle_id, report_id, id),
    unique (id),
    unique (cycle_id, report_id, test_case_id, number),
    foreign key (cycle_id, report_id, test_case_id) references test_cases,
    foreign key (cycle_id, report_id, submission_id, main_chain_id)
    references submissions (cycle_id, report_id, id, main_chain_id),
    -- Who concludes it, changes it then.
    check (change_type <> 'concluded' or concluded_by = changed_by),
    check (change_type <> 'started' or started_by = changed_by),
    check (num_nulls(result, concluded_by, concluded_at) in (0, 3)),
    check (result is not null or num_nonnulls(expected, found, tolerance, rationale) = 0),
    check (result = 'pass' or result is null or rationale is not null)
);
-- One at a time.
create unique index executions_one_open on executions (cycle_id, report_id, test_case_id) where concluded_at is null;
create index executions_submission on executions (cycle_id, report_id, submission_id, main_chain_id)
where submission_id is not null;

-- Requests for action, and the one response of each.
create table actions (
    cycle_id uuid not null,
    report_id uuid not null,
    id uuid not null,
    action_type text not null check (action_type in ('document_request', 'data_update_request', 'test_rerun')),
    test_case_id uuid not null,
    execution_id uuid,
    action_details jsonb,
    requested_by bigint not null,
    requested_at timestamptz not null,
    request_reason text not null,
    responded_by bigint,
    responded_at timestamptz,
    response_status text check (response_status in ('fulfilled', 'rejected', 'partial')),
    response_notes text,
    impact_on_timeline text check (impact_on_timeline in ('none', 'minor_delay', 'major_delay')),
    revision bigint not null,
    change_type text not null,
    changed_by bigint not null,
    change_reason text,
    record_no bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null,
    primary key (cycle_id, report_id, id),
    unique (id),
    foreign key (cycle_id, report_id, test_case_id) references test_cases,
    foreign key (cycle_id, report_id, execution_id) references executions,
    check (num_nulls(responded_by, responded_at, response_status) in (0, 3)),
    check (response_status is not null or num_nonnulls(response_notes, impact_on_timeline) = 0),
    check (change_type <> 'responded' or responded_by = changed_by),
    check (change_type <> 'requested' or requested_by = changed_by),
    check (responded_at >= requested_at)
);
create index actions_case on actions (cycle_id, report_id, test_case_id, id) where test_case_id is not null;
create index actions_execution on actions (cycle_id, report_id, execution_id) where execution_id is not null;
create index actions_open on actions (cycle_id, report_id, id) where responded_at is null;

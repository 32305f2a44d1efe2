-- Lines, versions and what is decided in them.
--
-- The owner of these tables migrates and never serves. The service's role owns nothing: what it
-- must not do, it is not granted, and what a grant cannot say, a trigger refuses.

-- A line: the linear history of versions of one phase in one workflow.
create table lines (
    cycle_id uuid not null,
    report_id uuid not null,
    phase text not null,
    line_no bigint generated always as identity,
    -- UUIDv5 of the scope: the seeds' master record.
    line_id uuid not null,
    -- Whether new items also go into a submitted version (the phase table's flag).
    items_while_submitted boolean not null,
    -- Whether a version's own maker may approve it (the phase table's flag).
    self_approval boolean not null,
    -- The number of the newest version: 1, 2, 3 … are given under this row's lock.
    last_number integer not null default 0 check (last_number between 0 and 67108863),
    -- The newest item_no.
    last_item integer not null default 0 check (last_item >= 0),
    recorded_at timestamptz not null,
    primary key (cycle_id, report_id, phase),
    unique (line_no),
    unique (line_id)
);

-- Headers. Counts are kept in the same transaction as what they count.
create table versions (
    line_no bigint not null references lines (line_no),
    number integer not null,
    version_id uuid not null,
    state text not null check (
        state in ('draft', 'submitted', 'approved', 'rejected', 'superseded', 'deleted')
    ),
    -- Grows by one with every change: the etag.
    revision bigint not null default 1,
    -- The baseline, a version of the same line.
    parent_number integer,
    superseded_by_number integer,
    content_digest bytea check (octet_length(content_digest) = 32),
    metadata jsonb,
    metadata_schema smallint not null,
    phase_data jsonb,
    total integer not null default 0 check (total >= 0),
    pending integer not null default 0 check (pending >= 0),
    approved integer not null default 0 check (approved >= 0),
    rejected integer not null default 0 check (rejected >= 0),
    -- Changed by the reviewer and confirmed by a tester.
    modified integer not null default 0 check (modified >= 0),
    -- Changed by the reviewer and not confirmed yet.
    proposed integer not null default 0 check (proposed >= 0),
    carried integer not null default 0 check (carried between 0 and total),
    -- Items that count for the version's derived total (in scope, say), of all …
    counted integer not null default 0 check (counted between 0 and total),
    -- … and of the approved and modified ones: what the next version inherits.
    counted_kept integer not null default 0 check (counted_kept between 0 and counted),
    -- Which sources put items forward up to this version: one bit each.
    sources integer not null default 0,
    created_at timestamptz not null,
    created_by bigint not null,
    creation_notes text,
    updated_at timestamptz not null,
    submitted_at timestamptz,
    submitted_by bigint,
    -- Everybody who ever submitted it, withdrawn or not.
    submitters bigint [] not null default '{}',
    submission_notes text,
    reviewed_at timestamptz,
    reviewed_by bigint,
    review_notes text,
    self_approved boolean not null default false,
    superseded_at timestamptz,
    deleted_at timestamptz,
    deleted_by bigint,
    delete_reason text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (line_no, number),
    unique (version_id),
    check (total = pending + approved + rejected + modified + proposed),
    check (parent_number < number),
    check (state <> 'approved' or (pending = 0 and proposed = 0 and approved + modified > 0)),
    check ((state = 'deleted') = (deleted_at is not null)),
    check ((deleted_at is null) = (deleted_by is null)),
    check (state in ('draft', 'deleted') or submitted_at is not null),
    check (state not in ('approved', 'rejected', 'superseded') or reviewed_at is not null),
    check ((state = 'superseded') = (superseded_by_number is not null)),
    check (state = 'draft' or submitted_by is null or submitted_by = any (submitters)),
    -- Maker and checker are two, or it says that they are one.
    check (
        state not in ('approved', 'superseded') or self_approved
        or (reviewed_by <> created_by and reviewed_by <> all (submitters))
    ),
    check (state <> 'rejected' or not self_approved)
);

create unique index versions_one_open on versions (line_no) where state in ('draft', 'submitted');
create unique index versions_one_approved on versions (line_no) where state = 'approved';

-- What was put forward. Wide, written once. An edit, or a key put forward again, is the next rev.
create table items (
    line_no bigint not null,
    item_no integer not null check (item_no > 0),
    rev integer not null check (rev > 0),
    item_key text collate "C" not null check (item_key <> '' and char_length(item_key) <= 255),
    -- The number of the draft that brought it.
    introduced_in integer not null,
    -- The rev that this one is an edit of. It need not be the one before: that one may have been
    -- given up with its draft.
    edit_of_rev integer check (edit_of_rev between 1 and rev - 1),
    payload jsonb not null,
    payload_schema smallint not null,
    -- SHA-256 of the payload's canonical form.
    content_hash bytea not null check (octet_length(content_hash) = 32),
    -- Whether it counts for the version's derived total.
    counted boolean not null,
    -- 1 tester, 2 llm, 3 manual, 4 automated.
    source smallint not null check (source between 1 and 4),
    recommended_by bigint not null,
    recommended_at timestamptz not null,
    recommendation_reason text,
    recommendation_metadata jsonb,
    -- Put forward by somebody who approves in the phase: a tester rules on it then.
    contributed boolean not null,
    edited_by bigint,
    edited_at timestamptz,
    modification_reason text,
    -- The version in which the key was rejected before.
    previous_version integer,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (line_no, item_no, rev),
    check ((edited_by is null) = (edit_of_rev is null)),
    check ((edited_by is null) = (edited_at is null))
);

-- An item_no belongs to one key for the whole line.
create unique index items_key on items (line_no, item_key) where rev = 1;
create index items_introduced on items (line_no, introduced_in, item_no);

-- A reviewer's change of an item: kept beside the original.
create table modifications (
    line_no bigint not null,
    item_no integer not null,
    modification_no integer not null check (modification_no > 0),
    -- The content that it changes.
    rev integer not null,
    payload jsonb not null,
    payload_schema smallint not null,
    content_hash bytea not null check (octet_length(content_hash) = 32),
    counted boolean not null,
    reason text not null,
    notes text,
    made_in integer not null,
    made_by bigint not null,
    made_at timestamptz not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (line_no, item_no, modification_no)
);

-- What was decided. Narrow; only to_version is ever set, once.
create table rulings (
    line_no bigint not null,
    item_no integer not null,
    seq integer not null check (seq > 0),
    rev integer not null,
    -- It is in force in the versions from ≤ n < to; 2147483647 while no end is known.
    from_version integer not null check (from_version > 0),
    to_version integer not null default 2147483647,
    -- 1 approved, 2 modified, 3 rejected, 4 proposed, 5 removed.
    state smallint not null check (state between 1 and 5),
    modification_no integer,
    -- 1: an observation's test is accepted without a finding.
    disposition smallint check (disposition is null or disposition = 1 and state = 3),
    decided_by bigint not null,
    notes text,
    -- The seq of the ruling that this one states again.
    restated_from integer check (restated_from < seq),
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (line_no, item_no, seq),
    check ((state in (2, 4)) = (modification_no is not null))
);

create unique index rulings_in_force on rulings (line_no, item_no) where to_version = 2147483647;
-- Which items an older baseline must restate; holds no first rulings, so a first review pays nothing.
create index rulings_restated on rulings (line_no, from_version, item_no) where seq > 1;

-- How many contents of a line a person made: 0 saves the search for their own items.
create table makers (
    line_no bigint not null,
    user_id bigint not null,
    contents bigint not null check (contents > 0),
    primary key (line_no, user_id)
);

-- What was approved, with its history: earlier ones are superseded, never overwritten.
create table artifacts (
    cycle_id uuid not null,
    report_id uuid not null,
    phase text not null,
    number integer not null,
    artifact_type text not null,
    version_id uuid not null,
    approved_at timestamptz not null,
    approved_by bigint not null,
    notes text,
    superseded_at timestamptz,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    origin text not null check (origin in ('native', 'legacy')),
    primary key (cycle_id, report_id, phase, number)
);

create unique index artifacts_current on artifacts (cycle_id, report_id, phase)
where superseded_at is null;

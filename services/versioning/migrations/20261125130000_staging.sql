-- Imports under way: what has come so far, before it becomes items. It is committed in short pieces
-- and cleared at the end. Not logged: when the database server crashes it is emptied, and the
-- imports have failed.

create unlogged table imports (
    import_id uuid primary key,
    -- The application_name of the process that runs it: once nobody of that name is connected, it
    -- is over.
    instance text not null,
    started_at timestamptz not null default clock_timestamp()
);

-- No index: whoever reads, reads an import from beginning to end.
create unlogged table staged_items (
    import_id uuid not null,
    -- The place in the stream: 1, 2, 3 …
    row_no integer not null,
    item_key text collate "C" not null,
    payload jsonb not null,
    payload_schema smallint not null,
    content_hash bytea not null,
    counted boolean not null,
    source smallint not null,
    reason text,
    -- SHA-256 of the reason, and of the metadata's canonical form: for the trail.
    reason_hash bytea,
    metadata jsonb,
    metadata_hash bytea
);

-- Those of the rows whose keys the line knows, and what becomes of them.
create unlogged table staged_known (
    import_id uuid not null,
    row_no integer not null,
    item_no integer not null,
    rev integer not null,
    -- The version holds the key already.
    present boolean not null,
    -- The ruling that the new content ends.
    ended_ruling integer,
    previous_version integer
);

-- Staging is the one place where the service deletes what it wrote; alone there, it truncates.
grant select, insert, delete on imports to signoff_service;
grant select, insert, delete, truncate on staged_items, staged_known to signoff_service;

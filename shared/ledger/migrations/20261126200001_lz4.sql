-- Details are keys and hashes: pglz spends more than the insert itself on them and gains nothing. A server
-- that was built without lz4 keeps its own way.
do $$
begin
    alter table trail_details alter column body set compression lz4;
exception when feature_not_supported then
    null;
end $$;

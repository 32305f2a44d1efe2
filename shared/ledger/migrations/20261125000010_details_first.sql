-- A command that touches a million items writes their details bit by bit, before the record that
-- holds their root: whether the record came in the same transaction is looked at when it ends.
drop trigger trail_details_record on trail_details;
create constraint trigger trail_details_record after insert on trail_details
    deferrable initially deferred
    for each row execute function trail_details_check_record();
alter table trail_details enable always trigger trail_details_record;

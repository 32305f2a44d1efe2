//! What must hold in the tables of the versioning service, whatever happened.

use sqlx::PgConnection;

/// What is checked, and a query that counts the rows at fault.
const CHECKS: [(&str, &str); 17] = [
    (
        "contents of a version that is not there",
        "select count(*) from items i where not exists (
             select from versions v where v.line_no = i.line_no and v.number = i.introduced_in)",
    ),
    (
        "revs of an item that are not 1, 2, 3 …",
        "select count(*) from (
             select rev, row_number() over (partition by line_no, item_no order by rev) as n
             from items) x where rev <> n",
    ),
    (
        "items with several keys",
        "select count(*) from (
             select from items group by line_no, item_no having count(distinct item_key) > 1) x",
    ),
    (
        "item numbers of a line that are not 1, 2, 3 …",
        "select count(*) from lines l where l.last_item <> (
             select count(distinct item_no) from items i where i.line_no = l.line_no)
             or l.last_item <> coalesce(
             (select max(item_no) from items i where i.line_no = l.line_no), 0)",
    ),
    (
        "rulings of a content or a version that is not there",
        "select count(*) from rulings r where not exists (
             select from items i where (i.line_no, i.item_no, i.rev) = (r.line_no, r.item_no, r.rev))
         or not exists (
             select from versions v where (v.line_no, v.number) = (r.line_no, r.from_version))
         or r.to_version <> 2147483647 and not exists (
             select from versions v where (v.line_no, v.number) = (r.line_no, r.to_version))",
    ),
    (
        "rulings that refer to a change that is not there",
        "select count(*) from rulings r where r.modification_no is not null and not exists (
             select from modifications m
             where (m.line_no, m.item_no, m.modification_no)
                 = (r.line_no, r.item_no, r.modification_no))",
    ),
    (
        "changes of a content or a version that is not there, or without a ruling",
        "select count(*) from modifications m where not exists (
             select from items i where (i.line_no, i.item_no, i.rev) = (m.line_no, m.item_no, m.rev))
         or not exists (select from versions v where (v.line_no, v.number) = (m.line_no, m.made_in))
         or not exists (
             select from rulings r
             where (r.line_no, r.item_no, r.modification_no)
                 = (m.line_no, m.item_no, m.modification_no))",
    ),
    (
        "rulings that overlap, or whose seqs are not 1, 2, 3 …",
        "select count(*) from (
             select seq, from_version, row_number() over w as n, lag(to_version) over w as before
             from rulings window w as (partition by line_no, item_no order by seq)) x
         where seq <> n or before > from_version",
    ),
    (
        "items with several rulings in force",
        "select count(*) from (
             select from rulings where to_version = 2147483647
             group by line_no, item_no having count(*) > 1) x",
    ),
    (
        "version numbers that are not 1, 2, 3 …",
        "select count(*) from lines l where l.last_number <> (
             select count(*) from versions v where v.line_no = l.line_no)
             or l.last_number <> coalesce(
             (select max(number) from versions v where v.line_no = l.line_no), 0)",
    ),
    (
        "lines with several open or several approved versions",
        "select count(*) from lines l where 1 < (
             select count(*) from versions v
             where v.line_no = l.line_no and v.state in ('draft', 'submitted'))
         or 1 < (
             select count(*) from versions v
             where v.line_no = l.line_no and v.state = 'approved')",
    ),
    (
        "approved versions without their artifact, or the other way round",
        "select count(*) from (select * from versions v join lines l using (line_no)
             where v.state in ('approved', 'superseded')) v
         full join artifacts a using (version_id)
         where v.version_id is null or a.version_id is null
             or (v.state = 'approved') <> (a.superseded_at is null)",
    ),
    (
        "people whose count is not that of their contents",
        "select count(*) from makers m full join (
             select line_no, coalesce(edited_by, recommended_by) as user_id, count(*) as made
             from items group by 1, 2) i using (line_no, user_id)
         where m.contents is distinct from i.made",
    ),
    (
        "approved versions without a sign-off that they require",
        "select count(*) from versions v, unnest(v.required_sign_offs) as required (role)
         where v.state in ('approved', 'superseded') and not exists (
             select from sign_offs s
             where (s.line_no, s.number) = (v.line_no, v.number) and s.role = required.role
                 and s.status = 'signed' and s.content_digest = v.content_digest)",
    ),
    (
        "sign-offs that stand in a draft, or are asked for in a closed version",
        "select count(*) from sign_offs s join versions v using (line_no, number)
         where s.status in ('pending', 'signed') and v.state = 'draft'
             or s.status = 'pending' and v.state <> 'submitted'",
    ),
    (
        "remedies of what is not there, or whose revisions are not 1, 2, 3 …",
        "select count(*) from (
             select *, row_number() over (partition by line_no, item_no order by revision) as n
             from remediations) x
         where revision <> n or not exists (
             select from items i where (i.line_no, i.item_no) = (x.line_no, x.item_no))",
    ),
    ("headers whose counts are not those of their rows", COUNTS),
];

/// Counts each version's items anew, from contents and rulings alone.
const COUNTS: &str = "
    with held as (
        select v.line_no, v.number, k.item_no, coalesce(r.state, 0) as state,
            c.introduced_in < v.number as carried
        from versions v
        join items k on k.line_no = v.line_no and k.rev = 1
        left join rulings r on r.line_no = v.line_no and r.item_no = k.item_no
            and r.from_version <= v.number and r.to_version > v.number
        join items c on c.line_no = v.line_no and c.item_no = k.item_no and c.rev = coalesce(r.rev, (
            select max(x.rev) from items x where x.line_no = v.line_no and x.item_no = k.item_no
                and x.introduced_in = v.number))
        where r.state is null or r.state in (1, 2)
            or r.state in (3, 4) and r.from_version = v.number
    ), counted as (
        select v.line_no, v.number, count(h.item_no) as total,
            count(h.item_no) filter (where h.state = 0) as pending,
            count(h.item_no) filter (where h.state = 1) as approved,
            count(h.item_no) filter (where h.state = 2) as modified,
            count(h.item_no) filter (where h.state = 3) as rejected,
            count(h.item_no) filter (where h.state = 4) as proposed,
            count(h.item_no) filter (where h.carried) as carried
        from versions v left join held h using (line_no, number) group by 1, 2
    )
    select count(*) from versions v join counted c using (line_no, number)
    where (v.total, v.pending, v.approved, v.modified, v.rejected, v.proposed, v.carried)
        <> (c.total, c.pending, c.approved, c.modified, c.rejected, c.proposed, c.carried)";

/// Everything that does not hold in the whole database.
pub async fn faults(conn: &mut PgConnection) -> Vec<String> {
    let mut faults = Vec::new();
    for (what, query) in CHECKS {
        let rows: i64 = sqlx::query_scalar(query).fetch_one(&mut *conn).await.expect(what);
        if rows > 0 {
            faults.push(format!("{rows} {what}"));
        }
    }
    let out_of_order: i64 = sqlx::query_scalar(
        "select count(*) from (
             select txid, lag(txid) over (partition by cycle_id, report_id order by seq) as before
             from trail) t
         where before > txid",
    )
    .fetch_one(conn)
    .await
    .expect("the trail");
    if out_of_order > 0 {
        faults
            .push(format!("{out_of_order} trail records in another order than their transactions"));
    }
    faults
}

//! Who alters the trail in the database is found out, and where.

use signoff_contract::versioning::v1::Verdict;
use signoff_tests::acts::modified;
use signoff_tests::{Stage, World, build};
use signoff_workflow::Phase;
use sqlx::{AssertSqlSafe, Connection};

/// What is done behind everybody's back, and the first record that does not fit then. Each is
/// done to the records of one workflow: `$1` and `$2` are its cycle and report.
const DEEDS: [(&str, &str, i64); 13] = [
    (
        "a word of a record",
        "update trail set canonical = overlay(canonical placing '\\x7e' from 20) where seq = 4",
        4,
    ),
    ("its actor, for searching", "update trail set actor = 99 where seq = 3", 3),
    ("its action, for searching", "update trail set action = 'version.approved' where seq = 3", 3),
    ("its phase, for searching", "update trail set phase = 'planning' where seq = 5", 5),
    (
        "its time, for searching",
        "update trail set recorded_at = recorded_at - interval '1 day' where seq = 2",
        2,
    ),
    (
        "its request, for searching",
        "update trail set request_id = gen_random_uuid() where seq = 1",
        1,
    ),
    ("its hash", "update trail set hash = sha256(hash) where seq = 5", 5),
    ("what it follows", "update trail set previous_hash = sha256(previous_hash) where seq = 5", 5),
    ("its format", "update trail set format = 2 where seq = 6", 6),
    ("one record less", "delete from trail where seq = 4", 4),
    (
        "a word of its details",
        "update trail_details set body = overlay(body placing '\\x7e' from 5) where seq = 3",
        3,
    ),
    ("its details' hash", "update trail_details set hash = sha256(hash) where seq = 5", 5),
    ("no details", "delete from trail_details where seq = 3", 3),
];

/// What is done to the rows that the trail speaks of, and the record that does not fit then: the
/// one that wrote the row, or the last one, where the row is the sum of several.
const ROW_DEEDS: &[(&str, i64)] = &[
    (
        "update items set payload = payload || '{\"sample_type\": \"targeted\"}' where item_no = 2 and rev = 1",
        3,
    ),
    ("update items set content_hash = sha256(content_hash) where item_no = 3", 3),
    ("update items set item_key = 'S-000099' where item_no = 3", 3),
    ("update items set source = 2 where item_no = 3", 3),
    ("update items set recommended_by = 99 where item_no = 3", 3),
    ("update items set recommendation_reason = 'another' where item_no = 3", 3),
    ("update items set introduced_in = 2 where item_no = 3", 3),
    ("delete from items where item_no = 3", 3),
    ("update items set modification_reason = 'another' where item_no = 2 and rev = 2", 10),
    ("update items set edited_by = 99 where item_no = 2 and rev = 2", 10),
    (
        "update modifications set payload = payload || '{\"sample_type\": \"targeted\"}' where item_no = 1",
        5,
    ),
    ("update modifications set reason = 'another' where item_no = 1", 5),
    ("update modifications set notes = 'another' where item_no = 1", 5),
    ("update rulings set notes = 'another' where item_no = 1 and seq = 1", 5),
    ("update rulings set state = 3 where item_no = 2 and seq = 1", 6),
    ("update rulings set decided_by = 99 where item_no = 2 and seq = 1", 6),
    ("update rulings set from_version = 2 where item_no = 3", 6),
    ("update rulings set to_version = 3 where item_no = 2 and seq = 1", 10),
    ("update rulings set to_version = 2 where item_no = 3", 14),
    ("delete from rulings where item_no = 3", 6),
    ("update versions set review_notes = 'another' where number = 1", 8),
    ("update versions set approved = approved - 1, pending = pending + 1 where number = 1", 7),
    ("update versions set metadata = '{}' where number = 2", 9),
    ("update versions set submitters = '{10, 99}' where number = 1", 4),
    ("update versions set updated_at = updated_at + interval '1 second' where number = 2", 13),
    ("update versions set recorded_at = recorded_at - interval '1 day' where number = 2", 9),
    ("update items set contributed = true where item_no = 3", 3),
    ("update items set recommendation_metadata = '{}' where item_no = 3", 3),
    ("update items set recommendation_reason = 'another' where item_no = 2 and rev = 2", 10),
    ("update artifacts set approved_by = 99 where number = 1", 14),
    ("update artifacts set artifact_type = 'scope' where number = 1", 14),
    ("delete from artifacts where number = 2", 13),
    ("update phase_gates set attempt = 7 where phase = 'sample_selection'", 2),
    ("update lines set phase = 'scoping' where true", 3),
    ("update makers set contents = contents + 1 where user_id = 10", 14),
    ("update items set recommended_at = recommended_at - interval '1 day' where item_no = 3", 3),
    ("update items set edited_at = edited_at + interval '1 day' where item_no = 2 and rev = 2", 10),
    ("update items set payload_schema = 2 where item_no = 3", 3),
    ("update items set origin = 'legacy' where item_no = 3", 3),
    ("update modifications set made_by = 99 where item_no = 1", 5),
    ("update modifications set payload_schema = 2 where item_no = 1", 5),
    ("update rulings set modification_no = 9 where item_no = 1 and state = 2", 7),
    ("update rulings set occurred_at = occurred_at - interval '1 day' where item_no = 3", 6),
    ("delete from versions where number = 2", 9),
];

/// What is done to the rows beside the versions of a report, and the record that does not fit then.
const REPORT_DEEDS: &[(&str, i64)] = &[
    ("update sign_offs set comments = 'another' where sign_off_no = 1", 9),
    ("update sign_offs set user_id = 99 where sign_off_no = 2", 10),
    ("update sign_offs set role = 'nobody' where sign_off_no = 2", REPORT_RECORDS),
    ("update sign_offs set recorded_at = now() where sign_off_no = 2", 7),
    ("update sign_offs set content_digest = sha256(content_digest) where sign_off_no = 3", 12),
    ("update sign_offs set decided_at = decided_at - interval '1 day' where sign_off_no = 1", 9),
    ("update sign_offs set delegation_reason = 'another' where sign_off_no = 2", 10),
    ("delete from sign_offs where sign_off_no = 3", 8),
    ("update versions set required_sign_offs = '{}' where number = 1", 4),
    ("update versions set content_digest = sha256(content_digest) where number = 1", 4),
    ("update final_documents set sha256 = sha256(sha256) where number = 1", REPORT_RECORDS),
    ("update final_documents set attached_by = 99 where number = 1", REPORT_RECORDS),
    ("delete from final_documents where number = 1", REPORT_RECORDS),
];

/// Opened (2), created, submitted, reviewed, asked (3), handed on, signed (3), approved, attached.
const REPORT_RECORDS: i64 = 14;

/// What is done to remedies, and the record that does not fit then.
const REMEDY_DEEDS: &[(&str, i64)] = &[
    ("update remediations set status = 'closed' where revision = 1", 7),
    ("update remediations set deadline = '2030-01-01' where revision = 2", 8),
    ("update remediations set reason = null where revision = 1", 7),
    ("update remediations set updated_by = 99 where revision = 2", 8),
    ("delete from remediations where revision = 2", 8),
    ("update remediations set item_no = 2 where revision = 1", 7),
];

const TABLES: [&str; 13] = [
    "trail",
    "trail_details",
    "items",
    "rulings",
    "modifications",
    "versions",
    "lines",
    "makers",
    "phase_gates",
    "artifacts",
    "sign_offs",
    "remediations",
    "final_documents",
];

/// Does something to the rows of a workflow, without the triggers that refuse it.
pub(crate) async fn tamper(stage: &Stage, sql: &str) {
    let mut superuser = stage.world.as_superuser().await;
    let mut transaction = superuser.begin().await.unwrap();
    for switch in ["disable", "enable"] {
        if switch == "enable" {
            let by_workflow = ["trail", "artifacts", "phase_gates", "update lines"];
            let own = if by_workflow.iter().any(|table| sql.contains(table)) {
                "cycle_id = $1 and report_id = $2"
            } else {
                "line_no in (select line_no from lines where cycle_id = $1 and report_id = $2)"
            };
            let done = sqlx::query(AssertSqlSafe(format!("{sql} and {own}")))
                .bind(stage.workflow.cycle_id)
                .bind(stage.workflow.report_id)
                .execute(&mut *transaction)
                .await
                .unwrap();
            assert_eq!(done.rows_affected(), 1, "{sql}");
        }
        for table in TABLES {
            let sql = AssertSqlSafe(format!("alter table {table} {switch} trigger all"));
            sqlx::query(sql).execute(&mut *transaction).await.unwrap();
        }
    }
    transaction.commit().await.unwrap();
    superuser.close().await.unwrap();
}

#[tokio::test]
async fn the_first_record_that_was_altered_is_named() {
    // Its own service: while the triggers are off, nobody else writes.
    let world: &'static World = Box::leak(Box::new(World::new().await));
    let untouched = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
    untouched.approved(2).await;
    for (what, sql, sequence) in DEEDS {
        let stage = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
        stage.approved(3).await;
        stage.next(build::inputs(3..4)).await;
        let before = stage.tester.verify(stage.workflow).await;
        assert_eq!((before.intact, before.first_damaged), (true, None));
        tamper(&stage, sql).await;
        let verified = stage.tester.verify(stage.workflow).await;
        assert!(!verified.intact, "{what}");
        let damage = verified.first_damaged.unwrap_or_else(|| panic!("{what}"));
        assert_eq!(damage.sequence, sequence, "{what}: {}", damage.what);
        assert!(!damage.what.is_empty());
    }
    assert!(untouched.tester.verify(untouched.workflow).await.intact);
}

/// Two approved versions: in the first, the reviewer changed an item, which a tester confirmed; in
/// the second, another one was edited.
async fn story(world: &'static World) -> Stage {
    let stage = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
    let first = stage.submitted(3).await;
    let all = stage.tester.decisions(&first).await;
    let mut change = modified(&all[0], build::sample("S-000000", "changed"), "typo");
    change.notes = "see the ledger".to_owned();
    stage.owner.rule(&first, vec![change]).await.unwrap();
    stage.owner.rule_rest(&first, Verdict::Approved).await.unwrap();
    stage.tester.confirm(&first, &[&all[0]]).await.unwrap();
    stage.owner.approve(&first).await.unwrap();
    let second = stage.tester.revise(&stage.here, build::inputs(3..4)).await.unwrap();
    let carried = stage.tester.decision(&second, "S-000001").await;
    let edited = build::sample("S-000001", "edited");
    stage.tester.edit(&second, &carried, edited, "out of date").await.unwrap();
    let submitted = stage.tester.submit(&second).await.unwrap();
    stage.approve_all(&submitted).await;
    stage
}

/// A report that was signed, by a delegate too, approved and attached.
async fn report(world: &'static World) -> Stage {
    let stage = Stage::open_in(world, Phase::FINALIZE_TEST_REPORT).await;
    stage.attached_report().await;
    stage
}

/// An approved observation whose remedy was spoken of twice.
async fn remedies(world: &'static World) -> Stage {
    let stage = Stage::open_in(world, Phase::OBSERVATION_MANAGEMENT).await;
    stage.remedied().await;
    stage
}

#[tokio::test]
async fn rows_beside_versions_are_compared_with_the_trail() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    let mut wrong = Vec::new();
    let deeds = REPORT_DEEDS.iter().map(|deed| (true, deed));
    for (of_report, (sql, sequence)) in deeds.chain(REMEDY_DEEDS.iter().map(|deed| (false, deed))) {
        let stage = if of_report { report(world).await } else { remedies(world).await };
        let before = stage.tester.verify(stage.workflow).await;
        assert_eq!((before.intact, before.records), (true, if of_report { 14 } else { 8 }));
        tamper(&stage, sql).await;
        let verified = stage.tester.verify(stage.workflow).await;
        let damage = verified.first_damaged.unwrap_or_else(|| panic!("not seen: {sql}"));
        if damage.sequence != *sequence {
            wrong.push(format!("{sql}: {} is named: {}", damage.sequence, damage.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn rows_that_the_trail_speaks_of_are_compared_with_it() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    let mut wrong = Vec::new();
    for &(sql, sequence) in ROW_DEEDS {
        let stage = story(world).await;
        let before = stage.tester.verify(stage.workflow).await;
        assert_eq!((before.intact, before.records), (true, 14));
        tamper(&stage, sql).await;
        let verified = stage.tester.verify(stage.workflow).await;
        let damage = verified.first_damaged.unwrap_or_else(|| panic!("not seen: {sql}"));
        if damage.sequence != sequence || verified.intact {
            wrong.push(format!("{sql}: {} is named: {}", damage.sequence, damage.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_last_record_is_looked_at_in_full() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    let stage = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
    stage.draft(3).await;
    tamper(&stage, "delete from trail_details where seq = 3").await;
    let verified = stage.tester.verify(stage.workflow).await;
    assert_eq!(verified.first_damaged.unwrap().sequence, 3);
}

#[tokio::test]
async fn of_several_damages_the_first_is_named() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    let stage = Stage::open_in(world, Phase::SAMPLE_SELECTION).await;
    stage.approved(3).await;
    tamper(&stage, "update trail set actor = 99 where seq = 5").await;
    tamper(&stage, "update trail_details set hash = sha256(hash) where seq = 3").await;
    let damage = stage.tester.verify(stage.workflow).await.first_damaged.unwrap();
    assert_eq!(damage.sequence, 3);
}

#[tokio::test]
async fn records_and_chunks_stay_within_their_bounds_however_much_a_command_touches() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(10_000).await;
    stage.approve_all(&submitted).await;
    let trail = stage.tester.trail_of(stage.workflow).await;
    let rows: Vec<i64> = trail.iter().map(|record| record.detail_rows).collect();
    assert_eq!(rows, [0, 0, 10_000, 0, 10_000, 0]);
    assert!(trail.iter().all(|record| record.canonical.len() <= 65_536));
    let mut superuser = stage.world.as_superuser().await;
    let (chunks, largest): (i64, i32) = sqlx::query_as(
        "select count(*), max(octet_length(body)) from trail_details
         where cycle_id = $1 and report_id = $2",
    )
    .bind(stage.workflow.cycle_id)
    .bind(stage.workflow.report_id)
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    superuser.close().await.unwrap();
    assert!(chunks > 10 && largest <= 65_536, "{chunks} chunks, the largest {largest}");
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

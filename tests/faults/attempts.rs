//! Statements that are tried on a line with versions of every state, and undone.

use signoff_contract::versioning::v1::Verdict;
use signoff_tests::{Stage, acts, build};
use sqlx::{AssertSqlSafe, Connection, Error, Executor, PgConnection};

/// A line with a version of every state but submitted, and one with a submitted version.
pub(crate) struct Lines {
    pub(crate) stage: Stage,
    /// The line of versions 1 superseded, 2 approved, 3 rejected, 4 deleted and 5, a draft.
    pub(crate) drafted: i64,
    /// The line of version 1, submitted: its item 1 is approved, 2 pending, 3 changed, 4 rejected.
    pub(crate) submitted: i64,
}

/// Makes both lines, through the service.
pub(crate) async fn lines() -> Lines {
    // Whoever waits for it holds little meanwhile.
    Box::pin(made()).await
}

async fn made() -> Lines {
    let stage = Stage::samples().await;
    stage.approved(4).await;
    let second = stage.next(build::inputs(10..11)).await;
    assert_eq!(second.number, 2);
    let third = stage.tester.revise(&stage.here, build::inputs(11..12)).await.unwrap();
    let third = stage.tester.submit(&third).await.unwrap();
    stage.owner.rule_rest(&third, Verdict::Approved).await.unwrap();
    stage.owner.reject(&third, "not yet").await.unwrap();
    let fourth = stage.tester.revise(&stage.here, build::inputs(12..13)).await.unwrap();
    stage.tester.delete(&fourth, "a mistake").await.unwrap();
    let fifth = stage.tester.revise(&stage.here, build::inputs(13..14)).await.unwrap();
    let first = stage.tester.decision(&fifth, "S-000000").await;
    let payload = build::sample("S-000000", "edited");
    stage.tester.edit(&fifth, &first, payload, "it was wrong").await.unwrap();

    let other = Stage::samples().await;
    let submitted = other.submitted(4).await;
    let decisions = other.owner.decisions(&submitted).await;
    let change = acts::modified(&decisions[2], build::sample("S-000002", "changed"), "better");
    let reviews = vec![acts::approved(&decisions[0]), change, acts::rejected(&decisions[3], "no")];
    other.owner.rule(&submitted, reviews).await.unwrap();

    let mut database = stage.world.as_superuser().await;
    let drafted = line_no(&mut database, &stage).await;
    let submitted = line_no(&mut database, &other).await;
    Lines { stage, drafted, submitted }
}

/// The internal number of a stage's line.
pub(crate) async fn line_no(database: &mut PgConnection, stage: &Stage) -> i64 {
    sqlx::query_scalar("select line_no from lines where cycle_id = $1")
        .bind(stage.workflow.cycle_id)
        .fetch_one(database)
        .await
        .unwrap()
}

/// Tries statements in a transaction that is then undone: how many rows they changed, or the
/// SQLSTATE by which they were refused.
pub(crate) async fn tried(database: &mut PgConnection, sql: &str) -> Result<u64, String> {
    let mut transaction = database.begin().await.unwrap();
    let outcome = transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await;
    transaction.rollback().await.unwrap();
    match outcome {
        Ok(done) => Ok(done.rows_affected()),
        Err(Error::Database(error)) => Err(error.code().expect("a SQLSTATE").into_owned()),
        Err(error) => panic!("{sql}: {error}"),
    }
}

/// Tries each statement of a table: refused with this SQLSTATE, or accepted where it names none.
pub(crate) async fn expect(database: &mut PgConnection, table: &[(String, &str)]) {
    let mut wrong = Vec::new();
    for (sql, sqlstate) in table {
        let outcome = tried(database, sql).await;
        let right = match &outcome {
            Ok(rows) => sqlstate.is_empty() && *rows > 0,
            Err(code) => code == sqlstate,
        };
        if !right {
            wrong.push(format!("{sql}\n  must be {sqlstate:?}, is {outcome:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

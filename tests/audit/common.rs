//! What the tests of this service share.

use std::time::{Duration, SystemTime};

use prost_types::value::Kind;
use prost_types::{Struct, Timestamp};
use signoff_contract::audit::v1 as wire;
use signoff_contract::feed::v1::TrailRecord;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::Lanes;
use signoff_tests::people::request_id;
use signoff_tests::refusals::refusal;
use signoff_workflow::Phase;
use sqlx::{AssertSqlSafe, Connection};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// Somebody's charge of a line of business, to be asked for.
pub(crate) fn charge(
    lanes: &Lanes,
    lob: Uuid,
    person: i64,
    of: wire::AssignmentType,
) -> wire::AssignDataOwnerRequest {
    wire::AssignDataOwnerRequest {
        scope: lanes.at(Phase::DATA_OWNER_ID),
        data_owner_id: person,
        lob_id: lob.to_string(),
        assignment_type: of.into(),
        change_reason: "knows the data".to_owned(),
        request_id: request_id(),
        ..Default::default()
    }
}

/// Does it.
pub(crate) async fn assign(
    lanes: &Lanes,
    request: wire::AssignDataOwnerRequest,
) -> Result<wire::Assignment, Status> {
    Ok(lanes.tester.call(request).await?.assignment.unwrap())
}

/// Ends an assignment without a successor.
pub(crate) async fn deactivate(
    lanes: &Lanes,
    of: &wire::Assignment,
    etag: &str,
) -> Result<wire::Assignment, Status> {
    let request = wire::DeactivateDataOwnerRequest {
        scope: lanes.at(Phase::DATA_OWNER_ID),
        assignment_id: of.assignment_id.clone(),
        change_reason: "the line of business was sold".to_owned(),
        etag: etag.to_owned(),
        request_id: request_id(),
    };
    Ok(lanes.tester.call(request).await?.assignment.unwrap())
}

/// The assignments of a lane, newest first.
pub(crate) async fn assignments(lanes: &Lanes, lob: Uuid) -> Vec<wire::Assignment> {
    let request = wire::ListAssignmentsRequest {
        scope: lanes.whole(),
        lob_id: lob.to_string(),
        ..Default::default()
    };
    lanes.tester.call(request).await.unwrap().assignments
}

/// A moment so many days from now.
pub(crate) fn in_days(days: u64) -> Option<Timestamp> {
    Some(Timestamp::from(SystemTime::now() + Duration::from_secs(days * 86_400)))
}

/// Lets days go by: everything that was to begin or to end does so earlier.
pub(crate) async fn let_pass(lanes: &Lanes, days: u32) {
    let later = format!(
        "update assignments set effective_from = effective_from - interval '{days} days',
             effective_to = effective_to - interval '{days} days'"
    );
    tamper(lanes, &later).await;
}

/// Changes rows of a workflow as nobody can: all triggers off. Gives how many.
pub(crate) async fn tamper(lanes: &Lanes, sql: &str) -> u64 {
    let mut superuser = lanes.world.as_superuser().await;
    let mut transaction = superuser.begin().await.unwrap();
    sqlx::query("set local session_replication_role = replica")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let and = if sql.contains(" where ") { "and" } else { "where" };
    let own = format!("{sql} {and} cycle_id = $1 and report_id = $2");
    let done = sqlx::query(AssertSqlSafe(own))
        .bind(lanes.workflow.cycle_id)
        .bind(lanes.workflow.report_id)
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    superuser.close().await.unwrap();
    done.rows_affected()
}

/// All changes of one thing, newest first.
pub(crate) async fn changes_of(lanes: &Lanes, id: &str) -> Vec<wire::Change> {
    let subject_id = id.to_owned();
    lanes.changes(wire::ListChangesRequest { subject_id, ..Default::default() }).await
}

/// The trail.
pub(crate) async fn trail(lanes: &Lanes) -> Vec<TrailRecord> {
    lanes.tester.trail_of(lanes.workflow).await
}

/// A field of a state, as text.
pub(crate) fn field(of: Option<&Struct>, name: &str) -> Option<String> {
    match of?.fields.get(name)?.kind.as_ref()? {
        Kind::StringValue(text) => Some(text.clone()),
        Kind::NumberValue(number) => Some(number.to_string()),
        Kind::BoolValue(value) => Some(value.to_string()),
        Kind::NullValue(_) | Kind::StructValue(_) | Kind::ListValue(_) => None,
    }
}

/// Expects that the state of things does not allow it, and gives what is said of each: `id: why`.
#[track_caller]
pub(crate) fn unmet<T: std::fmt::Debug>(
    answer: Result<T, Status>,
    expected: ErrorReason,
) -> Vec<String> {
    let status = refusal(answer, Code::FailedPrecondition, expected);
    let told = status.get_details_precondition_failure().map(|told| told.violations);
    told.into_iter().flatten().map(|of| format!("{}: {}", of.subject, of.description)).collect()
}

/// Expects that only a data owner of the lane may.
#[track_caller]
pub(crate) fn not_the_owner<T: std::fmt::Debug>(answer: Result<T, Status>) {
    refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
}

/// What a phase lacks, in words.
pub(crate) async fn lacks(lanes: &Lanes, phase: Phase) -> Vec<String> {
    lanes.status(phase).await.unmet.into_iter().map(|of| of.what).collect()
}

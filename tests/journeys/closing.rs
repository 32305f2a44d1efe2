//! Workflows that are closed: read-only for ever.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::people::request_id;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::rpc::Sent;
use signoff_tests::world::whole;
use signoff_tests::{Stage, World};
use signoff_workflow::Phase;
use sqlx::{AssertSqlSafe, Connection};
use tonic::Code;

use crate::changes::{CHANGES, ready};

#[tokio::test]
async fn nothing_changes_in_a_closed_workflow() {
    for method in CHANGES {
        let ready = ready(method).await;
        let stage = &ready.stage;
        stage.close_workflow("the cycle is over").await.unwrap();
        let trail = stage.tester.trail_of(stage.workflow).await;
        let versions = stage.tester.versions(&stage.here).await;
        let answer = ready.sender().send(&ready.sent).await;
        let status = refusal(answer, Code::FailedPrecondition, ErrorReason::WorkflowClosed);
        assert!(status.message().contains("read-only for ever"), "{method}");
        // Fields are checked before the state, and access before both.
        let answer = ready.sender().send(&ready.sent.with("request_id", "x")).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), ["request_id"], "{method}");
        let answer = stage.person(77, &[]).send(&ready.sent).await;
        refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
        assert_eq!(stage.tester.trail_of(stage.workflow).await, trail, "{method}");
        assert_eq!(stage.tester.versions(&stage.here).await, versions, "{method}");
    }
}

#[tokio::test]
async fn a_request_that_was_done_before_gets_its_first_answer_for_ever() {
    for method in CHANGES.into_iter().filter(|method| *method != "CloseWorkflow") {
        let ready = ready(method).await;
        let first = ready.sender().send(&ready.sent).await.unwrap();
        ready.stage.close_workflow("the cycle is over").await.unwrap();
        assert_eq!(ready.sender().send(&ready.sent).await.unwrap(), first, "{method}");
        let somebody_else = ready.stage.person(77, &[ready.by.1]).send(&ready.sent).await;
        refusal(somebody_else, Code::InvalidArgument, ErrorReason::RequestIdReused);
    }
}

#[tokio::test]
async fn closing_is_the_last_record_and_reading_goes_on() {
    let stage = Stage::of(Phase::PLANNING).await;
    let approved = stage.approved(2).await;
    assert!(!stage.tester.status(&stage.here).await.workflow_closed);
    let request = wire::CloseWorkflowRequest {
        scope: Some(whole(stage.workflow)),
        reason: "the cycle is over".to_owned(),
        request_id: request_id(),
    };
    stage.gateway.call(request.clone()).await.unwrap();
    stage.gateway.call(request).await.unwrap();
    let again = stage.close_workflow("once more").await;
    refusal(again, Code::FailedPrecondition, ErrorReason::WorkflowClosed);

    let trail = stage.tester.trail_of(stage.workflow).await;
    let last = trail.last().unwrap();
    assert_eq!((last.action.as_str(), last.phase, last.actor_user_id), ("workflow.closed", 0, 1));
    assert_eq!(last.reason, "the cycle is over");
    assert!(stage.tester.verify(stage.workflow).await.intact);
    let status = stage.tester.status(&stage.here).await;
    assert!(status.workflow_closed);
    assert_eq!(status.current_version_id, approved.version_id);
    assert_eq!(stage.tester.decisions(&approved).await.len(), 2);
    let other = Stage::samples().await;
    assert!(!other.tester.status(&other.here).await.workflow_closed);
}

#[tokio::test]
async fn a_workflow_in_which_nothing_happened_may_be_closed() {
    let stage = Stage::closed(Phase::PLANNING).await;
    stage.close_workflow("opened by mistake").await.unwrap();
    let begun = stage.begin(&stage.here).await;
    refusal(begun, Code::FailedPrecondition, ErrorReason::WorkflowClosed);
    assert_eq!(stage.tester.verify(stage.workflow).await.records, 1);
}

/// What is done behind everybody's back to a closed workflow.
const DEEDS: [&str; 4] = [
    "delete from closed_workflows where true",
    "update closed_workflows set reason = 'another' where true",
    "update closed_workflows set closed_by = 99 where true",
    "update closed_workflows set closed_at = closed_at - interval '1 day' where true",
];

#[tokio::test]
async fn who_opens_a_closed_workflow_again_in_the_database_is_found_out() {
    let world: &'static World = Box::leak(Box::new(World::new().await));
    for deed in DEEDS {
        let stage = Stage::open_in(world, Phase::PLANNING).await;
        stage.close_workflow("the cycle is over").await.unwrap();
        assert!(stage.tester.verify(stage.workflow).await.intact);
        let mut superuser = world.as_superuser().await;
        let mut transaction = superuser.begin().await.unwrap();
        let (off, on) = ("disable", "enable always");
        for (switch, sql) in [(off, deed), (on, "select $1::uuid, $2::uuid where true")] {
            let trigger = "trigger closed_workflows_append_only";
            let switch = AssertSqlSafe(format!("alter table closed_workflows {switch} {trigger}"));
            sqlx::query(switch).execute(&mut *transaction).await.unwrap();
            let own = if sql == deed { "and cycle_id = $1 and report_id = $2" } else { "" };
            sqlx::query(AssertSqlSafe(format!("{sql} {own}")))
                .bind(stage.workflow.cycle_id)
                .bind(stage.workflow.report_id)
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        let damage = stage.tester.verify(stage.workflow).await.first_damaged.unwrap();
        assert_eq!(damage.sequence, 3, "{deed}: {}", damage.what);
    }
}

#[tokio::test]
async fn who_closes_a_workflow_in_the_database_alone_is_found_out() {
    let stage = Stage::of(Phase::PLANNING).await;
    let mut service = stage.world.as_service().await;
    sqlx::query(
        "insert into closed_workflows (cycle_id, report_id, closed_at, closed_by, reason)
         values ($1, $2, now(), 7, 'mine')",
    )
    .bind(stage.workflow.cycle_id)
    .bind(stage.workflow.report_id)
    .execute(&mut service)
    .await
    .unwrap();
    let damage = stage.tester.verify(stage.workflow).await.first_damaged.unwrap();
    assert!(damage.what.contains("the end of the workflow"), "{}", damage.what);
    let sent = Sent::of(&wire::BeginOpenRequest {
        scope: Some(stage.in_phase(Phase::SCOPING)),
        request_id: request_id(),
        reaffirm: false,
    });
    let refused = stage.gateway.send(&sent).await;
    refusal(refused, Code::FailedPrecondition, ErrorReason::WorkflowClosed);
}

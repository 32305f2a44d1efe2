//! Every changing method, each with a request that would be done.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::acts::{approved, modified};
use signoff_tests::people::request_id;
use signoff_tests::rpc::{Sent, methods_with};
use signoff_tests::world::whole;
use signoff_tests::{Person, Stage, build};
use signoff_workflow::{Phase, Role};
use wire::{Verdict, Version};

/// The methods by their own names.
pub(crate) const CHANGES: [&str; 22] = [
    "AddDecisions",
    "ApproveVersion",
    "BeginOpen",
    "BeginReopen",
    "CloseWorkflow",
    "ConfirmModifications",
    "CreateVersion",
    "DeleteVersion",
    "Fence",
    "FinishReopen",
    "MarkStale",
    "Open",
    "RejectVersion",
    "ReleaseSeal",
    "RemoveDecisions",
    "ReviewDecisions",
    "ReviseVersion",
    "Seal",
    "SubmitVersion",
    "UpdateDecision",
    "UpdateVersion",
    "WithdrawVersion",
];

/// A change that is ready to be made.
pub(crate) struct Ready {
    /// Where.
    pub stage: Stage,
    /// What is sent.
    pub sent: Sent,
    /// Who may send it, by user id and role.
    pub by: (i64, Role),
    /// The version that it is about, as it is before.
    pub version: Option<Version>,
}

impl Ready {
    /// Who may send it.
    pub(crate) fn sender(&self) -> Person {
        self.stage.person(self.by.0, &[self.by.1])
    }
}

const TESTER: (i64, Role) = (10, Role::Tester);
const OWNER: (i64, Role) = (20, Role::ReportOwner);
const GATEWAY: (i64, Role) = (1, Role::Gateway);

/// A change by a method that would be done now.
pub(crate) async fn ready(method: &str) -> Ready {
    match method {
        "CreateVersion" => create().await,
        "ReviseVersion" => revise().await,
        "AddDecisions" | "DeleteVersion" | "RemoveDecisions" | "SubmitVersion"
        | "UpdateDecision" | "UpdateVersion" => in_a_draft(method).await,
        "ApproveVersion"
        | "ConfirmModifications"
        | "RejectVersion"
        | "ReviewDecisions"
        | "WithdrawVersion" => in_a_submitted_version(method).await,
        "BeginOpen" | "Fence" | "Open" | "ReleaseSeal" | "Seal" => at_a_gate(method).await,
        "BeginReopen" | "CloseWorkflow" | "FinishReopen" | "MarkStale" => reopening(method).await,
        other => panic!("{other} is not in the table of changes"),
    }
}

async fn create() -> Ready {
    let stage = Stage::samples().await;
    let request = wire::CreateVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        decisions: build::inputs(0..3),
        ..Default::default()
    };
    Ready { sent: Sent::of(&request), stage, by: TESTER, version: None }
}

async fn revise() -> Ready {
    let stage = Stage::samples().await;
    let baseline = stage.approved(2).await;
    let request = wire::ReviseVersionRequest {
        scope: Some(stage.here.clone()),
        request_id: request_id(),
        baseline_version_id: baseline.version_id.clone(),
        decisions: build::inputs(5..7),
        ..Default::default()
    };
    Ready { sent: Sent::of(&request), stage, by: TESTER, version: Some(baseline) }
}

async fn in_a_draft(method: &str) -> Ready {
    let stage = Stage::samples().await;
    let draft = stage.draft(2).await;
    let (scope, request_id) = (draft.scope.clone(), request_id());
    let version_id = draft.version_id.clone();
    let decision_id = stage.tester.decisions(&draft).await.swap_remove(0).decision_id;
    let sent = match method {
        "AddDecisions" => Sent::of(&wire::AddDecisionsRequest {
            scope,
            version_id,
            decisions: build::inputs(5..7),
            request_id,
            ..Default::default()
        }),
        "DeleteVersion" => Sent::of(&wire::DeleteVersionRequest {
            scope,
            version_id,
            reason: "a mistake".to_owned(),
            request_id,
            ..Default::default()
        }),
        "RemoveDecisions" => Sent::of(&wire::RemoveDecisionsRequest {
            scope,
            version_id,
            decision_ids: vec![decision_id],
            request_id,
            ..Default::default()
        }),
        "SubmitVersion" => Sent::of(&wire::SubmitVersionRequest {
            scope,
            version_id,
            request_id,
            ..Default::default()
        }),
        "UpdateDecision" => Sent::of(&wire::UpdateDecisionRequest {
            scope,
            version_id,
            decision_id,
            payload: Some(build::sample("S-000000", "corrected")),
            request_id,
            ..Default::default()
        }),
        _ => Sent::of(&wire::UpdateVersionRequest {
            scope,
            version_id,
            notes: Some("why".to_owned()),
            request_id,
            ..Default::default()
        }),
    };
    assert_eq!(sent.method(), method);
    Ready { stage, sent, by: TESTER, version: Some(draft) }
}

async fn in_a_submitted_version(method: &str) -> Ready {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    let (scope, request_id) = (submitted.scope.clone(), request_id());
    let version_id = submitted.version_id.clone();
    let decision = stage.tester.decisions(&submitted).await.swap_remove(0);
    let (sent, by) = match method {
        "ApproveVersion" => {
            stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
            let request =
                wire::ApproveVersionRequest { scope, version_id, request_id, ..Default::default() };
            (Sent::of(&request), OWNER)
        }
        "ConfirmModifications" => {
            let change = modified(&decision, build::sample("S-000000", "changed"), "typo");
            stage.owner.rule(&submitted, vec![change]).await.unwrap();
            let decision_ids = vec![decision.decision_id];
            let request = wire::ConfirmModificationsRequest {
                scope,
                version_id,
                decision_ids,
                request_id,
                ..Default::default()
            };
            (Sent::of(&request), TESTER)
        }
        "RejectVersion" => {
            let notes = "not yet".to_owned();
            let request = wire::RejectVersionRequest {
                scope,
                version_id,
                notes,
                request_id,
                ..Default::default()
            };
            (Sent::of(&request), OWNER)
        }
        "ReviewDecisions" => {
            let reviews = vec![approved(&decision)];
            let request = wire::ReviewDecisionsRequest {
                scope,
                version_id,
                reviews,
                request_id,
                ..Default::default()
            };
            (Sent::of(&request), OWNER)
        }
        _ => {
            let request = wire::WithdrawVersionRequest {
                scope,
                version_id,
                request_id,
                ..Default::default()
            };
            (Sent::of(&request), TESTER)
        }
    };
    assert_eq!(sent.method(), method);
    let version = Some(stage.tester.get(&submitted).await.unwrap());
    Ready { stage, sent, by, version }
}

async fn at_a_gate(method: &str) -> Ready {
    let (sent, stage) = match method {
        "BeginOpen" | "Fence" | "Open" => {
            let stage = Stage::closed(Phase::PLANNING).await;
            let (scope, request_id) = (Some(stage.here.clone()), request_id());
            let sent = match method {
                "BeginOpen" => {
                    Sent::of(&wire::BeginOpenRequest { scope, request_id, ..Default::default() })
                }
                "Fence" => {
                    let attempt = stage.begin(&stage.here).await.unwrap();
                    Sent::of(&wire::FenceRequest { scope, request_id, attempt })
                }
                _ => {
                    let attempt = stage.begin(&stage.here).await.unwrap();
                    Sent::of(&wire::OpenRequest { scope, request_id, attempt, rests_on: vec![] })
                }
            };
            (sent, stage)
        }
        _ => {
            let stage = Stage::of(Phase::PLANNING).await;
            stage.approved(1).await;
            let holder = shared::Phase::DataProfiling.into();
            let seal = wire::SealRequest {
                scope: Some(stage.here.clone()),
                request_id: request_id(),
                holder,
                attempt: 1,
                ..Default::default()
            };
            let sent = if method == "Seal" {
                Sent::of(&seal)
            } else {
                stage.gateway.call(seal).await.unwrap();
                Sent::of(&wire::ReleaseSealRequest {
                    scope: Some(stage.here.clone()),
                    request_id: request_id(),
                    holder,
                    up_to_attempt: 1,
                })
            };
            (sent, stage)
        }
    };
    assert_eq!(sent.method(), method);
    Ready { stage, sent, by: GATEWAY, version: None }
}

async fn reopening(method: &str) -> Ready {
    let stage = Stage::of(Phase::SCOPING).await;
    let (scope, request_id) = (Some(stage.here.clone()), request_id());
    let reason = "an attribute was forgotten".to_owned();
    let sent = match method {
        "BeginReopen" => Sent::of(&wire::BeginReopenRequest { scope, reason, request_id }),
        "CloseWorkflow" => {
            let scope = Some(whole(stage.workflow));
            Sent::of(&wire::CloseWorkflowRequest { scope, reason, request_id })
        }
        "FinishReopen" => {
            let reopening = stage.begin_reopen(&stage.here).await.unwrap();
            Sent::of(&wire::FinishReopenRequest { scope, reopening, request_id })
        }
        _ => {
            let because = shared::Phase::Planning.into();
            Sent::of(&wire::MarkStaleRequest { scope, because, reopening: 1, request_id })
        }
    };
    assert_eq!(sent.method(), method);
    Ready { stage, sent, by: GATEWAY, version: None }
}

#[test]
fn the_table_names_every_method_that_changes_something() {
    let mut named: Vec<String> = methods_with("request_id")
        .iter()
        .map(|path| path.rsplit('/').next().unwrap().to_owned())
        .collect();
    named.sort();
    assert_eq!(named, CHANGES);
}

//! Every changing method, each with a request that would be done.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_tests::acts::{approved, modified};
use signoff_tests::people::request_id;
use signoff_tests::report::SIGNERS;
use signoff_tests::rpc::{Sent, methods_with};
use signoff_tests::world::whole;
use signoff_tests::{Person, Stage, build};
use signoff_workflow::{Phase, Role};
use wire::{Verdict, Version};

/// The methods by their own names.
pub(crate) const CHANGES: [&str; 28] = [
    "AddDecisions",
    "ApproveVersion",
    "AttachFinalDocument",
    "BeginOpen",
    "BeginReopen",
    "CloseWorkflow",
    "ConfirmModifications",
    "CreateVersion",
    "Decline",
    "Delegate",
    "DeleteVersion",
    "Fence",
    "FinishReopen",
    "MarkStale",
    "Open",
    "RejectVersion",
    "ReleaseSeal",
    "RemoveDecisions",
    "RequestSignOffs",
    "ReviewDecisions",
    "ReviseVersion",
    "Seal",
    "Sign",
    "SubmitVersion",
    "UpdateDecision",
    "UpdateRemediation",
    "UpdateVersion",
    "WithdrawVersion",
];

/// Those that write beside a version, and leave the version itself as it is.
pub(crate) const BESIDE: [&str; 6] =
    ["AttachFinalDocument", "Decline", "Delegate", "RequestSignOffs", "Sign", "UpdateRemediation"];

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
const LEAD: (i64, Role) = (12, Role::TestLead);
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
        "AttachFinalDocument" | "UpdateRemediation" => of_a_fact(method).await,
        "Decline" | "Delegate" | "RequestSignOffs" | "Sign" => of_a_sign_off(method).await,
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

async fn of_a_sign_off(method: &str) -> Ready {
    let stage = Stage::of(Phase::FINALIZE_TEST_REPORT).await;
    let version = stage.submitted(2).await;
    let (scope, request_id) = (version.scope.clone(), request_id());
    let (role, user_id) = SIGNERS[0];
    if method == "RequestSignOffs" {
        let assignments = vec![wire::SignOffAssignment { role: role.into(), user_id }];
        let sent = Sent::of(&wire::RequestSignOffsRequest {
            scope,
            version_id: version.version_id.clone(),
            assignments,
            request_id,
            ..Default::default()
        });
        return Ready { stage, sent, by: TESTER, version: Some(version) };
    }
    let asked = stage.tester.ask(&version, &[(role, user_id)]).await.unwrap().swap_remove(0);
    let sign_off_id = asked.sign_off_id;
    let sent = match method {
        "Decline" => Sent::of(&wire::DeclineRequest {
            scope,
            sign_off_id,
            reason: "not complete".to_owned(),
            request_id,
            ..Default::default()
        }),
        "Delegate" => Sent::of(&wire::DelegateRequest {
            scope,
            sign_off_id,
            to_user_id: 13,
            reason: "on leave".to_owned(),
            request_id,
            ..Default::default()
        }),
        _ => Sent::of(&wire::SignRequest { scope, sign_off_id, request_id, ..Default::default() }),
    };
    assert_eq!(sent.method(), method);
    Ready { stage, sent, by: LEAD, version: Some(version) }
}

async fn of_a_fact(method: &str) -> Ready {
    if method == "UpdateRemediation" {
        let stage = Stage::of(Phase::OBSERVATION_MANAGEMENT).await;
        let version = stage.approved(1).await;
        let decision = stage.tester.decisions(&version).await.swap_remove(0);
        let sent = Sent::of(&wire::UpdateRemediationRequest {
            scope: version.scope.clone(),
            decision_id: decision.decision_id,
            remediation_status: Some("under way".to_owned()),
            request_id: request_id(),
            ..Default::default()
        });
        return Ready { stage, sent, by: OWNER, version: Some(version) };
    }
    let stage = Stage::of(Phase::FINALIZE_TEST_REPORT).await;
    let version = stage.signed_report(1).await;
    let sent = Sent::of(&wire::AttachFinalDocumentRequest {
        scope: version.scope.clone(),
        version_id: version.version_id.clone(),
        document_id: build::attribute_id(7),
        sha256: vec![7; 32],
        request_id: request_id(),
        ..Default::default()
    });
    Ready { stage, sent, by: TESTER, version: Some(version) }
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

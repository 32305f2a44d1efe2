//! The trail: every change leaves its record, and the records are chained.

use prost_types::value::Kind;
use sha2::{Digest, Sha256};
use signoff_chassis::identity::Claims;
use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Role as WireRole};
use signoff_tests::acts::Answer;
use signoff_tests::people::request_id;
use signoff_tests::reads::when;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::world::whole;
use signoff_tests::{Person, Stage, build};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use wire::Verdict;

use crate::changes::{BESIDE, CHANGES, ready};

/// What each method's record says that happened.
fn action(method: &str) -> &'static str {
    match method {
        "AddDecisions" => "decisions.added",
        "ApproveVersion" => "version.approved",
        "AttachFinalDocument" => "document.attached",
        "BeginOpen" => "phase.open_begun",
        "BeginReopen" => "phase.reopen_begun",
        "CloseWorkflow" => "workflow.closed",
        "ConfirmModifications" => "modifications.confirmed",
        "CreateVersion" => "version.created",
        "Decline" => "sign_off.declined",
        "Delegate" => "sign_off.delegated",
        "DeleteVersion" => "version.deleted",
        "Fence" => "phase.fenced",
        "FinishReopen" => "phase.reopened",
        "MarkStale" => "phase.marked_stale",
        "Open" => "phase.opened",
        "RejectVersion" => "version.rejected",
        "ReleaseSeal" => "phase.seal_released",
        "RemoveDecisions" => "decisions.removed",
        "RequestSignOffs" => "sign_off.requested",
        "ReviewDecisions" => "decisions.reviewed",
        "ReviseVersion" => "version.revised",
        "Seal" => "phase.sealed",
        "Sign" => "sign_off.signed",
        "SubmitVersion" => "version.submitted",
        "UpdateDecision" => "decision.edited",
        "UpdateRemediation" => "remediation.updated",
        "UpdateVersion" => "version.updated",
        "WithdrawVersion" => "version.withdrawn",
        other => panic!("{other}"),
    }
}

fn text(of: Option<&prost_types::Struct>, field: &str) -> Option<String> {
    match of?.fields.get(field)?.kind.clone()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

#[tokio::test]
async fn every_change_leaves_one_record_of_who_did_what_by_which_request() {
    for method in CHANGES {
        let ready = ready(method).await;
        let stage = &ready.stage;
        let before = stage.tester.trail_of(stage.workflow).await;
        ready.sender().send(&ready.sent).await.unwrap();
        let mut trail = stage.tester.trail_of(stage.workflow).await;
        assert_eq!(trail[..before.len()], before, "{method}: what was there stays");
        let record = trail.pop().unwrap();
        assert_eq!(trail.len(), before.len(), "{method}: one record");
        assert_eq!(record.action, action(method));
        assert_eq!(record.method, ready.sent.path);
        let sent = ready.sent.message();
        let id = sent.get_field_by_name("request_id").unwrap();
        assert_eq!(Some(record.request_id.as_str()), id.as_str(), "{method}");
        assert_eq!(record.actor_user_id, ready.by.0, "{method}");
        assert_eq!(record.actor_subject, format!("user-{}", ready.by.0));
        assert_eq!(record.acting_service, "");
        assert_eq!(record.actor_roles().count(), 1);
        let phase = if method == "CloseWorkflow" { 0 } else { stage.phase.number() };
        assert_eq!(record.phase, phase, "{method}");
        assert_eq!(record.source(), feed::Source::Versioning);
        assert_eq!(record.format, 1);
        assert!(record.after.is_some(), "{method}");
        if let Some(version) = &ready.version
            && method != "ReviseVersion"
            && !BESIDE.contains(&method)
        {
            assert_eq!(record.subject, version.version_id, "{method}");
            assert!(record.before.is_some(), "{method}");
        }
    }
}

#[tokio::test]
async fn a_record_says_what_was_before_and_after() {
    let stage = Stage::samples().await;
    let draft = stage.draft(2).await;
    stage.tester.submit(&draft).await.unwrap();
    let trail = stage.tester.trail_of(stage.workflow).await;
    let [created, submitted] = <&[_; 2]>::try_from(&trail[2..]).unwrap();
    assert_eq!(created.before, None);
    assert_eq!(text(created.after.as_ref(), "state").as_deref(), Some("draft"));
    assert_eq!(created.detail_rows, 2, "one for each item");
    assert_eq!(text(submitted.before.as_ref(), "state").as_deref(), Some("draft"));
    assert_eq!(text(submitted.after.as_ref(), "state").as_deref(), Some("submitted"));
    let before = submitted.before.as_ref().unwrap();
    assert!(!before.fields.contains_key("created_by"), "only what differs");
    assert_eq!(submitted.detail_rows, 0);
    let version = stage.tester.get(&draft).await.unwrap();
    assert_eq!(when(submitted.recorded_at), when(version.submitted_at));
}

#[tokio::test]
async fn a_record_says_why_in_the_actors_words() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2).await;
    stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    stage.owner.reject(&submitted, "ten more").await.unwrap();
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let all = stage.tester.decisions(&draft).await;
    let corrected = build::sample(&all[0].item_key, "corrected");
    stage.tester.edit(&draft, &all[0], corrected, "typo").await.unwrap();
    stage.tester.remove(&draft, &[&all[1]], "out of period").await.unwrap();
    stage.tester.delete(&draft, "the wrong cycle").await.unwrap();
    let trail = stage.tester.trail_of(stage.workflow).await;
    let told: Vec<(&str, &str)> = trail
        .iter()
        .filter(|record| !record.reason.is_empty())
        .map(|record| (record.action.as_str(), record.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("version.rejected", "ten more"),
            ("decision.edited", "typo"),
            ("decisions.removed", "out of period"),
            ("version.deleted", "the wrong cycle"),
        ]
    );
}

#[tokio::test]
async fn a_supersession_has_a_record_of_its_own() {
    let stage = Stage::samples().await;
    let first = stage.approved(1).await;
    let second = stage.next(vec![]).await;
    let trail = stage.tester.trail_of(stage.workflow).await;
    let [approved, superseded] = <&[_; 2]>::try_from(&trail[trail.len() - 2..]).unwrap();
    assert_eq!(
        (approved.action.as_str(), &approved.subject),
        ("version.approved", &second.version_id)
    );
    assert_eq!(
        (superseded.action.as_str(), &superseded.subject),
        ("version.superseded", &first.version_id)
    );
    assert_eq!(approved.request_id, superseded.request_id);
    let by = text(superseded.after.as_ref(), "superseded_by_version_id");
    assert_eq!(by, Some(second.version_id));
}

#[tokio::test]
async fn a_service_that_acts_for_somebody_is_named_beside_them() {
    let stage = Stage::samples().await;
    let claims = Claims {
        on_behalf_of: Some(10),
        ..Claims::new(50, "importer", std::time::Duration::from_secs(60))
    };
    let claims = claims.on(stage.workflow).with_roles([Role::Service, Role::Tester]);
    let importer = Person::with_claims(&stage.world.key, stage.world.channel().await, claims);
    let draft = importer.create(&stage.here, build::inputs(0..1)).await.unwrap();
    assert_eq!(draft.created_by, 10);
    let record = stage.tester.trail_of(stage.workflow).await.pop().unwrap();
    assert_eq!((record.actor_user_id, record.acting_service.as_str()), (10, "importer"));
    assert_eq!(record.actor_roles().collect::<Vec<_>>(), [WireRole::Tester]);
}

#[tokio::test]
async fn what_is_refused_leaves_no_record() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let before = stage.tester.verify(stage.workflow).await;
    stage.tester.withdraw(&draft).await.unwrap_err();
    stage.tester.add(&draft, build::inputs(0..1)).await.unwrap_err();
    stage.owner.approve(&draft).await.unwrap_err();
    stage.tester.approve(&draft).await.unwrap_err();
    assert_eq!(stage.tester.verify(stage.workflow).await, before);
}

#[tokio::test]
async fn with_a_phase_only_its_records_are_listed() {
    let stage = Stage::of(Phase::PLANNING).await;
    stage.draft(1).await;
    let mut gateway = stage.gateway.clone();
    gateway.open_phase(stage.workflow, Phase::SCOPING).await;
    let listed = async |phase: i32| {
        let scope = Some(signoff_contract::workflow::v1::Scope { phase, ..whole(stage.workflow) });
        let request = feed::GetTrailRequest { scope, ..Default::default() };
        let records = stage.tester.call(request).await.unwrap().records;
        records.into_iter().map(|record| (record.sequence, record.phase)).collect::<Vec<_>>()
    };
    assert_eq!(listed(0).await, [(1, 1), (2, 1), (3, 1), (4, 3), (5, 3)]);
    assert_eq!(listed(1).await, [(1, 1), (2, 1), (3, 1)]);
    assert_eq!(listed(3).await, [(4, 3), (5, 3)]);
    assert_eq!(listed(2).await, []);
}

#[tokio::test]
async fn anybody_can_compute_the_chain_again() {
    let stage = Stage::samples().await;
    stage.approved(3).await;
    stage.next(build::inputs(3..5)).await;
    let trail = stage.tester.trail_of(stage.workflow).await;
    let mut previous = vec![0; 32];
    for (record, sequence) in trail.iter().zip(1..) {
        assert_eq!((record.sequence, &record.previous_hash), (sequence, &previous));
        let hashed = Sha256::new()
            .chain_update(b"signoff-trail-v1\0")
            .chain_update(&previous)
            .chain_update(&record.canonical);
        assert_eq!(record.hash, hashed.finalize().to_vec());
        previous.clone_from(&record.hash);
        is_canonical(record);
    }
    let verified = stage.tester.verify(stage.workflow).await;
    assert_eq!((verified.intact, verified.records), (true, i64::try_from(trail.len()).unwrap()));
    let head = verified.head.unwrap();
    assert_eq!((head.sequence, head.hash), (verified.records, previous));
}

/// Expects that the hashed bytes are the record, in the form that is described.
fn is_canonical(record: &feed::TrailRecord) {
    let value: serde_json::Value = serde_json::from_slice(&record.canonical).unwrap();
    let written = serde_json::to_vec(&value).unwrap();
    assert_eq!(written, record.canonical, "sorted names, no spaces");
    let names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "action",
            "actor",
            "after",
            "before",
            "cycle_id",
            "details",
            "format",
            "method",
            "occurred_at",
            "origin",
            "phase",
            "previous_hash",
            "reason",
            "recorded_at",
            "report_id",
            "request_id",
            "sequence",
            "source",
            "subject",
        ]
    );
    assert_eq!(value["action"], record.action.as_str());
    assert_eq!(value["actor"]["user_id"], record.actor_user_id);
    assert_eq!(value["actor"]["subject"], record.actor_subject.as_str());
    assert_eq!(value["method"], record.method.as_str());
    assert_eq!(value["request_id"], record.request_id.as_str());
    assert_eq!(value["subject"], record.subject.as_str());
    assert_eq!(value["sequence"], record.sequence);
    assert_eq!(value["source"], "versioning");
    assert_eq!(value["previous_hash"], hex::encode(&record.previous_hash).as_str());
}

#[tokio::test]
async fn a_workflow_that_nothing_happened_in_has_an_empty_trail() {
    let stage = Stage::closed(Phase::PLANNING).await;
    let verified = stage.tester.verify(stage.workflow).await;
    assert_eq!((verified.intact, verified.records, verified.first_damaged), (true, 0, None));
    assert_eq!(verified.head.unwrap().sequence, 0);
    assert_eq!(stage.tester.trail_of(stage.workflow).await, []);
}

/// Submits a draft with notes, and takes it back.
async fn to_and_fro(stage: &Stage, draft: &wire::Version, notes: String) -> Answer<()> {
    let submit = wire::SubmitVersionRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        request_id: request_id(),
        notes: notes.clone(),
        ..Default::default()
    };
    let submitted = stage.tester.call(submit).await?.version.unwrap();
    assert_eq!(submitted.submission_notes, notes);
    stage.tester.withdraw(draft).await.map(drop)
}

#[tokio::test]
async fn the_longest_texts_fit_into_a_record() {
    for character in ["x", "😀", "\"", "\n", "\t"] {
        let stage = Stage::samples().await;
        let draft = stage.draft(1).await;
        for round in ["a", "b"] {
            let notes = format!("{round}{}", character.repeat(3_999));
            to_and_fro(&stage, &draft, notes).await.unwrap();
        }
        assert!(stage.tester.verify(stage.workflow).await.intact);
    }
}

/// Each of them would take six bytes in a record.
#[tokio::test]
async fn control_characters_are_refused_and_change_nothing() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let refused = to_and_fro(&stage, &draft, "\u{b}".repeat(4_000)).await;
    let status = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["notes"]);
    assert_eq!(stage.tester.get(&draft).await.unwrap(), draft);
}

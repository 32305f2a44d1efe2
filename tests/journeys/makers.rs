//! Rule 5: nobody rules on what they made.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::{ErrorReason, Role as WireRole};
use signoff_tests::acts::{approved, rejected};
use signoff_tests::refusals::{faults, fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use wire::{DecisionState, Verdict};

/// In all phases of this release but Planning.
const CHECKED: [Phase; 3] = [Phase::DATA_PROFILING, Phase::SCOPING, Phase::SAMPLE_SELECTION];

#[tokio::test]
async fn who_recommended_an_item_does_not_rule_on_it() {
    for phase in CHECKED {
        let stage = Stage::of(phase).await;
        let submitted = stage.submitted(2).await;
        let in_both_roles = stage.person(10, &[Role::Tester, Role::ReportOwner]);
        let decision = stage.tester.decision(&submitted, &build::key(phase, 0)).await;
        let status = refusal(
            in_both_roles.rule(&submitted, vec![approved(&decision)]).await,
            Code::PermissionDenied,
            ErrorReason::MakerIsChecker,
        );
        assert_eq!(
            faults(&status),
            [format!("{}: you recommended or edited {}", decision.decision_id, decision.item_key)]
        );
        let all = in_both_roles.rule_rest(&submitted, Verdict::Rejected).await;
        let status = refusal(all, Code::PermissionDenied, ErrorReason::MakerIsChecker);
        assert_eq!(fields(&status).len(), 2);
        assert_eq!(stage.tester.get(&submitted).await.unwrap(), submitted);
        stage.owner.rule(&submitted, vec![approved(&decision)]).await.unwrap();
    }
}

#[tokio::test]
async fn who_edited_an_item_does_not_rule_on_it() {
    let stage = Stage::samples().await;
    let draft = stage.draft(2).await;
    let in_both_roles = stage.person(11, &[Role::Tester, Role::ReportOwner]);
    let decision = stage.tester.decision(&draft, "S-000000").await;
    let payload = build::sample("S-000000", "corrected");
    in_both_roles.edit(&draft, &decision, payload, "").await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let all = in_both_roles.rule_rest(&submitted, Verdict::Approved).await;
    let status = refusal(all, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    assert_eq!(fields(&status), [decision.decision_id.as_str()]);
    let other = stage.tester.decision(&submitted, "S-000001").await;
    in_both_roles.rule(&submitted, vec![approved(&other)]).await.unwrap();
}

#[tokio::test]
async fn who_edited_an_item_first_is_its_maker_for_good() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let first = stage.person(11, &[Role::Tester, Role::ReportOwner]);
    let decision = stage.tester.decision(&draft, "S-000000").await;
    first.edit(&draft, &decision, build::sample("S-000000", "one"), "").await.unwrap();
    stage.lead.edit(&draft, &decision, build::sample("S-000000", "two"), "").await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    let ruled = first.rule(&draft, vec![approved(&decision)]).await;
    refusal(ruled, Code::PermissionDenied, ErrorReason::MakerIsChecker);
}

#[tokio::test]
async fn testers_do_not_rule_on_what_testers_put_forward() {
    for phase in CHECKED {
        let stage = Stage::of(phase).await;
        let submitted = stage.submitted(1).await;
        let decision = stage.tester.decision(&submitted, &build::key(phase, 0)).await;
        for person in [&stage.tester, &stage.lead] {
            let ruled = person.rule(&submitted, vec![approved(&decision)]).await;
            let status = ruled.unwrap_err();
            assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
        }
        let ruled = stage.lead.rule(&submitted, vec![approved(&decision)]).await;
        refusal(ruled, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
}

#[tokio::test]
async fn who_created_or_submitted_a_version_neither_approves_nor_rejects_it() {
    for phase in CHECKED {
        let stage = Stage::of(phase).await;
        let both = &[Role::Tester, Role::ReportOwner];
        let (creator, submitter) = (stage.person(30, both), stage.person(31, both));
        let draft = creator.create(&stage.here, vec![]).await.unwrap();
        stage.tester.add(&draft, build::items(phase, 0..1)).await.unwrap();
        submitter.submit(&draft).await.unwrap();
        stage.owner.rule_rest(&draft, Verdict::Approved).await.unwrap();
        for maker in [&creator, &submitter] {
            for closed in [maker.approve(&draft).await, maker.reject(&draft, "no").await] {
                let status = refusal(closed, Code::PermissionDenied, ErrorReason::MakerIsChecker);
                assert_eq!(fields(&status), [draft.version_id.as_str()]);
            }
        }
        let approved = stage.owner.approve(&draft).await.unwrap();
        assert_eq!((approved.reviewed_by, approved.self_approved), (20, false));
    }
}

#[tokio::test]
async fn who_submitted_it_once_does_not_close_it_after_somebody_else_submitted_it_again() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let both = stage.person(30, &[Role::Tester, Role::ReportOwner]);
    both.submit(&draft).await.unwrap();
    stage.tester.withdraw(&draft).await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    both.rule_rest(&draft, Verdict::Approved).await.unwrap();
    for closed in [both.approve(&draft).await, both.reject(&draft, "no").await] {
        refusal(closed, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    }
    stage.owner.approve(&draft).await.unwrap();
}

#[tokio::test]
async fn a_report_owner_adds_samples_and_a_tester_rules_on_them() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    stage.owner.add(&draft, build::inputs(7..9)).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let [own, added, also] = <[_; 3]>::try_from(stage.tester.decisions(&submitted).await).unwrap();
    assert_eq!((own.recommended_by, added.recommended_by), (10, 20));

    let ruled = stage.owner.rule(&submitted, vec![approved(&added)]).await;
    let status = refusal(ruled, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    assert_eq!(fields(&status), [added.decision_id.as_str()]);
    stage.tester.rule(&submitted, vec![approved(&added)]).await.unwrap();
    stage.lead.rule(&submitted, vec![rejected(&also, "a double")]).await.unwrap();
    stage.owner.rule(&submitted, vec![approved(&own)]).await.unwrap();
    stage.owner.approve(&submitted).await.unwrap();
    let decided = stage.tester.decisions(&submitted).await;
    let decided: Vec<_> = decided.iter().map(|one| (one.decided_by, one.state())).collect();
    assert_eq!(
        decided,
        [
            (20, DecisionState::Approved),
            (10, DecisionState::Approved),
            (12, DecisionState::Rejected)
        ]
    );
}

#[tokio::test]
async fn a_tester_who_edited_an_added_sample_does_not_rule_on_it() {
    let stage = Stage::samples().await;
    let draft = stage.draft(0).await;
    stage.owner.add(&draft, build::inputs(7..8)).await.unwrap();
    let added = stage.tester.decision(&draft, "S-000007").await;
    stage.tester.edit(&draft, &added, build::sample("S-000007", "edited"), "").await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    let ruled = stage.tester.rule(&draft, vec![approved(&added)]).await;
    refusal(ruled, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    stage.lead.rule(&draft, vec![approved(&added)]).await.unwrap();
}

#[tokio::test]
async fn in_other_phases_a_report_owner_adds_nothing() {
    for phase in [Phase::PLANNING, Phase::DATA_PROFILING, Phase::SCOPING] {
        let stage = Stage::of(phase).await;
        let draft = stage.draft(0).await;
        let added = stage.owner.add(&draft, build::items(phase, 0..1)).await;
        refusal(added, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
}

#[tokio::test]
async fn the_makers_of_carried_items_stay_their_makers() {
    let stage = Stage::samples().await;
    stage.approved(1).await;
    let draft = stage.lead.revise(&stage.here, build::inputs(1..2)).await.unwrap();
    let submitted = stage.lead.submit(&draft).await.unwrap();
    let in_both_roles = stage.person(10, &[Role::Tester, Role::ReportOwner]);
    let carried = stage.tester.decision(&submitted, "S-000000").await;
    let ruled = in_both_roles.rule(&submitted, vec![rejected(&carried, "no")]).await;
    refusal(ruled, Code::PermissionDenied, ErrorReason::MakerIsChecker);
    in_both_roles.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    in_both_roles.approve(&submitted).await.unwrap();
}

#[tokio::test]
async fn planning_alone_is_approved_by_its_maker_and_says_so() {
    let stage = Stage::of(Phase::PLANNING).await;
    let submitted = stage.submitted(3).await;
    stage.tester.rule_rest(&submitted, Verdict::Approved).await.unwrap();
    let approved = stage.tester.approve(&submitted).await.unwrap();
    assert!(approved.self_approved);
    let trail = stage.tester.trail_of(stage.workflow).await;
    let record = trail.iter().find(|record| record.action == "version.approved").unwrap();
    let after = record.after.as_ref().unwrap();
    let told = after.fields["self_approved"].kind.clone();
    assert_eq!(told, Some(prost_types::value::Kind::BoolValue(true)));
    assert_eq!(record.actor_roles().collect::<Vec<_>>(), [WireRole::Tester]);
}

#[tokio::test]
async fn planning_that_somebody_else_approves_is_no_self_approval() {
    let stage = Stage::of(Phase::PLANNING).await;
    let approved = stage.approved(2).await;
    assert_eq!((approved.reviewed_by, approved.self_approved), (12, false));
    let trail = stage.tester.trail_of(stage.workflow).await;
    let record = trail.iter().find(|record| record.action == "version.approved").unwrap();
    assert!(!record.after.as_ref().unwrap().fields.contains_key("self_approved"), "no change");
}

#[tokio::test]
async fn in_planning_whoever_put_anything_forward_approves_their_own() {
    let stage = Stage::of(Phase::PLANNING).await;
    let draft = stage.draft(1).await;
    stage.lead.add(&draft, build::items(Phase::PLANNING, 1..2)).await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    stage.lead.rule_rest(&draft, Verdict::Approved).await.unwrap();
    assert!(stage.lead.approve(&draft).await.unwrap().self_approved);
}

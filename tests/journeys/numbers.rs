//! Rules 1, 2, 7 and 8: one open version, numbers without gaps, no half versions, baselines.

use signoff_contract::versioning::v1::{Version, VersionState};
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::refusals::refusal;
use signoff_tests::{Stage, build};
use tonic::Code;

async fn keys(stage: &Stage, version: &Version) -> Vec<String> {
    let decisions = stage.tester.decisions(version).await;
    decisions.into_iter().map(|decision| decision.item_key).collect()
}

fn samples(numbers: impl IntoIterator<Item = u32>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("S-{number:06}")).collect()
}

#[tokio::test]
async fn a_line_has_one_open_version_at_most() {
    let stage = Stage::samples().await;
    let first = stage.approved(2).await;
    let draft = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    for open in [draft.clone(), stage.tester.submit(&draft).await.unwrap()] {
        assert_eq!(open.number, 2);
        for again in [
            stage.tester.revise(&stage.here, vec![]).await,
            stage.tester.revise_from(&first, vec![]).await,
        ] {
            refusal(again, Code::FailedPrecondition, ErrorReason::VersionAlreadyOpen);
        }
    }
    stage.approve_all(&draft).await;
    assert_eq!(stage.tester.revise(&stage.here, vec![]).await.unwrap().number, 3);
}

#[tokio::test]
async fn a_line_is_started_once_and_again_when_all_of_it_is_deleted() {
    let stage = Stage::samples().await;
    let first = stage.draft(2).await;
    let again = stage.tester.create(&stage.here, vec![]).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::VersionState);
    stage.tester.delete(&first, "a mistake").await.unwrap();
    let nothing = stage.tester.revise(&stage.here, vec![]).await;
    refusal(nothing, Code::FailedPrecondition, ErrorReason::VersionState);
    let second = stage.draft(1).await;
    assert_eq!((second.number, second.parent_version_id.as_str()), (2, ""));
    assert_eq!(keys(&stage, &second).await, samples(0..1));
    let decision = stage.tester.decision(&second, "S-000000").await;
    assert_eq!(decision.previous_decision_id, "", "it was never rejected");
}

#[tokio::test]
async fn an_approved_line_is_revised_not_created() {
    let stage = Stage::samples().await;
    stage.approved(1).await;
    let again = stage.tester.create(&stage.here, build::inputs(5..6)).await;
    refusal(again, Code::FailedPrecondition, ErrorReason::VersionState);
}

#[tokio::test]
async fn a_line_that_was_never_started_cannot_be_revised() {
    let stage = Stage::samples().await;
    let revised = stage.tester.revise(&stage.here, build::inputs(0..1)).await;
    refusal(revised, Code::FailedPrecondition, ErrorReason::VersionState);
}

#[tokio::test]
async fn numbers_have_no_gaps_whatever_is_refused_and_deleted() {
    let stage = Stage::samples().await;
    let doubled = [build::inputs(0..1), build::inputs(0..1)].concat();
    stage.tester.create(&stage.here, doubled.clone()).await.unwrap_err();
    assert_eq!(stage.approved(1).await.number, 1);
    stage.tester.revise(&stage.here, doubled).await.unwrap_err();
    let second = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    stage.tester.delete(&second, "a mistake").await.unwrap();
    stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let listed = stage.tester.versions(&stage.here).await;
    let states: Vec<_> = listed.iter().map(|version| (version.number, version.state())).collect();
    assert_eq!(
        states,
        [(3, VersionState::Draft), (2, VersionState::Deleted), (1, VersionState::Approved)]
    );
}

#[tokio::test]
async fn there_are_no_half_versions() {
    let stage = Stage::samples().await;
    let doubled = [build::inputs(0..300), build::inputs(299..300)].concat();
    let refused = stage.tester.create(&stage.here, doubled).await;
    refusal(refused, Code::AlreadyExists, ErrorReason::ItemExists);
    assert_eq!(stage.tester.versions(&stage.here).await, []);
}

#[tokio::test]
async fn an_empty_version_may_be_made_and_filled() {
    let stage = Stage::samples().await;
    let empty = stage.draft(0).await;
    assert_eq!(empty.counts.unwrap().total, 0);
    let added = stage.tester.add(&empty, build::inputs(0..3)).await.unwrap();
    assert_eq!(added.version.unwrap().counts.unwrap().pending, 3);
    let listed: Vec<_> =
        stage.tester.decisions(&empty).await.into_iter().map(|one| one.decision_id).collect();
    assert_eq!(added.decision_ids, listed);
}

#[tokio::test]
async fn the_default_baseline_is_the_latest_version_that_was_reviewed() {
    let stage = Stage::samples().await;
    let first = stage.rejected(2).await;
    let second = stage.tester.revise(&stage.here, build::inputs(2..3)).await.unwrap();
    assert_eq!(second.parent_version_id, first.version_id, "a rejected one");
    let submitted = stage.tester.submit(&second).await.unwrap();
    let approved = stage.approve_all(&submitted).await;
    let third = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    assert_eq!(third.parent_version_id, approved.version_id, "an approved one");
    stage.tester.delete(&third, "a mistake").await.unwrap();
    let fourth = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    assert_eq!(fourth.parent_version_id, approved.version_id, "never a deleted draft");
    assert_eq!(keys(&stage, &fourth).await, samples(0..3));
}

#[tokio::test]
async fn a_deleted_rejected_version_is_no_baseline() {
    let stage = Stage::samples().await;
    let first = stage.approved(2).await;
    let second = stage.tester.revise(&stage.here, build::inputs(2..4)).await.unwrap();
    stage.tester.submit(&second).await.unwrap();
    let second = stage.owner.reject(&second, "no").await.unwrap();
    stage.tester.delete(&second, "forget it").await.unwrap();
    let third = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    assert_eq!(third.parent_version_id, first.version_id);
    assert_eq!(keys(&stage, &third).await, samples(0..2));
}

#[tokio::test]
async fn an_older_baseline_brings_back_what_it_held() {
    let stage = Stage::samples().await;
    let first = stage.approved(3).await;
    let draft = stage.tester.revise(&stage.here, build::inputs(3..5)).await.unwrap();
    let gone = stage.tester.decision(&draft, "S-000001").await;
    stage.tester.remove(&draft, &[&gone], "not of this period").await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
    let second = stage.approve_all(&stage.tester.get(&draft).await.unwrap()).await;
    assert_eq!(keys(&stage, &second).await, samples([0, 2, 3, 4]));

    let third = stage.tester.revise_from(&first, build::inputs(9..10)).await.unwrap();
    assert_eq!(third.parent_version_id, first.version_id);
    assert_eq!(keys(&stage, &third).await, samples([0, 1, 2, 9]));
    let counts = third.counts.unwrap();
    assert_eq!((counts.total, counts.carried, counts.approved, counts.pending), (4, 3, 3, 1));
    let back = stage.tester.decision(&third, "S-000001").await;
    assert_eq!(back.carried_from_version_id, first.version_id);
    assert_eq!(keys(&stage, &second).await, samples([0, 2, 3, 4]), "version 2 stays as it was");
    assert_eq!(keys(&stage, &first).await, samples(0..3), "so does version 1");
}

#[tokio::test]
async fn a_deleted_draft_leaves_nothing_behind_but_can_be_read() {
    let stage = Stage::samples().await;
    stage.approved(2).await;
    let draft = stage.tester.revise(&stage.here, build::inputs(2..3)).await.unwrap();
    let old = stage.tester.decision(&draft, "S-000000").await;
    stage.tester.remove(&draft, &[&old], "wrong").await.unwrap();
    let deleted = stage.tester.delete(&draft, "the wrong cycle").await.unwrap();
    assert_eq!(deleted.state(), VersionState::Deleted);
    assert_eq!((deleted.deleted_by, deleted.delete_reason.as_str()), (10, "the wrong cycle"));
    assert!(deleted.deleted_at.is_some());
    assert_eq!(keys(&stage, &deleted).await, samples([1, 2]), "as it was when it was deleted");
    let next = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    assert_eq!(keys(&stage, &next).await, samples(0..2), "as version 1");
    let lineage =
        stage.tester.lineage(&next, &stage.tester.decision(&next, "S-000001").await).await;
    let states: Vec<_> = lineage.iter().map(wire_state).collect();
    assert_eq!(
        states,
        [(3, VersionState::Draft), (2, VersionState::Deleted), (1, VersionState::Approved)]
    );
}

fn wire_state(entry: &signoff_contract::versioning::v1::LineageEntry) -> (i32, VersionState) {
    (entry.decision.as_ref().unwrap().version_number, entry.version_state())
}

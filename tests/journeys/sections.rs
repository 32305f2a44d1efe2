//! The sections of a report have places, and what it is to show is there.

use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{modified, rejected};
use signoff_tests::refusals::refusal;
use signoff_tests::report::metadata;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

async fn stage() -> Stage {
    Stage::of(Phase::FINALIZE_TEST_REPORT).await
}

/// What is out of order, as it is told.
#[track_caller]
fn out_of_order<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let status = refusal(answer, Code::FailedPrecondition, ErrorReason::SectionsOutOfOrder);
    let unmet = status.get_details_precondition_failure().unwrap().violations;
    unmet.into_iter().map(|one| format!("{}: {}", one.subject, one.description)).collect()
}

#[tokio::test]
async fn two_sections_in_one_place_are_not_submitted() {
    let stage = stage().await;
    let sections = [("b", 1), ("a", 1), ("c", 2), ("d", 7)];
    let sections = sections.map(|(key, order)| build::section_input(key, order)).into();
    let draft = stage.tester.create(&stage.here, sections).await.unwrap();
    let told = out_of_order(stage.tester.submit(&draft).await);
    let expected = ["a: is not the only one in place 1", "b: is not the only one in place 1"];
    assert_eq!(told, expected);
    assert_eq!(stage.tester.get(&draft).await.unwrap(), draft, "nothing happened");
    let a = stage.tester.decision(&draft, "a").await;
    stage.tester.edit(&draft, &a, build::section(3, "moved"), "").await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
}

#[tokio::test]
async fn what_the_report_is_to_show_is_in_it() {
    let stage = stage().await;
    let draft = stage.draft(2).await;
    let shown = metadata(None, &["section-0", "section-9", "nothing"]);
    stage.tester.describe(&draft, shown).await.unwrap();
    let told = out_of_order(stage.tester.submit(&draft).await);
    let expected = [
        "section-9: is to be shown, and is not in the version",
        "nothing: is to be shown, and is not in the version",
    ];
    assert_eq!(told, expected);
    stage.tester.describe(&draft, metadata(None, &["section-0"])).await.unwrap();
    stage.tester.submit(&draft).await.unwrap();
}

#[tokio::test]
async fn what_the_report_is_to_show_stands_when_it_is_approved() {
    let stage = stage().await;
    let draft = stage.draft(2).await;
    stage.tester.describe(&draft, metadata(None, &["section-1"])).await.unwrap();
    let version = stage.tester.submit(&draft).await.unwrap();
    let all = stage.tester.decisions(&version).await;
    stage.executive.rule_all(&version, &all[..1]).await;
    stage.executive.rule(&version, vec![rejected(&all[1], "no")]).await.unwrap();
    stage.sign_all(&version).await;
    let told = out_of_order(stage.executive.approve(&version).await);
    assert_eq!(told, ["section-1: is to be shown, and is rejected"]);
    stage.executive.rule_all(&version, &all[1..]).await;
    stage.sign_all(&version).await;
    stage.executive.approve(&version).await.unwrap();
}

#[tokio::test]
async fn a_reviewers_change_does_not_put_two_sections_in_one_place() {
    let stage = stage().await;
    let version = stage.submitted(2).await;
    let all = stage.tester.decisions(&version).await;
    let moved = modified(&all[0], build::section(2, "moved"), "belongs there");
    stage.executive.rule(&version, vec![moved]).await.unwrap();
    stage.executive.rule_all(&version, &all[1..]).await;
    stage.tester.confirm(&version, &[&all[0]]).await.unwrap();
    stage.sign_all(&version).await;
    let told = out_of_order(stage.executive.approve(&version).await);
    let expected =
        ["section-0: is not the only one in place 2", "section-1: is not the only one in place 2"];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_rejected_section_gives_its_place_free() {
    let stage = stage().await;
    let version = stage.submitted(2).await;
    let all = stage.tester.decisions(&version).await;
    stage.executive.rule(&version, vec![rejected(&all[1], "too long")]).await.unwrap();
    let draft = stage.tester.withdraw(&version).await.unwrap();
    stage.tester.add(&draft, vec![build::section_input("shorter", 2)]).await.unwrap();
    let version = stage.tester.submit(&draft).await.unwrap();
    // Both stand again, and only one may.
    stage.executive.rule_all(&version, &stage.tester.decisions(&version).await).await;
    stage.sign_all(&version).await;
    assert_eq!(out_of_order(stage.executive.approve(&version).await).len(), 2);
}

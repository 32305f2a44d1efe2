//! The decisions of a version as a stream.

use futures::StreamExt as _;
use prost::Message as _;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::{Stage, build};
use signoff_workflow::Role;
use tonic::Code;
use wire::{DecisionFilter, DecisionState, RecommendationSource, Version};

fn request(version: &Version) -> wire::ExportDecisionsRequest {
    wire::ExportDecisionsRequest {
        scope: version.scope.clone(),
        version_id: version.version_id.clone(),
        filter: None,
    }
}

#[tokio::test]
async fn an_export_is_what_the_pages_show_of_every_version() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(2_300).await;
    let decisions = stage.tester.decisions(&submitted).await;
    let mut reviews: Vec<_> = decisions[..2_000].iter().map(approved).collect();
    reviews.extend(decisions[2_000..2_200].iter().map(|of| rejected(of, "no")));
    for of in &decisions[2_200..] {
        reviews.push(modified(of, build::sample(&of.item_key, "better"), "a typing error"));
    }
    let ruled = stage.owner.rule(&submitted, reviews).await.unwrap();
    let proposed: Vec<_> = decisions[2_200..].iter().collect();
    stage.tester.confirm(&ruled, &proposed).await.unwrap();
    let first = stage.owner.approve(&ruled).await.unwrap();
    let draft = stage.tester.revise(&stage.here, build::inputs(5_000..5_010)).await.unwrap();
    for version in [&first, &draft] {
        let listed = stage.tester.decisions(version).await;
        assert_eq!(stage.tester.export(version, None).await.unwrap(), listed);
        for filter in [
            DecisionFilter { states: vec![DecisionState::Modified.into()], ..Default::default() },
            DecisionFilter { carried: Some(true), ..Default::default() },
            DecisionFilter {
                sources: vec![RecommendationSource::CarriedForward.into()],
                item_key_prefix: "S-0000".to_owned(),
                ..Default::default()
            },
        ] {
            let mut page = wire::ListDecisionsRequest {
                scope: version.scope.clone(),
                version_id: version.version_id.clone(),
                filter: Some(filter.clone()),
                page_size: 1000,
                ..Default::default()
            };
            let mut expected = Vec::new();
            loop {
                let answer = stage.tester.call(page.clone()).await.unwrap();
                expected.extend(answer.decisions);
                if answer.next_page_token.is_empty() {
                    break;
                }
                page.page_token = answer.next_page_token;
            }
            let exported = stage.tester.export(version, Some(filter.clone())).await.unwrap();
            assert_eq!(exported, expected, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn messages_are_no_longer_than_clients_take() {
    let stage = Stage::samples().await;
    let large = (0..120).map(|n| build::input(&format!("L-{n}"), &"x".repeat(60_000))).collect();
    let draft = stage.tester.create(&stage.here, large).await.unwrap();
    let mut versioning = stage.tester.versioning.clone();
    let mut answers = versioning.export_decisions(request(&draft)).await.unwrap().into_inner();
    let (mut decisions, mut messages) = (0, 0);
    while let Some(answer) = answers.next().await {
        let answer = answer.unwrap();
        assert!(answer.encoded_len() < 4 * 1024 * 1024);
        (decisions, messages) = (decisions + answer.decisions.len(), messages + 1);
    }
    assert_eq!(decisions, 120);
    assert!(messages > 3, "{messages}");
}

#[tokio::test]
async fn an_export_of_a_version_that_changes_says_so() {
    let stage = Stage::samples().await;
    let draft = stage.draft(8_000).await;
    let mut versioning = stage.tester.versioning.clone();
    let mut answers = versioning.export_decisions(request(&draft)).await.unwrap().into_inner();
    let first = answers.next().await.unwrap().unwrap();
    stage.tester.remove(&draft, &[&first.decisions[0]], "").await.unwrap();
    let mut rest = answers.collect::<Vec<_>>().await;
    let last = rest.pop().unwrap();
    refusal(last, Code::Aborted, ErrorReason::Conflict);
    assert!(rest.iter().all(Result::is_ok));
    // What is closed does not change.
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let approved = stage.approve_all(&submitted).await;
    let mut answers = versioning.export_decisions(request(&approved)).await.unwrap().into_inner();
    answers.next().await.unwrap().unwrap();
    stage.next(build::inputs(9_000..9_001)).await;
    assert!(answers.all(|answer| async move { answer.is_ok() }).await);
}

#[tokio::test]
async fn whoever_may_read_may_export() {
    let stage = Stage::samples().await;
    let draft = stage.draft(2).await;
    for role in [Role::ReportOwner, Role::Auditor, Role::Service] {
        let person = stage.person(50, &[role]);
        assert_eq!(person.export(&draft, None).await.unwrap().len(), 2, "{role}");
    }
    let answer = stage.person(50, &[Role::Admin]).export(&draft, None).await;
    refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
    let other = Stage::samples().await;
    let foreign = Version { scope: Some(other.here.clone()), ..draft.clone() };
    refusal(other.tester.export(&foreign, None).await, Code::NotFound, ErrorReason::NotFound);
    let nameless = Version { version_id: "x".to_owned(), ..draft };
    let filter = DecisionFilter { states: vec![99], ..Default::default() };
    let answer = stage.tester.export(&nameless, Some(filter)).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["version_id", "filter.states[0]"]);
}

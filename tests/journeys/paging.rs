//! Lists in pages (AIP-158): all of them, with pages of any size.

use prost_reflect::Value;
use signoff_contract::feed::v1 as feed;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::report::SIGNERS;
use signoff_tests::rpc::{Sent, methods_with};
use signoff_tests::world::whole;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;

/// A list, the field of the answer that holds it, how long it is, and the same call about something
/// else.
struct List {
    sent: Sent,
    field: &'static str,
    len: usize,
    otherwise: Sent,
}

/// A version of the workflow's report for which somebody was asked eight times, and the id of the
/// next one, for which nobody was.
async fn sign_offs(stage: &Stage) -> (wire::ListSignOffsRequest, String) {
    stage.gateway.clone().open_phase(stage.workflow, Phase::FINALIZE_TEST_REPORT).await;
    let here = stage.in_phase(Phase::FINALIZE_TEST_REPORT);
    let version = stage.tester.create(&here, Stage::sections(0..1)).await.unwrap();
    stage.tester.submit(&version).await.unwrap();
    for _ in 0..8 {
        stage.tester.ask(&version, &SIGNERS[..1]).await.unwrap();
    }
    stage.executive.reject(&version, "not yet").await.unwrap();
    let next = stage.tester.revise(&here, vec![]).await.unwrap();
    let (scope, version_id) = (Some(here), version.version_id);
    (wire::ListSignOffsRequest { scope, version_id, ..Default::default() }, next.version_id)
}

/// Eight approved versions, each with two items more than the one before.
async fn lists() -> (Stage, Vec<List>) {
    let stage = Stage::samples().await;
    let mut versions = vec![stage.approved(2).await];
    for number in 1..8 {
        versions.push(stage.next(build::inputs(number * 2..number * 2 + 2)).await);
    }
    let scope = Some(stage.here.clone());
    let (first, last) = (versions[0].version_id.clone(), versions[7].version_id.clone());
    let decision = stage.tester.decision(&versions[7], "S-000000").await;
    let other = stage.tester.decision(&versions[7], "S-000001").await;
    let list = |field, len, sent, otherwise| List { sent, field, len, otherwise };
    let decisions = wire::ListDecisionsRequest {
        scope: scope.clone(),
        version_id: last.clone(),
        ..Default::default()
    };
    let lineage = wire::GetLineageRequest {
        scope: scope.clone(),
        decision_id: decision.decision_id,
        ..Default::default()
    };
    let comparison = wire::CompareVersionsRequest {
        scope: scope.clone(),
        version_id: first,
        other_version_id: last,
        ..Default::default()
    };
    let artifacts = wire::ListArtifactsRequest {
        scope: scope.clone(),
        include_superseded: true,
        ..Default::default()
    };
    let (sign_offs, unsigned) = sign_offs(&stage).await;
    let trail = feed::GetTrailRequest { scope: scope.clone(), ..Default::default() };
    let versions_of = wire::ListVersionsRequest { scope, ..Default::default() };
    let elsewhere = wire::ListVersionsRequest {
        scope: Some(stage.in_phase(Phase::PLANNING)),
        ..Default::default()
    };
    let lists = vec![
        list("versions", 8, Sent::of(&versions_of), Sent::of(&elsewhere)),
        list(
            "decisions",
            16,
            Sent::of(&decisions),
            Sent::of(&decisions).with_value("order", Value::EnumNumber(1)),
        ),
        list(
            "entries",
            8,
            Sent::of(&lineage),
            Sent::of(&lineage).with("decision_id", &other.decision_id),
        ),
        list(
            "differences",
            14,
            Sent::of(&comparison),
            Sent::of(&comparison).with("other_version_id", &comparison.version_id),
        ),
        list(
            "artifacts",
            8,
            Sent::of(&artifacts),
            Sent::of(&artifacts).with_value("include_superseded", Value::Bool(false)),
        ),
        list(
            "sign_offs",
            8,
            Sent::of(&sign_offs),
            Sent::of(&sign_offs).with("version_id", &unsigned),
        ),
        list(
            "records",
            41,
            Sent::of(&trail),
            Sent::of(&feed::GetTrailRequest {
                scope: Some(whole(stage.workflow)),
                ..trail.clone()
            }),
        ),
    ];
    (stage, lists)
}

/// The pages of a list, and the token after the first of them.
async fn walk(stage: &Stage, list: &List, size: i32) -> (Vec<Vec<Value>>, String) {
    let mut sent = list.sent.with_value("page_size", Value::I32(size));
    let (mut pages, mut after_first) = (Vec::new(), None);
    loop {
        let answer = sent.answer(&stage.tester.send(&sent).await.unwrap());
        let rows = answer.get_field_by_name(list.field).unwrap().as_list().unwrap().to_vec();
        let token = answer.get_field_by_name("next_page_token").unwrap();
        let token = token.as_str().unwrap().to_owned();
        pages.push(rows);
        after_first.get_or_insert_with(|| token.clone());
        if token.is_empty() {
            return (pages, after_first.unwrap());
        }
        sent = sent.with("page_token", &token);
    }
}

#[tokio::test]
async fn every_list_is_walked_in_pages_of_any_size() {
    let (stage, lists) = lists().await;
    for list in &lists {
        let method = list.sent.method();
        let (all, token) = walk(&stage, list, 0).await;
        assert_eq!((all.len(), all[0].len(), token.as_str()), (1, list.len, ""), "{method}");
        for size in [1, 7, 1000, i32::MAX] {
            let (pages, _) = walk(&stage, list, size).await;
            let size = usize::try_from(size.min(1000)).unwrap();
            let (last, full) = pages.split_last().unwrap();
            assert!(full.iter().all(|page| page.len() == size), "{method}: {size}");
            assert!((1..=size).contains(&last.len()), "{method}: {size}: no empty last page");
            assert_eq!(pages.concat(), all[0], "{method}: {size}");
        }
    }
}

#[tokio::test]
async fn a_token_goes_on_with_another_page_size() {
    let (stage, lists) = lists().await;
    for list in &lists {
        let (all, _) = walk(&stage, list, 0).await;
        let (_, token) = walk(&stage, list, 3).await;
        let sent = list.sent.with("page_token", &token).with_value("page_size", Value::I32(2));
        let answer = sent.answer(&stage.tester.send(&sent).await.unwrap());
        let rows = answer.get_field_by_name(list.field).unwrap().as_list().unwrap().to_vec();
        assert_eq!(rows, all[0][3..5], "{}", list.sent.method());
    }
}

#[tokio::test]
async fn a_token_of_a_call_with_other_parameters_is_refused() {
    let (stage, lists) = lists().await;
    for (i, list) in lists.iter().enumerate() {
        let (_, token) = walk(&stage, list, 3).await;
        let another_method = &lists[(i + 1) % lists.len()].sent;
        for sent in [&list.otherwise, another_method] {
            stage.tester.send(sent).await.unwrap();
            let answer = stage.tester.send(&sent.with("page_token", &token)).await;
            let status = refusal(answer, Code::InvalidArgument, ErrorReason::PageTokenMismatch);
            assert_eq!(fields(&status), ["page_token"], "{}", sent.method());
        }
    }
}

#[tokio::test]
async fn a_token_of_another_workflow_is_refused() {
    let (one, other) = (Stage::samples().await, Stage::samples().await);
    let page = |stage: &Stage, page_token: String| feed::GetTrailRequest {
        scope: Some(whole(stage.workflow)),
        page_size: 1,
        page_token,
        ..Default::default()
    };
    let token = one.tester.call(page(&one, String::new())).await.unwrap().next_page_token;
    let answer = other.tester.call(page(&other, token)).await;
    refusal(answer, Code::InvalidArgument, ErrorReason::PageTokenMismatch);
}

#[tokio::test]
async fn nonsense_is_refused() {
    let (stage, lists) = lists().await;
    for list in &lists {
        let method = list.sent.method();
        for token in ["x", "!!", "e30", "bnVsbA", &"A".repeat(10_000)] {
            let answer = stage.tester.send(&list.sent.with("page_token", token)).await;
            let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
            assert_eq!(fields(&status), ["page_token"], "{method}");
        }
        for size in [-1, i32::MIN] {
            let sent = list.sent.with_value("page_size", Value::I32(size));
            let status = refusal(
                stage.tester.send(&sent).await,
                Code::InvalidArgument,
                ErrorReason::ValidationFailed,
            );
            assert_eq!(fields(&status), ["page_size"], "{method}");
        }
    }
}

#[tokio::test]
async fn a_list_that_grows_is_walked_without_a_gap_or_a_double() {
    let stage = Stage::samples().await;
    let draft = stage.draft(5).await;
    let mut request = wire::ListDecisionsRequest {
        scope: draft.scope.clone(),
        version_id: draft.version_id.clone(),
        page_size: 3,
        ..Default::default()
    };
    let first = stage.tester.call(request.clone()).await.unwrap();
    stage.tester.add(&draft, build::inputs(5..7)).await.unwrap();
    request.page_token = first.next_page_token;
    request.page_size = 100;
    let rest = stage.tester.call(request).await.unwrap();
    let keys: Vec<String> =
        first.decisions.into_iter().chain(rest.decisions).map(|one| one.item_key).collect();
    assert_eq!(keys, (0..7).map(|number| format!("S-{number:06}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_table_names_every_list() {
    let (_, lists) = lists().await;
    let mut named: Vec<String> = lists.iter().map(|list| list.sent.path.clone()).collect();
    named.sort();
    assert_eq!(named, methods_with("page_token"));
}

//! Decisions that come as a stream: all of them, or none.

use std::collections::BTreeMap;

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{approved, rejected};
use signoff_tests::bulk::{import_into, messages};
use signoff_tests::people::request_id;
use signoff_tests::refusals::{faults, fields, refusal, total};
use signoff_tests::wait::until;
use signoff_tests::{Stage, build, integrity};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use wire::{Decision, DecisionInput, ImportDecisionsRequest, Verdict, Version};

/// A decision but for what differs between two ways of putting the same forward: where and when.
fn alike(decision: &Decision) -> Decision {
    Decision {
        decision_id: String::new(),
        version_id: String::new(),
        introduced_in_version_id: String::new(),
        recommended_at: None,
        occurred_at: None,
        recorded_at: None,
        ..decision.clone()
    }
}

/// Samples with all that a recommendation may have.
fn rich(numbers: std::ops::Range<u32>) -> Vec<DecisionInput> {
    let mut inputs = build::inputs(numbers);
    for (input, number) in inputs.iter_mut().zip(0..) {
        if number % 2 == 0 {
            input.recommendation_reason = format!("because of {number}: \"ä\\\n\t\"");
        }
        if number % 3 == 0 {
            input.recommendation_metadata = Some(build::object("model", "m-1"));
            input.source = wire::RecommendationSource::Llm.into();
        }
    }
    inputs
}

/// Nothing of the draft or of the trail is other than after its creation.
async fn expect_untouched(stage: &Stage, draft: &Version, records: i64) {
    assert_eq!(stage.tester.get(draft).await.unwrap(), *draft);
    let verified = stage.tester.verify(stage.workflow).await;
    assert_eq!((verified.intact, verified.records), (true, records));
}

/// How many records the trail has.
async fn records(stage: &Stage) -> i64 {
    stage.tester.verify(stage.workflow).await.records
}

#[tokio::test]
async fn an_import_puts_forward_what_adding_would() {
    let (streamed, added) = (Stage::samples().await, Stage::samples().await);
    let (into, beside) = (streamed.draft(0).await, added.draft(0).await);
    let answer = streamed.tester.import(&into, rich(0..2_345)).await.unwrap();
    assert_eq!(answer.imported, 2_345);
    assert_eq!((answer.errors.len(), answer.errors_total), (0, 0));
    let version = answer.version.unwrap();
    added.tester.add(&beside, rich(0..2_345)).await.unwrap();
    assert_eq!(streamed.tester.get(&into).await.unwrap(), version);
    assert_eq!(version.counts, added.tester.get(&beside).await.unwrap().counts);
    assert_eq!(version.metadata, added.tester.get(&beside).await.unwrap().metadata);
    let decisions = streamed.tester.decisions(&version).await;
    let others = added.tester.decisions(&beside).await;
    assert_eq!(
        decisions.iter().map(alike).collect::<Vec<_>>(),
        others.iter().map(alike).collect::<Vec<_>>()
    );
    // The trail says the same of both, and the rows are what it says.
    let verified = streamed.tester.verify(streamed.workflow).await;
    assert!(verified.intact, "{verified:?}");
    let record = streamed.tester.trail_of(streamed.workflow).await.pop().unwrap();
    assert_eq!((record.action.as_str(), record.detail_rows), ("decisions.added", 2_345));
    assert!(record.method.ends_with("/ImportDecisions"));
    let faults = integrity::faults(&mut streamed.world.as_superuser().await).await;
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn imported_items_go_through_the_life_of_others() {
    let stage = Stage::samples().await;
    let draft = stage.draft(10).await;
    stage.tester.import(&draft, build::inputs(10..1_500)).await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let approved = stage.approve_all(&submitted).await;
    assert_eq!(approved.counts.unwrap().approved, 1_500);
    let next = stage.tester.revise(&stage.here, Vec::new()).await.unwrap();
    let answer = stage.tester.import(&next, build::inputs(1_500..1_510)).await.unwrap();
    let counts = answer.version.unwrap().counts.unwrap();
    assert_eq!((counts.total, counts.pending, counts.carried), (1_510, 10, 1_500));
    let faults = integrity::faults(&mut stage.world.as_superuser().await).await;
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn keys_that_the_line_knows_come_back_with_their_history() {
    let stage = Stage::samples().await;
    let submitted = stage.submitted(4).await;
    let decisions = stage.tester.decisions(&submitted).await;
    let reviews = vec![
        approved(&decisions[0]),
        approved(&decisions[1]),
        rejected(&decisions[2], "a duplicate"),
        rejected(&decisions[3], "too old"),
    ];
    stage.owner.rule(&submitted, reviews).await.unwrap();
    let first = stage.owner.approve(&submitted).await.unwrap();
    let draft = stage.tester.revise(&stage.here, Vec::new()).await.unwrap();
    let removed = stage.tester.decision(&draft, "S-000001").await;
    stage.tester.remove(&draft, &[&removed], "not needed").await.unwrap();
    // Unknown, rejected, removed and unknown keys, in that order.
    let mut inputs = build::inputs(7..8);
    inputs.extend(build::inputs(2..3));
    inputs.extend(build::inputs(1..2));
    inputs.extend(build::inputs(8..9));
    let answer = stage.tester.import(&draft, inputs).await.unwrap();
    let counts = answer.version.unwrap().counts.unwrap();
    assert_eq!((counts.total, counts.pending, counts.approved, counts.carried), (5, 4, 1, 1));
    let again = stage.tester.decision(&draft, "S-000002").await;
    assert_eq!(again.previous_decision_id, decisions[2].decision_id);
    assert!(stage.tester.decision(&draft, "S-000001").await.previous_decision_id.is_empty());
    assert_eq!(stage.tester.decisions(&first).await.len(), 4);
    assert!(stage.tester.verify(stage.workflow).await.intact);
    let faults = integrity::faults(&mut stage.world.as_superuser().await).await;
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn bad_rows_are_named_by_row_and_field_and_nothing_changes() {
    let stage = Stage::samples().await;
    let draft = stage.draft(0).await;
    let before = records(&stage).await;
    let mut inputs = build::inputs(0..1_600);
    inputs[3].source = 0;
    inputs[1_500].item_key = "another".to_owned();
    inputs[1_599].payload = None;
    let answer = stage.tester.import(&draft, inputs).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(
        fields(&status),
        [
            "decisions[3].source",
            "decisions[1500].payload.sample.sample_identifier",
            "decisions[1599].payload"
        ]
    );
    assert!(faults(&status)[0].contains("row 4: is required"), "{status:?}");
    expect_untouched(&stage, &draft, before).await;

    let mut many = build::inputs(0..90);
    many.iter_mut().for_each(|input| input.source = 99);
    let answer = stage.tester.import(&draft, many).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!((fields(&status).len(), total(&status)), (50, 90));
}

#[tokio::test]
async fn doubled_keys_are_named_and_nothing_changes() {
    let stage = Stage::samples().await;
    let draft = stage.draft(3).await;
    let before = records(&stage).await;
    let mut inputs = build::inputs(2..1_000);
    inputs.extend(build::inputs(500..502));
    let answer = stage.tester.import(&draft, inputs).await;
    let status = refusal(answer, Code::AlreadyExists, ErrorReason::ItemExists);
    assert_eq!(
        faults(&status),
        [
            "decisions[0].item_key: row 1: S-000002 is in the version already",
            "decisions[998].item_key: row 999: S-000500 is there twice in this import",
            "decisions[999].item_key: row 1000: S-000501 is there twice in this import",
        ]
    );
    expect_untouched(&stage, &draft, before).await;
    let twice = [build::inputs(10..80), build::inputs(10..80)].concat();
    let answer = stage.tester.import(&draft, twice).await;
    let status = refusal(answer, Code::AlreadyExists, ErrorReason::ItemExists);
    assert_eq!((fields(&status).len(), total(&status)), (50, 70));
}

#[tokio::test]
async fn a_validation_answers_with_all_faults_and_changes_nothing() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let before = records(&stage).await;
    let mut inputs = build::inputs(0..200);
    inputs[5..100].iter_mut().for_each(|input| input.source = 0);
    inputs.push(build::input("S-000150", "again"));
    let first = ImportDecisionsRequest { validate_only: true, ..import_into(&draft) };
    let answer = stage.tester.send_import(messages(&first, inputs, 33)).await.unwrap();
    assert_eq!((answer.imported, answer.errors_total), (0, 97));
    assert_eq!(answer.version, Some(draft.clone()));
    let errors: BTreeMap<i64, (&str, &str)> = answer
        .errors
        .iter()
        .map(|error| (error.row, (error.field.as_str(), error.description.as_str())))
        .collect();
    assert_eq!(errors.len(), 97);
    assert_eq!(errors[&1].0, "item_key");
    assert_eq!(errors[&6], ("source", "is required"));
    assert_eq!(errors[&201].0, "item_key");
    let rows: Vec<i64> = answer.errors.iter().map(|error| error.row).collect();
    assert!(rows.is_sorted(), "{rows:?}");
    expect_untouched(&stage, &draft, before).await;
    // The same rows, mended, are fine; and the id of a validation may be used for the import.
    let good = build::inputs(1..200);
    let answer = stage.tester.send_import(messages(&first, good.clone(), 33)).await.unwrap();
    assert_eq!((answer.imported, answer.errors_total), (0, 0));
    expect_untouched(&stage, &draft, before).await;
    let first = ImportDecisionsRequest { validate_only: false, ..first };
    let answer = stage.tester.send_import(messages(&first, good, 50)).await.unwrap();
    assert_eq!(answer.imported, 199);
}

#[tokio::test]
async fn the_same_import_is_done_once_however_it_is_cut() {
    let stage = Stage::samples().await;
    let draft = stage.draft(0).await;
    let first = import_into(&draft);
    let send =
        |inputs: Vec<DecisionInput>, size| stage.tester.send_import(messages(&first, inputs, size));
    let answer = send(rich(0..300), 7).await.unwrap();
    let before = records(&stage).await;
    stage.tester.submit(&draft).await.unwrap();
    for size in [7, 300, 1] {
        assert_eq!(send(rich(0..300), size).await.unwrap(), answer);
    }
    let mut otherwise = rich(0..300);
    otherwise[299].recommendation_reason = "another".to_owned();
    let reused = [
        send(otherwise, 7).await,
        send(rich(0..299), 7).await,
        stage.lead.send_import(messages(&first, rich(0..300), 7)).await,
        stage
            .tester
            .send_import(messages(
                &ImportDecisionsRequest { etag: draft.etag.clone(), ..first.clone() },
                rich(0..300),
                7,
            ))
            .await,
    ];
    for answer in reused {
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::RequestIdReused);
        assert_eq!(fields(&status), ["request_id"]);
    }
    assert_eq!(records(&stage).await, before + 1);
}

#[tokio::test]
async fn what_the_first_message_says_is_said_once_for_all() {
    let (stage, other) = (Stage::samples().await, Stage::samples().await);
    let (draft, elsewhere) = (stage.draft(0).await, other.draft(0).await);
    let first = import_into(&draft);
    let rows = ImportDecisionsRequest { decisions: build::inputs(0..3), ..Default::default() };
    let another = ImportDecisionsRequest {
        scope: elsewhere.scope.clone(),
        version_id: elsewhere.version_id.clone(),
        validate_only: true,
        etag: "1.9".to_owned(),
        request_id: request_id(),
        decisions: build::inputs(3..5),
    };
    let before = records(&stage).await;
    let answer = stage.tester.send_import(vec![first.clone(), rows.clone(), another]).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["scope", "version_id", "validate_only", "etag", "request_id"]);
    expect_untouched(&stage, &draft, before).await;
    expect_untouched(&other, &elsewhere, before).await;
    // The same again is no contradiction.
    let again = ImportDecisionsRequest { decisions: build::inputs(3..5), ..first.clone() };
    let answer = stage.tester.send_import(vec![first, rows, again]).await.unwrap();
    assert_eq!(answer.imported, 5);
}

#[tokio::test]
async fn every_field_of_the_first_message_is_checked_and_rows_with_it() {
    let stage = Stage::samples().await;
    let draft = stage.draft(0).await;
    let mut spoilt = import_into(&draft);
    (spoilt.version_id, spoilt.request_id) = ("1".to_owned(), String::new());
    spoilt.decisions = build::inputs(0..2);
    spoilt.decisions[1].source = 0;
    let answer = stage.tester.send_import(vec![spoilt]).await;
    let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&status), ["request_id", "version_id", "decisions[1].source"]);
    for empty in [vec![], vec![import_into(&draft)]] {
        let field = if empty.is_empty() { "scope" } else { "decisions" };
        let answer = stage.tester.send_import(empty).await;
        let status = refusal(answer, Code::InvalidArgument, ErrorReason::ValidationFailed);
        assert_eq!(fields(&status), [field]);
    }
}

#[tokio::test]
async fn access_and_state_are_those_of_adding() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    for (user_id, role) in [(20, Role::ReportOwner), (30, Role::TestExecutive), (40, Role::Auditor)]
    {
        let answer = stage.person(user_id, &[role]).import(&draft, build::inputs(5..6)).await;
        refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
    let answer = stage.unknown().import(&draft, build::inputs(5..6)).await;
    refusal(answer, Code::Unauthenticated, ErrorReason::TokenInvalid);

    let stale = ImportDecisionsRequest { etag: "1.99".to_owned(), ..import_into(&draft) };
    let answer = stage.tester.send_import(messages(&stale, build::inputs(5..6), 1)).await;
    refusal(answer, Code::Aborted, ErrorReason::EtagMismatch);
    let fresh = ImportDecisionsRequest { etag: draft.etag.clone(), ..import_into(&draft) };
    stage.tester.send_import(messages(&fresh, build::inputs(5..6), 1)).await.unwrap();

    let other = Stage::samples().await;
    let foreign = Version { scope: Some(other.here.clone()), ..draft.clone() };
    let answer = other.tester.import(&foreign, build::inputs(7..8)).await;
    refusal(answer, Code::NotFound, ErrorReason::NotFound);

    let submitted = stage.tester.submit(&draft).await.unwrap();
    let answer = stage.tester.import(&submitted, build::inputs(7..8)).await;
    refusal(answer, Code::FailedPrecondition, ErrorReason::VersionState);

    let closed = Stage::closed(Phase::SAMPLE_SELECTION).await;
    let nowhere = Version { scope: Some(closed.here.clone()), ..draft };
    let answer = closed.tester.import(&nowhere, build::inputs(7..8)).await;
    refusal(answer, Code::FailedPrecondition, ErrorReason::PhaseNotStarted);
}

#[tokio::test]
async fn a_client_that_stops_leaves_nothing() {
    let stage = Stage::samples().await;
    let draft = stage.draft(0).await;
    let before = records(&stage).await;
    let (rows, sent) = tokio::sync::mpsc::channel(1);
    let client = stage.tester.clone();
    let call =
        tokio::spawn(async move {
            let stream = futures::stream::unfold(sent, |mut sent| async move {
                Some((sent.recv().await?, sent))
            });
            client.versioning.clone().import_decisions(stream).await
        });
    let prefix = format!("gone-{}", draft.version_id);
    let decisions: Vec<_> =
        (0..2_000).map(|n| build::input(&format!("{prefix}-{n:05}"), "x")).collect();
    for message in messages(&import_into(&draft), decisions, 500) {
        rows.send(message).await.unwrap();
    }
    let staged = || async {
        let mut database = stage.world.as_superuser().await;
        sqlx::query_scalar::<_, i64>("select count(*) from staged_items where item_key like $1")
            .bind(format!("{prefix}%"))
            .fetch_one(&mut database)
            .await
            .unwrap()
    };
    until("some rows to be staged", || async { (staged().await > 0).then_some(()) }).await;
    call.abort();
    until("the rows to be cleared", || async { (staged().await == 0).then_some(()) }).await;
    expect_untouched(&stage, &draft, before).await;
    assert!(stage.tester.decisions(&draft).await.is_empty());
    // Nothing is in the way of the next one.
    stage.tester.import(&draft, build::inputs(0..10)).await.unwrap();
}

#[tokio::test]
async fn several_imports_at_once_keep_apart() {
    let mut running = Vec::new();
    for number in 0..4_u32 {
        running.push(tokio::spawn(async move {
            let stage = Stage::samples().await;
            let draft = stage.draft(0).await;
            let count = 1_000 + number * 100;
            let answer = stage.tester.import(&draft, build::inputs(0..count)).await.unwrap();
            assert_eq!(answer.imported, i64::from(count));
            let submitted = stage.tester.submit(&draft).await.unwrap();
            stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap();
            let listed = stage.tester.decisions(&draft).await;
            assert_eq!(listed.len(), count as usize);
            assert!(stage.tester.verify(stage.workflow).await.intact);
        }));
    }
    for import in running {
        import.await.unwrap();
    }
}

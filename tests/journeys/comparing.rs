//! One item through five versions, and what differs between two of them.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::{Stage, build};
use wire::{
    ComparisonCounts, DecisionState, DifferenceKind, RecommendationSource, Version, VersionState,
};

const KEY: &str = "S-000000";

/// Five versions: 1 approved; 2 edits the item; 3 removes it; 4 puts it forward again and it is
/// rejected; 5 puts it forward once more and the reviewer changes it.
async fn five() -> (Stage, Vec<Version>) {
    let stage = Stage::samples().await;
    let first = stage.approved(3).await;

    let second = stage.tester.revise(&stage.here, vec![]).await.unwrap();
    let decision = stage.tester.decision(&second, KEY).await;
    stage.tester.edit(&second, &decision, build::sample(KEY, "edited"), "typo").await.unwrap();
    let submitted = stage.tester.submit(&second).await.unwrap();
    stage.approve_all(&submitted).await;

    let third = stage.tester.revise(&stage.here, build::inputs(3..4)).await.unwrap();
    let decision = stage.tester.decision(&third, KEY).await;
    stage.tester.remove(&third, &[&decision], "out of period").await.unwrap();
    let submitted = stage.tester.submit(&third).await.unwrap();
    stage.approve_all(&submitted).await;

    let fourth = stage.tester.revise(&stage.here, vec![build::input(KEY, "again")]).await.unwrap();
    stage.tester.submit(&fourth).await.unwrap();
    let decision = stage.tester.decision(&fourth, KEY).await;
    stage.owner.rule(&fourth, vec![rejected(&decision, "still not")]).await.unwrap();
    stage.owner.reject(&fourth, "no").await.unwrap();

    let fifth = stage.tester.revise(&stage.here, vec![build::input(KEY, "last")]).await.unwrap();
    stage.tester.submit(&fifth).await.unwrap();
    let decision = stage.tester.decision(&fifth, KEY).await;
    let change = modified(&decision, build::sample(KEY, "changed"), "as agreed");
    stage.owner.rule(&fifth, vec![change]).await.unwrap();
    stage.tester.confirm(&fifth, &[&decision]).await.unwrap();
    stage.owner.approve(&fifth).await.unwrap();

    let mut versions = Vec::new();
    for version in [first, second, third, fourth, fifth] {
        versions.push(stage.tester.get(&version).await.unwrap());
    }
    (stage, versions)
}

fn content(text: &str) -> Option<wire::Payload> {
    Some(build::sample(KEY, text))
}

#[tokio::test]
async fn a_lineage_tells_the_item_in_every_version_that_held_it() {
    let (stage, versions) = Box::pin(five()).await;
    let decision = stage.tester.decision(&versions[4], KEY).await;
    let entries = stage.tester.lineage(&versions[4], &decision).await;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let decision = entry.decision.as_ref().unwrap();
            (decision.version_number, entry.version_state(), decision.state(), decision.source())
        })
        .collect();
    let tester = RecommendationSource::Tester;
    assert_eq!(
        told,
        [
            (5, VersionState::Approved, DecisionState::Modified, tester),
            (4, VersionState::Rejected, DecisionState::Rejected, tester),
            (2, VersionState::Superseded, DecisionState::Approved, tester),
            (1, VersionState::Superseded, DecisionState::Approved, tester),
        ]
    );
    let effective: Vec<_> =
        entries.iter().map(|one| one.decision.clone().unwrap().effective_payload).collect();
    assert_eq!(
        effective,
        [content("changed"), content("again"), content("edited"), content("as drawn")]
    );
    for (entry, version) in entries.iter().zip([4, 3, 1, 0]) {
        let listed = stage.tester.decision(&versions[version], KEY).await;
        assert_eq!(entry.decision.as_ref(), Some(&listed), "as it is listed there");
    }
    assert_eq!(
        entries[0].decision.as_ref().unwrap().previous_decision_id,
        entries[1].decision.as_ref().unwrap().decision_id
    );
}

#[tokio::test]
async fn a_lineage_is_the_same_from_wherever_it_is_asked() {
    let (stage, versions) = Box::pin(five()).await;
    let newest = stage.tester.decision(&versions[4], KEY).await;
    let oldest = stage.tester.decision(&versions[0], KEY).await;
    let from_newest = stage.tester.lineage(&versions[4], &newest).await;
    assert_eq!(stage.tester.lineage(&versions[0], &oldest).await, from_newest);
}

#[tokio::test]
async fn a_carried_item_points_to_its_parents_decision_back_to_the_first() {
    let (stage, versions) = Box::pin(five()).await;
    let decision = stage.tester.decision(&versions[4], "S-000001").await;
    let entries = stage.tester.lineage(&versions[4], &decision).await;
    assert_eq!(entries.len(), 5);
    for pair in entries.windows(2) {
        let (later, earlier) =
            (pair[0].decision.as_ref().unwrap(), pair[1].decision.as_ref().unwrap());
        assert_eq!(later.source(), RecommendationSource::CarriedForward);
        assert_eq!(later.carried_from_decision_id, earlier.decision_id);
        assert_eq!(later.carried_from_version_id, earlier.version_id);
        assert_eq!(later.introduced_in_version_id, versions[0].version_id);
    }
    let first = entries[4].decision.as_ref().unwrap();
    assert_eq!(
        (first.source(), first.carried_from_decision_id.as_str()),
        (RecommendationSource::Tester, "")
    );
}

#[tokio::test]
async fn a_lineage_also_tells_every_ruling_newest_first() {
    let (stage, versions) = Box::pin(five()).await;
    let decision = stage.tester.decision(&versions[4], KEY).await;
    let mut request = wire::GetLineageRequest {
        scope: Some(stage.here.clone()),
        decision_id: decision.decision_id,
        page_size: 2,
        ..Default::default()
    };
    let first = stage.tester.call(request.clone()).await.unwrap();
    let told: Vec<_> = first
        .rulings
        .iter()
        .map(|one| {
            (one.version_number, one.state(), one.decided_by, one.replaced_in_version_number)
        })
        .collect();
    assert_eq!(
        told,
        [
            (5, DecisionState::Modified, 10, 0),
            (5, DecisionState::Modified, 20, 5),
            (4, DecisionState::Rejected, 20, 5),
            (3, DecisionState::Unspecified, 10, 4),
            (2, DecisionState::Approved, 20, 3),
            (1, DecisionState::Approved, 20, 2),
        ]
    );
    let [confirmed, changed, rejected, removed, ..] = &first.rulings[..] else { panic!() };
    assert!(confirmed.confirmed && !changed.confirmed && removed.removed);
    assert_eq!(
        (&changed.modified_payload, changed.modification_reason.as_str()),
        (&content("changed"), "as agreed")
    );
    assert_eq!((rejected.notes.as_str(), removed.notes.as_str()), ("still not", "out of period"));
    request.page_token = first.next_page_token;
    assert_eq!(stage.tester.call(request).await.unwrap().rulings, [], "on the first page only");
}

/// What differs, by kind and key.
fn kinds(compared: &wire::CompareVersionsResponse) -> Vec<(DifferenceKind, &str)> {
    compared.differences.iter().map(|one| (one.kind(), one.item_key.as_str())).collect()
}

const fn counts(
    added: i32,
    removed: i32,
    changed: i32,
    ruled: i32,
    unchanged: i32,
) -> Option<ComparisonCounts> {
    Some(ComparisonCounts { added, removed, changed, ruled_differently: ruled, unchanged })
}

#[tokio::test]
async fn versions_differ_in_what_was_added_removed_and_changed() {
    let (stage, versions) = Box::pin(five()).await;
    let compare = async |from: usize, to: usize| {
        stage.tester.compare(&versions[from - 1], &versions[to - 1]).await
    };
    let edited = compare(1, 2).await;
    assert_eq!(edited.counts, counts(0, 0, 1, 0, 2));
    assert_eq!(kinds(&edited), [(DifferenceKind::Changed, KEY)]);
    let one = &edited.differences[0];
    assert_eq!(one.decision, Some(stage.tester.decision(&versions[0], KEY).await));
    assert_eq!(one.other_decision, Some(stage.tester.decision(&versions[1], KEY).await));

    let removed = compare(2, 3).await;
    assert_eq!(removed.counts, counts(1, 1, 0, 0, 2));
    assert_eq!(
        kinds(&removed),
        [(DifferenceKind::Removed, KEY), (DifferenceKind::Added, "S-000003")]
    );
    assert_eq!(removed.differences[0].other_decision, None);
    assert_eq!(removed.differences[1].decision, None);

    let back = compare(3, 2).await;
    assert_eq!(back.counts, counts(1, 1, 0, 0, 2), "the other way round");
    assert_eq!(kinds(&back), [(DifferenceKind::Added, KEY), (DifferenceKind::Removed, "S-000003")]);

    let returned = compare(3, 4).await;
    assert_eq!(returned.counts, counts(1, 0, 0, 0, 3));
    assert_eq!(kinds(&compare(4, 5).await), [(DifferenceKind::Changed, KEY)]);
    let all = compare(1, 5).await;
    assert_eq!(all.counts, counts(1, 0, 1, 0, 2));
    assert_eq!(kinds(&all), [(DifferenceKind::Changed, KEY), (DifferenceKind::Added, "S-000003")]);
    assert_eq!(compare(5, 5).await.counts, counts(0, 0, 0, 0, 4));
}

#[tokio::test]
async fn the_same_content_may_be_ruled_differently() {
    let stage = Stage::samples().await;
    let first = stage.submitted(4).await;
    let all = stage.tester.decisions(&first).await;
    let reviews = vec![rejected(&all[0], "no"), approved(&all[1]), approved(&all[2])];
    stage.owner.rule(&first, reviews).await.unwrap();
    stage.owner.reject(&first, "once more").await.unwrap();
    let again = vec![build::input(KEY, "as drawn"), build::input("S-000003", "as drawn")];
    let second = stage.tester.revise(&stage.here, again).await.unwrap();
    let second = stage.tester.submit(&second).await.unwrap();
    let carried = stage.tester.decision(&second, "S-000002").await;
    stage.owner.rule(&second, vec![rejected(&carried, "on second thoughts")]).await.unwrap();
    let compared = stage.tester.compare(&first, &second).await;
    assert_eq!(compared.counts, counts(0, 0, 0, 2, 2));
    assert_eq!(
        kinds(&compared),
        [(DifferenceKind::RuledDifferently, KEY), (DifferenceKind::RuledDifferently, "S-000002"),]
    );
    let states: Vec<_> = compared
        .differences
        .iter()
        .map(|one| {
            (one.decision.as_ref().unwrap().state(), one.other_decision.as_ref().unwrap().state())
        })
        .collect();
    assert_eq!(
        states,
        [
            (DecisionState::Rejected, DecisionState::Pending),
            (DecisionState::Approved, DecisionState::Rejected),
        ]
    );
}

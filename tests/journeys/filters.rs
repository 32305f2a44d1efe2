//! Which decisions are listed, and in which order.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::acts::{approved, modified, rejected};
use signoff_tests::{Stage, build};
use wire::{
    Decision, DecisionFilter, DecisionInput, DecisionOrder, DecisionState, RecommendationSource,
    Version,
};

/// In the order in which they are put forward; some would mean something in a pattern.
const KEYS: [&str; 14] =
    ["b", "B", "a", "Z", "ä", "S-1", "S-10", "S-2", "%", "_x", "\\", "a b", "S-", "日本"];

const SOURCES: [RecommendationSource; 4] = [
    RecommendationSource::Tester,
    RecommendationSource::Llm,
    RecommendationSource::Manual,
    RecommendationSource::Automated,
];

fn input(number: usize) -> DecisionInput {
    let source = SOURCES[number % 4].into();
    DecisionInput { source, ..build::input(KEYS[number], "as drawn") }
}

/// A submitted version 2 with decisions in every state, carried and new.
async fn mixed() -> (Stage, Version) {
    let stage = Stage::samples().await;
    let first = stage.tester.create(&stage.here, (0..8).map(input).collect()).await.unwrap();
    let submitted = stage.tester.submit(&first).await.unwrap();
    let all = stage.tester.decisions(&submitted).await;
    let change = modified(&all[1], build::sample(KEYS[1], "changed"), "typo");
    stage.owner.rule(&submitted, vec![change, rejected(&all[2], "no")]).await.unwrap();
    stage.tester.confirm(&submitted, &[&all[1]]).await.unwrap();
    stage.approve_all(&stage.tester.get(&submitted).await.unwrap()).await;

    let draft = stage.tester.revise(&stage.here, (8..14).map(input).collect()).await.unwrap();
    let edited = stage.tester.decision(&draft, KEYS[0]).await;
    stage.tester.edit(&draft, &edited, build::sample(KEYS[0], "edited"), "why").await.unwrap();
    let submitted = stage.tester.submit(&draft).await.unwrap();
    let all = stage.tester.decisions(&submitted).await;
    let of = |key: &str| all.iter().find(|one| one.item_key == key).unwrap();
    let reviews = vec![
        modified(of(KEYS[8]), build::sample(KEYS[8], "changed"), "typo"),
        rejected(of(KEYS[9]), "no"),
        rejected(of(KEYS[3]), "on second thoughts"),
        approved(of(KEYS[10])),
        approved(of(KEYS[0])),
    ];
    let version = stage.owner.rule(&submitted, reviews).await.unwrap();
    (stage, version)
}

async fn listed(
    stage: &Stage,
    version: &Version,
    filter: &DecisionFilter,
    order: DecisionOrder,
    page_size: i32,
) -> Vec<Decision> {
    let mut request = wire::ListDecisionsRequest {
        scope: version.scope.clone(),
        version_id: version.version_id.clone(),
        filter: Some(filter.clone()),
        order: order.into(),
        page_size,
        page_token: String::new(),
    };
    let mut all = Vec::new();
    loop {
        let page = stage.tester.call(request.clone()).await.unwrap();
        all.extend(page.decisions);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

/// What a filter should let through.
fn passes(filter: &DecisionFilter, decision: &Decision) -> bool {
    let carried = decision.source() == RecommendationSource::CarriedForward;
    (filter.states.is_empty() || filter.states.contains(&decision.state))
        && (filter.sources.is_empty() || filter.sources.contains(&decision.source))
        && filter.carried.is_none_or(|wanted| wanted == carried)
        && decision.item_key.starts_with(&filter.item_key_prefix)
}

fn filters() -> Vec<DecisionFilter> {
    let states: [&[i32]; 7] = [&[], &[1], &[2], &[3], &[4], &[1, 4], &[2, 3, 2]];
    let sources: [&[i32]; 7] = [&[], &[1], &[2], &[3], &[4], &[5], &[5, 2]];
    let prefixes = ["", "S-", "S-1", "%", "_", "\\", "a", "B", "日"];
    let mut filters = Vec::new();
    for states in states {
        for sources in sources {
            for carried in [None, Some(true), Some(false)] {
                filters.push(DecisionFilter {
                    states: states.to_vec(),
                    sources: sources.to_vec(),
                    carried,
                    item_key_prefix: String::new(),
                });
            }
        }
    }
    for prefix in prefixes {
        for carried in [None, Some(true)] {
            let item_key_prefix = prefix.to_owned();
            filters.push(DecisionFilter { carried, item_key_prefix, ..Default::default() });
        }
    }
    filters
}

#[tokio::test]
async fn each_filter_lets_through_what_it_says_in_both_orders() {
    let (stage, version) = mixed().await;
    let all = stage.tester.decisions(&version).await;
    let states: Vec<_> = all.iter().map(Decision::state).collect();
    for state in [
        DecisionState::Pending,
        DecisionState::Approved,
        DecisionState::Rejected,
        DecisionState::Modified,
    ] {
        assert!(states.contains(&state), "{state:?}");
    }
    for filter in filters() {
        let mut expected: Vec<Decision> =
            all.iter().filter(|decision| passes(&filter, decision)).cloned().collect();
        let found = listed(&stage, &version, &filter, DecisionOrder::Unspecified, 1000).await;
        assert_eq!(found, expected, "{filter:?}");
        expected.sort_by(|one, other| one.item_key.as_bytes().cmp(other.item_key.as_bytes()));
        let found = listed(&stage, &version, &filter, DecisionOrder::ItemKey, 1000).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_filtered_list_is_walked_page_by_page_in_both_orders() {
    let (stage, version) = mixed().await;
    let filter = DecisionFilter { states: vec![2, 3, 4], ..Default::default() };
    for order in [DecisionOrder::Unspecified, DecisionOrder::ItemKey] {
        let whole = listed(&stage, &version, &filter, order, 1000).await;
        assert!(whole.len() > 5);
        for size in [1, 2, 3] {
            assert_eq!(listed(&stage, &version, &filter, order, size).await, whole);
        }
    }
}

#[tokio::test]
async fn the_default_order_is_that_in_which_items_came_into_the_line() {
    let (stage, version) = mixed().await;
    let keys: Vec<String> =
        stage.tester.decisions(&version).await.into_iter().map(|one| one.item_key).collect();
    let expected: Vec<&str> = KEYS.into_iter().filter(|key| *key != KEYS[2]).collect();
    assert_eq!(keys, expected, "all but the rejected one");
}

//! The sample story of seed 001: 100 recommended, 80 approved, 20 rejected; version 2 with 80
//! carried and 10 new.

use signoff_contract::versioning::v1::{
    DecisionState, RecommendationSource, Verdict, VersionState,
};
use signoff_tests::acts::rejected;
use signoff_tests::{Stage, build};

#[tokio::test]
async fn eighty_are_carried_and_ten_are_new() {
    let stage = Stage::samples().await;
    let first = stage.submitted(100).await;
    assert_eq!((first.number, first.counts.unwrap().pending), (1, 100));

    let all = stage.owner.decisions(&first).await;
    let refusals = all[80..].iter().map(|one| rejected(one, "not of this period")).collect();
    stage.owner.rule(&first, refusals).await.unwrap();
    let ruled = stage.owner.rule_rest(&first, Verdict::Approved).await.unwrap();
    let counts = ruled.counts.unwrap();
    assert_eq!((counts.approved, counts.rejected, counts.pending), (80, 20, 0));
    let first = stage.owner.reject(&first, "ten more, please").await.unwrap();
    assert_eq!(first.state(), VersionState::Rejected);

    let second = stage.tester.revise(&stage.here, build::inputs(100..110)).await.unwrap();
    let counts = second.counts.unwrap();
    assert_eq!((counts.total, counts.carried, counts.approved, counts.pending), (90, 80, 80, 10));
    assert_eq!(second.parent_version_id, first.version_id);
    for (decision, before) in stage.tester.decisions(&second).await.iter().zip(&all[..80]) {
        assert_eq!(decision.source(), RecommendationSource::CarriedForward);
        assert_eq!(decision.state(), DecisionState::Approved);
        assert_eq!(decision.carried_from_version_id, first.version_id);
        assert_eq!(decision.carried_from_decision_id, before.decision_id);
    }

    stage.tester.submit(&second).await.unwrap();
    stage.owner.rule_rest(&second, Verdict::Approved).await.unwrap();
    let second = stage.owner.approve(&second).await.unwrap();
    assert_eq!(second.counts.unwrap().approved, 90);
    assert_eq!(stage.tester.current(&stage.here).await.unwrap(), second);
    assert!(stage.tester.verify(stage.workflow).await.intact);
}

//! What an edit changed is told against the content that it is an edit of.

use signoff_contract::versioning::v1 as wire;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use wire::payload::Kind;

fn edited(name: &str, reason: &str) -> wire::Payload {
    let mut payload = build::attribute(&build::attribute_id(0), reason);
    if let Some(Kind::AttributeDecision(attribute)) = &mut payload.kind {
        name.clone_into(&mut attribute.attribute_name);
    }
    payload
}

/// The draft that renamed the attribute was given up: the next edit did not rename it back.
#[tokio::test]
async fn an_edit_that_was_given_up_is_no_ground_for_the_next_one() {
    let stage = Stage::of(Phase::PLANNING).await;
    let first = stage.approved(1).await;
    let second = stage.tester.revise(&stage.here, Vec::new()).await.unwrap();
    let carried = stage.tester.decisions(&second).await.remove(0);
    let Some(Kind::AttributeDecision(before)) = carried.payload.clone().unwrap().kind else {
        panic!("an attribute")
    };
    let renamed = edited("renamed", &before.decision_reason);
    stage.tester.edit(&second, &carried, renamed, "a better name").await.unwrap();
    stage.tester.delete(&second, "a mistake").await.unwrap();

    let third = stage.tester.revise(&stage.here, Vec::new()).await.unwrap();
    assert_eq!(third.parent_version_id, first.version_id);
    let carried = stage.tester.decisions(&third).await.remove(0);
    let reasoned = edited(&before.attribute_name, "another reason");
    let edit = stage.tester.edit(&third, &carried, reasoned, "a better reason").await.unwrap();
    let Some(Kind::AttributeDecision(after)) = edit.payload.unwrap().kind else {
        panic!("an attribute")
    };
    assert_eq!(after.attribute_name, before.attribute_name);
    let last = after.modification_history.last().unwrap();
    assert_eq!(
        (last.version_number, last.changed_fields.as_slice()),
        (3, &["decision_reason".to_owned()][..])
    );
}

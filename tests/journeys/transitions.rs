//! The lifecycle: in each state of a version, what may happen to it, and what may not.

use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::acts::{Answer, approved, modified};
use signoff_tests::people::request_id;
use signoff_tests::refusals::refusal;
use signoff_tests::{Stage, build};
use signoff_workflow::Phase;
use tonic::Code;
use wire::{Verdict, Version, VersionState};

const PHASE: Phase = Phase::SAMPLE_SELECTION;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Add,
    Edit,
    Remove,
    Describe,
    Submit,
    Withdraw,
    Rule,
    Confirm,
    Approve,
    Reject,
    Delete,
    Revise,
}

use Act::*;

const ACTS: [Act; 12] =
    [Add, Edit, Remove, Describe, Submit, Withdraw, Rule, Confirm, Approve, Reject, Delete, Revise];

/// What may happen in each state. Everything else is refused.
const ALLOWED: [(VersionState, &[Act]); 6] = [
    (VersionState::Draft, &[Add, Edit, Remove, Describe, Submit, Delete]),
    (VersionState::Submitted, &[Withdraw, Rule, Confirm, Approve, Reject]),
    (VersionState::Approved, &[Revise]),
    (VersionState::Rejected, &[Delete, Revise]),
    (VersionState::Superseded, &[Revise]),
    (VersionState::Deleted, &[]),
];

/// A version in a state, with two approved items, or pending ones where nobody could rule yet.
async fn version_in(state: VersionState) -> (Stage, Version) {
    let stage = Stage::samples().await;
    let version = match state {
        VersionState::Draft => stage.draft(2).await,
        VersionState::Submitted => {
            let submitted = stage.submitted(2).await;
            stage.owner.rule_rest(&submitted, Verdict::Approved).await.unwrap()
        }
        VersionState::Approved => stage.approved(2).await,
        VersionState::Rejected => stage.rejected(2).await,
        VersionState::Superseded => {
            let first = stage.approved(2).await;
            stage.next(build::inputs(2..3)).await;
            stage.tester.get(&first).await.unwrap()
        }
        VersionState::Deleted => {
            let draft = stage.draft(2).await;
            stage.tester.delete(&draft, "a mistake").await.unwrap()
        }
        VersionState::Unspecified => unreachable!("no state"),
    };
    assert_eq!(version.state(), state);
    (stage, version)
}

async fn act(stage: &Stage, version: &Version, act: Act) -> Answer<()> {
    let Stage { tester, owner, .. } = stage;
    let first = tester.decisions(version).await.swap_remove(0);
    match act {
        Add => tester.add(version, build::inputs(7..8)).await.map(drop),
        Edit => {
            let payload = build::payload(PHASE, 0, "another");
            tester.edit(version, &first, payload, "better").await.map(drop)
        }
        Remove => tester.remove(version, &[&first], "not needed").await.map(drop),
        Describe => {
            let request = wire::UpdateVersionRequest {
                scope: version.scope.clone(),
                request_id: request_id(),
                version_id: version.version_id.clone(),
                notes: Some("why".to_owned()),
                ..Default::default()
            };
            tester.call(request).await.map(drop)
        }
        Submit => tester.submit(version).await.map(drop),
        Withdraw => tester.withdraw(version).await.map(drop),
        Rule => owner.rule(version, vec![approved(&first)]).await.map(drop),
        Confirm => {
            if version.state() == VersionState::Submitted {
                let change = modified(&first, build::payload(PHASE, 0, "changed"), "typo");
                owner.rule(version, vec![change]).await.unwrap();
            }
            tester.confirm(version, &[&first]).await.map(drop)
        }
        Approve => owner.approve(version).await.map(drop),
        Reject => owner.reject(version, "no").await.map(drop),
        Delete => tester.delete(version, "not needed").await.map(drop),
        Revise => tester.revise_from(version, vec![]).await.map(drop),
    }
}

async fn nothing_else_may_happen(state: VersionState) {
    let (_, allowed) = ALLOWED.iter().find(|(of, _)| *of == state).unwrap();
    let (stage, version) = version_in(state).await;
    let trail = stage.tester.trail_of(stage.workflow).await.len();
    for tried in ACTS.into_iter().filter(|tried| !allowed.contains(tried)) {
        let open = matches!(state, VersionState::Draft | VersionState::Submitted);
        let reason = if tried == Revise && open {
            ErrorReason::VersionAlreadyOpen
        } else {
            ErrorReason::VersionState
        };
        let answer = act(&stage, &version, tried).await;
        assert!(answer.is_err(), "{state:?}, {tried:?}");
        refusal(answer, Code::FailedPrecondition, reason);
    }
    assert_eq!(stage.tester.get(&version).await.unwrap(), version, "a refusal changed it");
    assert_eq!(stage.tester.trail_of(stage.workflow).await.len(), trail);
}

async fn all_of_it_may_happen(state: VersionState) {
    let (_, allowed) = ALLOWED.iter().find(|(of, _)| *of == state).unwrap();
    for tried in *allowed {
        let (stage, version) = version_in(state).await;
        let answer = act(&stage, &version, *tried).await;
        answer.unwrap_or_else(|status| panic!("{state:?}, {tried:?}: {status:?}"));
    }
}

macro_rules! states {
    ($($name:ident: $state:ident,)+) => {
        $(mod $name {
            use super::*;

            #[tokio::test]
            async fn may_become_what_the_lifecycle_says() {
                all_of_it_may_happen(VersionState::$state).await;
            }

            #[tokio::test]
            async fn refuses_everything_else_and_stays_as_it_is() {
                nothing_else_may_happen(VersionState::$state).await;
            }
        })+
    };
}

states! {
    a_draft: Draft,
    a_submitted_version: Submitted,
    an_approved_version: Approved,
    a_rejected_version: Rejected,
    a_superseded_version: Superseded,
    a_deleted_version: Deleted,
}

//! Who may call what, written out by hand; and what data owners see.

use signoff_contract::audit::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::Person;
use signoff_tests::lanes::{LOBS, Lanes, OWNERS};
use signoff_tests::refusals::{reason, refusal};
use signoff_tests::rpc::Sent;
use signoff_workflow::Role;
use tonic::Code;

use crate::calls::{Things, own_methods, request};
use crate::common::not_the_owner;

/// Groups of people.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// Tester, test lead.
    Makers,
    /// A data owner of the lane, and nobody by a role.
    DataOwners,
    /// Members of the workflow, the auditor, services.
    Readers,
    /// The same, and data owners, in their own lanes.
    ReadersAndDataOwners,
    /// The gateway.
    Gateway,
}

const OF_OWNERS: &str = "/signoff.audit.v1.DataOwnerService/";
const OF_CASES: &str = "/signoff.audit.v1.TestCaseService/";
const OF_DOCUMENTS: &str = "/signoff.audit.v1.DocumentService/";
const OF_TESTS: &str = "/signoff.audit.v1.TestExecutionService/";
const OF_PHASES: &str = "/signoff.audit.v1.AuditPhaseService/";
const TRAIL: &str = "/signoff.feed.v1.TrailService/";

const TABLE: [(&str, &str, Who); 37] = [
    (OF_OWNERS, "AssignDataOwner", Who::Makers),
    (OF_OWNERS, "TransferDataOwner", Who::Makers),
    (OF_OWNERS, "DeactivateDataOwner", Who::Makers),
    (OF_OWNERS, "ListAssignments", Who::ReadersAndDataOwners),
    (OF_OWNERS, "GetAssignmentHistory", Who::ReadersAndDataOwners),
    (OF_CASES, "PlanTestCases", Who::Gateway),
    (OF_CASES, "GetTestPlan", Who::Readers),
    (OF_CASES, "ListTestCases", Who::ReadersAndDataOwners),
    (OF_CASES, "GetLane", Who::ReadersAndDataOwners),
    (OF_CASES, "ListLanes", Who::ReadersAndDataOwners),
    (OF_DOCUMENTS, "SubmitDocument", Who::DataOwners),
    (OF_DOCUMENTS, "ReviseDocument", Who::DataOwners),
    (OF_DOCUMENTS, "ReviewDocument", Who::Makers),
    (OF_DOCUMENTS, "ListDocuments", Who::ReadersAndDataOwners),
    (OF_DOCUMENTS, "GetDocumentHistory", Who::ReadersAndDataOwners),
    (OF_TESTS, "StartExecution", Who::Makers),
    (OF_TESTS, "RecordResult", Who::Makers),
    (OF_TESTS, "RequestAction", Who::Makers),
    (OF_TESTS, "RespondToAction", Who::DataOwners),
    (OF_TESTS, "ListExecutions", Who::ReadersAndDataOwners),
    (OF_TESTS, "BatchGetExecutions", Who::Readers),
    (OF_TESTS, "ListActions", Who::ReadersAndDataOwners),
    (OF_PHASES, "GetPhaseStatus", Who::Readers),
    (OF_PHASES, "ListChanges", Who::Readers),
    (OF_PHASES, "RecordChange", Who::Makers),
    (OF_PHASES, "BeginOpen", Who::Gateway),
    (OF_PHASES, "Open", Who::Gateway),
    (OF_PHASES, "Fence", Who::Gateway),
    (OF_PHASES, "Seal", Who::Gateway),
    (OF_PHASES, "ReleaseSeal", Who::Gateway),
    (OF_PHASES, "BeginReopen", Who::Gateway),
    (OF_PHASES, "MarkStale", Who::Gateway),
    (OF_PHASES, "FinishReopen", Who::Gateway),
    (OF_PHASES, "CloseWorkflow", Who::Gateway),
    (TRAIL, "GetTrail", Who::Readers),
    (TRAIL, "VerifyTrail", Who::Readers),
    (TRAIL, "ExportTrail", Who::Readers),
];

fn may(who: Who, role: Role) -> bool {
    match who {
        Who::Makers => matches!(role, Role::Tester | Role::TestLead),
        Who::DataOwners => false,
        Who::Readers | Who::ReadersAndDataOwners => !matches!(role, Role::Admin | Role::Gateway),
        Who::Gateway => role == Role::Gateway,
    }
}

fn path(service: &str, method: &str) -> String {
    format!("{service}{method}")
}

/// Expects that access is given, or not, whatever else is wrong with the request.
async fn expect(person: &Person, sent: &Sent, allowed: bool, told: &str) {
    let answer = person.send(sent).await;
    if allowed {
        let Err(status) = answer else { return };
        let refused = matches!(
            status.code(),
            Code::InvalidArgument | Code::NotFound | Code::FailedPrecondition
        );
        assert!(refused, "{told} {}: {status:?}", sent.method());
    } else {
        let status = answer.err().unwrap_or_else(|| panic!("{told}: {}", sent.method()));
        let expected = (Code::PermissionDenied, "ROLE_MISSING".to_owned());
        assert_eq!((status.code(), reason(&status)), expected, "{told}: {}", sent.method());
    }
}

#[test]
fn the_table_names_every_method() {
    let mut named: Vec<String> =
        TABLE.iter().map(|(service, method, _)| path(service, method)).collect();
    named.sort();
    assert_eq!(named, own_methods());
}

#[tokio::test]
async fn each_role_may_call_what_the_table_says() {
    let lanes = Lanes::planned(1).await;
    for role in Role::ALL {
        let person = lanes.person(10, &[role]).await;
        for (service, method, who) in TABLE {
            let sent = request(&lanes, &path(service, method), &Things::nowhere(LOBS[0]));
            expect(&person, &sent, may(who, role), role.name()).await;
        }
    }
}

#[tokio::test]
async fn a_role_on_another_report_is_none_here() {
    let (lanes, elsewhere) = (Lanes::planned(1).await, Lanes::closed().await);
    for role in Role::ALL {
        let person = elsewhere.person(10, &[role]).await;
        for (service, method, who) in TABLE {
            let here = !role.is_held_on_a_report() && may(who, role);
            let sent = request(&lanes, &path(service, method), &Things::nowhere(LOBS[0]));
            expect(&person, &sent, here, &format!("{} elsewhere", role.name())).await;
        }
    }
}

#[tokio::test]
async fn without_a_role_and_a_lane_nobody_may_anything() {
    let lanes = Lanes::planned(3).await;
    let real = Things::of(&lanes, 0).await;
    let nobody = lanes.person(99, &[]).await;
    for (service, method, _) in TABLE {
        for things in [Things::nowhere(LOBS[0]), real.clone()] {
            let sent = request(&lanes, &path(service, method), &things);
            expect(&nobody, &sent, false, "nobody").await;
            if sent.has("etag") {
                expect(&nobody, &sent.with("etag", "9"), false, "nobody").await;
            }
        }
    }
}

#[tokio::test]
async fn without_a_token_nobody_gets_in() {
    let lanes = Lanes::closed().await;
    let unknown = Person::unknown(lanes.world.channel().await);
    for (service, method, _) in TABLE {
        let sent = request(&lanes, &path(service, method), &Things::nowhere(LOBS[0]));
        let answer = unknown.send(&sent).await;
        assert!(answer.is_err(), "{method}");
        refusal(answer, Code::Unauthenticated, ErrorReason::TokenInvalid);
    }
}

#[tokio::test]
async fn a_data_owner_may_what_concerns_their_own_lane() {
    for (service, method, who) in TABLE {
        let own = matches!(who, Who::DataOwners | Who::ReadersAndDataOwners);
        let lanes = Lanes::planned(3).await;
        let things = Things::of(&lanes, 0).await;
        let sent = request(&lanes, &path(service, method), &things);
        let (owner, other) = (lanes.data_owner(OWNERS[0]).await, lanes.data_owner(OWNERS[1]).await);
        if own && !method.starts_with("List") {
            expect(&other, &sent, false, "the owner of another lane").await;
        }
        if own {
            owner.send(&sent).await.unwrap_or_else(|status| panic!("{method}: {status:?}"));
        } else {
            expect(&owner, &sent, false, "a data owner").await;
        }
    }
}

#[tokio::test]
async fn a_data_owner_of_another_report_is_none_here() {
    let (lanes, elsewhere) = (Lanes::open().await, Lanes::planned(1).await);
    lanes.plan(&Lanes::cases(1)).await.unwrap();
    let owner = lanes.data_owner(OWNERS[0]).await;
    let there = elsewhere.data_owner(OWNERS[0]).await;
    for (service, method, _) in TABLE {
        let sent = request(&lanes, &path(service, method), &Things::nowhere(LOBS[0]));
        expect(&owner, &sent, false, "elsewhere").await;
        expect(&there, &sent, false, "elsewhere").await;
    }
}

#[tokio::test]
async fn lists_show_a_data_owner_their_own_lane_only() {
    let lanes = Lanes::planned(3).await;
    let (mine, theirs) = (Things::of(&lanes, 0).await, Things::of(&lanes, 1).await);
    let owner = lanes.data_owner(OWNERS[0]).await;
    let scope = lanes.whole();
    macro_rules! both {
        ($request:ident, $field:ident, $of:ident) => {{
            let request = || wire::$request { scope: scope.clone(), ..Default::default() };
            let seen = owner.call(request()).await.unwrap().$field;
            let all = lanes.tester.call(request()).await.unwrap().$field;
            let own: Vec<_> = seen.iter().map(|one| one.$of.clone()).collect();
            assert!(!own.is_empty() && own.len() < all.len(), "{}", stringify!($request));
            let narrowed = wire::$request { lob_id: LOBS[1].to_string(), ..request() };
            assert_eq!(owner.call(narrowed).await.unwrap().$field, [], "another lane");
            own
        }};
    }
    let lob = LOBS[0].to_string();
    assert_eq!(both!(ListAssignmentsRequest, assignments, lob_id), std::slice::from_ref(&lob));
    assert_eq!(both!(ListTestCasesRequest, test_cases, lob_id), vec![lob.clone(); 3]);
    assert_eq!(
        both!(ListDocumentsRequest, documents, submission_id),
        std::slice::from_ref(&mine.submission)
    );
    assert_eq!(
        both!(ListExecutionsRequest, executions, execution_id),
        std::slice::from_ref(&mine.execution)
    );
    assert_eq!(both!(ListActionsRequest, actions, action_id), std::slice::from_ref(&mine.action));
    let request = wire::ListLanesRequest { scope: scope.clone(), ..Default::default() };
    let seen = owner.call(request).await.unwrap().lanes;
    assert_eq!(seen.iter().map(|lane| &lane.lob_id).collect::<Vec<_>>(), [&lob]);

    let other = wire::GetLaneRequest { scope: scope.clone(), lob_id: LOBS[1].to_string() };
    not_the_owner(owner.call(other).await);
    let unknown = wire::GetLaneRequest { scope: scope.clone(), lob_id: mine.case.clone() };
    not_the_owner(owner.call(unknown).await);
    let request = wire::ListDocumentsRequest {
        scope: scope.clone(),
        submission_id: theirs.submission.clone(),
        ..Default::default()
    };
    assert_eq!(owner.call(request).await.unwrap().documents, []);
    let request =
        wire::ListActionsRequest { scope, test_case_id: theirs.testable, ..Default::default() };
    assert_eq!(owner.call(request).await.unwrap().actions, []);
}

#[tokio::test]
async fn a_data_owner_of_two_lanes_sees_both_and_one_whose_time_is_over_none() {
    let lanes = Lanes::planned(1).await;
    lanes.assign(LOBS[1], OWNERS[0]).await.unwrap_err();
    let backup = wire::AssignmentType::Backup;
    let request = crate::common::charge(&lanes, LOBS[1], OWNERS[0], backup);
    let beside = crate::common::assign(&lanes, request).await.unwrap();
    let owner = lanes.data_owner(OWNERS[0]).await;
    let request = || wire::ListLanesRequest { scope: lanes.whole(), ..Default::default() };
    assert_eq!(owner.call(request()).await.unwrap().lanes.len(), 2);
    crate::common::deactivate(&lanes, &beside, "").await.unwrap();
    assert_eq!(owner.call(request()).await.unwrap().lanes.len(), 1);
    let first = crate::common::assignments(&lanes, LOBS[0]).await.remove(0);
    lanes.transfer(&first, 201, "").await.unwrap();
    not_the_owner(owner.call(request()).await);
}

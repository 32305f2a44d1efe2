//! Who works on a report, and who did; the lines of business; and that the gateway's own trail fits.

use std::time::{Duration, Instant};

use prost_types::Timestamp;
use secrecy::ExposeSecret as _;
use signoff_contract::feed::v1::Source;
use signoff_contract::gateway::v1 as wire;
use signoff_contract::workflow::v1 as shared;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::house::{ADMIN, AUDITOR, listed};
use signoff_tests::people::request_id;
use signoff_tests::reads::when;
use signoff_tests::refusals::{fields, refusal};
use signoff_tests::wait::until;
use signoff_tests::world::whole;
use signoff_tests::{House, Office, Person, database, world};
use signoff_workflow::{Role, Workflow};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tonic::Code;
use uuid::Uuid;

/// How soon a role that was taken at another replica does not count any more.
const REVOKED_WITHIN: Duration = Duration::from_secs(2);

fn list(workflow: Workflow) -> wire::ListMembersRequest {
    wire::ListMembersRequest { scope: Some(whole(workflow)), ..Default::default() }
}

async fn held(person: &Person, request: wire::ListMembersRequest) -> Vec<(i64, shared::Role)> {
    let found = person.call(request).await.unwrap().members;
    found.iter().map(|of| (of.user_id, of.role())).collect()
}

async fn may_read(person: &Person, workflow: Workflow) -> bool {
    let request = wire::GetWorkflowRequest { scope: Some(whole(workflow)) };
    match person.call(request).await {
        Ok(_) => true,
        Err(status) => {
            assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
            false
        }
    }
}

#[tokio::test]
async fn who_held_which_role_when_and_who_gave_it() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester), (20, Role::ReportOwner)]).await;
    let auditor = house.person(AUDITOR, &[Role::Auditor]).await;
    let first = auditor.call(list(workflow)).await.unwrap().members;
    let then = first[0].given_at;
    house.set_members(workflow, &[(20, Role::ReportOwner), (11, Role::Tester)]).await;

    use shared::Role::{ReportOwner, Tester};
    assert_eq!(held(&auditor, list(workflow)).await, [(20, ReportOwner), (11, Tester)]);
    let at = wire::ListMembersRequest { as_of: then, ..list(workflow) };
    assert_eq!(held(&auditor, at).await, [(10, Tester), (20, ReportOwner)]);
    let (seconds, nanos) = when(then);
    let before = Some(Timestamp { seconds: seconds - 1, nanos });
    let at = wire::ListMembersRequest { as_of: before, ..list(workflow) };
    assert_eq!(held(&auditor, at).await, []);

    let past = wire::ListMembersRequest { include_past: true, ..list(workflow) };
    let all = auditor.call(past.clone()).await.unwrap().members;
    let left = all.iter().find(|of| of.user_id == 10).unwrap();
    assert_eq!((left.given_by, left.ended_by), (ADMIN, ADMIN));
    assert_eq!(left.reason, "the workflow was opened");
    assert_eq!(left.end_reason, "the team changed");
    let came = all.iter().find(|of| of.user_id == 11).unwrap();
    assert_eq!((came.reason.as_str(), came.ended_at), ("the team changed", None));
    assert_eq!(came.given_at, left.ended_at, "at one moment");
    assert_eq!(all.len(), 3, "who stayed was not given the role again");
    // Page by page, the same.
    let mut paged = Vec::new();
    let mut request = wire::ListMembersRequest { page_size: 1, ..past };
    loop {
        let page = auditor.call(request.clone()).await.unwrap();
        paged.extend(page.members);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged, all);
    let both = wire::ListMembersRequest { include_past: true, as_of: then, ..list(workflow) };
    let refused = auditor.call(both).await;
    let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&refused), ["as_of"]);
}

#[tokio::test]
async fn a_role_that_was_taken_stops_counting() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester), (20, Role::ReportOwner)]).await;
    let (elsewhere, shutdown) = house.replica().await;
    let here = house.person(10, &[]).await;
    let channel = world::connect(elsewhere).await;
    let there = Person::with_token(&house.token(10, &[]), channel, 10);
    assert!(may_read(&here, workflow).await && may_read(&there, workflow).await);

    house.set_members(workflow, &[(20, Role::ReportOwner)]).await;
    let taken = Instant::now();
    assert!(!may_read(&here, workflow).await, "at once where it was taken");
    until("the other replica notices", || async {
        let asked = Instant::now();
        let may = may_read(&there, workflow).await;
        assert!(!may || asked.duration_since(taken) < REVOKED_WITHIN, "it still counts");
        (!may).then_some(())
    })
    .await;
    // And one that was given counts where it was given at once.
    house.set_members(workflow, &[(20, Role::ReportOwner), (10, Role::TestLead)]).await;
    assert!(may_read(&here, workflow).await);
    shutdown.cancel();
}

#[tokio::test]
async fn members_are_set_by_who_read_them() {
    let house = House::shared().await;
    let workflow = house.workflow(&[(10, Role::Tester)]).await;
    let admin = house.admin().await;
    let set = |members: &[(i64, Role)], etag: &str| wire::SetMembersRequest {
        scope: Some(whole(workflow)),
        members: listed(members),
        reason: "the team changed".to_owned(),
        request_id: request_id(),
        etag: etag.to_owned(),
    };
    let read = wire::GetWorkflowRequest { scope: Some(whole(workflow)) };
    let etag = admin.call(read).await.unwrap().workflow.unwrap().etag;
    let request = set(&[(11, Role::Tester)], &etag);
    let first = admin.call(request.clone()).await.unwrap();
    assert_eq!(admin.call(request.clone()).await.unwrap(), first);
    let late = admin.call(set(&[(12, Role::Tester)], &etag)).await;
    refusal(late, Code::Aborted, ErrorReason::EtagMismatch);
    let other = wire::SetMembersRequest { reason: "another".to_owned(), ..request };
    refusal(admin.call(other).await, Code::InvalidArgument, ErrorReason::RequestIdReused);
    let bad = set(&[(11, Role::Tester), (11, Role::Tester), (0, Role::Admin)], "");
    let refused = admin.call(bad).await;
    let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&refused), ["members[1]", "members[2].user_id", "members[2].role"]);
}

#[tokio::test]
async fn lines_of_business_retire_and_stay_readable() {
    // The lines of business are the house's: no other test may set them meanwhile.
    let house = House::new().await;
    let admin = house.admin().await;
    let lob = |number: u128, name: &str| wire::Lob {
        lob_id: Uuid::from_u128(number).to_string(),
        name: name.to_owned(),
        retired: false,
    };
    let set = |lobs: Vec<wire::Lob>| wire::SetLobsRequest {
        lobs,
        reason: "as of this year".to_owned(),
        request_id: request_id(),
    };
    admin.call(set(vec![lob(1, "Cards"), lob(2, "Mortgages")])).await.unwrap();
    let request = set(vec![lob(2, "Home loans"), lob(3, "Retail")]);
    let answer = admin.call(request.clone()).await.unwrap();
    assert_eq!(admin.call(request).await.unwrap(), answer);
    // Anybody reads them.
    let somebody = house.person(555, &[]).await;
    let list = wire::ListLobsRequest::default();
    let current = somebody.call(list.clone()).await.unwrap().lobs;
    assert_eq!(current, [lob(2, "Home loans"), lob(3, "Retail")]);
    let all = wire::ListLobsRequest { include_retired: true, ..list };
    let all = somebody.call(all).await.unwrap().lobs;
    assert_eq!(all[0], wire::Lob { retired: true, ..lob(1, "Cards") });
    assert_eq!(all.len(), 3);
    let refused = somebody.call(set(vec![])).await;
    refusal(refused, Code::PermissionDenied, ErrorReason::RoleMissing);
    let twice = admin.call(set(vec![lob(1, "Cards"), lob(1, "Cards")])).await;
    let twice = refusal(twice, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&twice), ["lobs[1].lob_id"]);
    admin.call(set(vec![lob(1, "Cards")])).await.unwrap();
    let current = somebody.call(wire::ListLobsRequest::default()).await.unwrap().lobs;
    assert_eq!(current, [lob(1, "Cards")], "one that retired can come back");
}

#[tokio::test]
async fn a_member_sees_their_own_workflows_and_an_auditor_all() {
    let house = House::shared().await;
    let mine = house.workflow(&[(610, Role::Tester)]).await;
    let also_mine = house.workflow(&[(610, Role::TestLead), (611, Role::Tester)]).await;
    let was_mine = house.workflow(&[(610, Role::Tester)]).await;
    house.set_members(was_mine, &[(611, Role::Tester)]).await;
    let faulty = wire::ListWorkflowsRequest {
        cycle_id: "x".to_owned(),
        page_size: -1,
        page_token: "x".to_owned(),
        ..Default::default()
    };
    let refused = house.admin().await.call(faulty).await;
    let refused = refusal(refused, Code::InvalidArgument, ErrorReason::ValidationFailed);
    assert_eq!(fields(&refused), ["cycle_id", "page_size", "page_token"]);
    let see = async |person: &Person, request: wire::ListWorkflowsRequest| -> Vec<String> {
        let found = person.call(request).await.unwrap().workflows;
        found.into_iter().map(|of| of.cycle_id).collect()
    };
    let all = wire::ListWorkflowsRequest::default();
    let member = house.person(610, &[]).await;
    let newest_first = [also_mine.cycle_id.to_string(), mine.cycle_id.to_string()];
    assert_eq!(see(&member, all.clone()).await, newest_first);
    assert_eq!(see(&house.person(612, &[]).await, all.clone()).await, [""; 0]);
    let of_cycle = wire::ListWorkflowsRequest { cycle_id: newest_first[1].clone(), ..all.clone() };
    assert_eq!(see(&member, of_cycle).await, newest_first[1..]);
    let cycle_id = was_mine.cycle_id.to_string();
    let gone = wire::ListWorkflowsRequest { cycle_id: cycle_id.clone(), ..all };
    assert_eq!(see(&member, gone.clone()).await, [""; 0]);
    for (user_id, role) in [(AUDITOR, Role::Auditor), (ADMIN, Role::Admin)] {
        let person = house.person(user_id, &[role]).await;
        assert_eq!(see(&person, gone.clone()).await, [cycle_id.as_str()]);
    }
}

#[tokio::test]
async fn a_workflow_is_opened_once_and_is_known_to_nobody_before() {
    let house = House::shared().await;
    let workflow = world::workflow();
    let admin = house.admin().await;
    let read = wire::GetWorkflowRequest { scope: Some(whole(workflow)) };
    refusal(admin.call(read).await, Code::NotFound, ErrorReason::NotFound);
    let request = wire::OpenWorkflowRequest {
        scope: Some(whole(workflow)),
        cycle_name: "2026 Q4".to_owned(),
        report_name: "FR Y-14M".to_owned(),
        members: listed(&[(10, Role::Tester)]),
        request_id: request_id(),
    };
    let first = admin.call(request.clone()).await.unwrap();
    assert_eq!(admin.call(request.clone()).await.unwrap(), first);
    let again = wire::OpenWorkflowRequest { request_id: request_id(), ..request };
    let again = admin.call(again).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    assert!(may_read(&house.person(10, &[]).await, workflow).await);
}

/// What is done to the gateway's rows behind everybody's back.
const DEEDS: [&str; 11] = [
    "update members set given_by = 66 where number = 3",
    "update members set reason = 'another' where number = 3",
    "update members set given_at = given_at - interval '1 day' where number = 3",
    "update members set ended_by = 66 where number = 1",
    "update members set role = 'test_lead' where number = 1",
    "update members set user_id = 66 where number = 2",
    "insert into members select cycle_id, report_id, 9, 66, role, given_at, given_by, reason
        from members where number = 1 and cycle_id = $1 and report_id = $2 and true",
    "update members set ended_at = null, ended_by = null, end_reason = null where number = 1",
    "delete from members where number = 2",
    "update workflows set report_name = 'another' where true",
    "insert into closed_workflows (cycle_id, report_id, closed_at, closed_by, reason)
        values ($1, $2, now(), 66, 'it is over')",
];

#[tokio::test]
async fn who_alters_the_members_in_the_database_is_found_out() {
    let house = House::new().await;
    for deed in DEEDS {
        let office = Office::of(&house).await;
        house.set_members(office.workflow, &[(12, Role::TestLead), (40, Role::Tester)]).await;
        let before = office.verify(Source::Gateway).await;
        assert!(before.intact, "{:?}", before.first_damaged);
        assert_eq!(before.records, 2);
        assert_eq!(behind_everybodys_back(&house, office.workflow, deed).await, 1, "{deed}");
        // Asked of an auditor: whoever is a member now may be somebody else.
        let auditor = house.person(AUDITOR, &[Role::Auditor]).await;
        let request = signoff_contract::feed::v1::VerifyTrailRequest {
            scope: Some(whole(office.workflow)),
            source: Source::Gateway.into(),
            ..Default::default()
        };
        let found = auditor.call(request).await.unwrap();
        assert!(!found.intact, "{deed}");
        assert!(found.first_damaged.unwrap().sequence > 0, "{deed}");
    }
}

/// Changes rows of a workflow in the gateway's database, no trigger asked.
async fn behind_everybodys_back(house: &House, workflow: Workflow, deed: &str) -> u64 {
    let url = database::cluster().await.admin_url();
    let (server, _) = url.expose_secret().rsplit_once('/').unwrap();
    let (_, name) = house.urls.owner.expose_secret().rsplit_once('/').unwrap();
    let mut superuser = PgConnection::connect(&format!("{server}/{name}")).await.unwrap();
    let mut transaction = superuser.begin().await.unwrap();
    sqlx::query("set local session_replication_role = replica")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let sql = match deed.contains("$1") {
        true => deed.to_owned(),
        false => format!("{deed} and cycle_id = $1 and report_id = $2"),
    };
    let done = sqlx::query(AssertSqlSafe(sql))
        .bind(workflow.cycle_id)
        .bind(workflow.report_id)
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    superuser.close().await.unwrap();
    done.rows_affected()
}

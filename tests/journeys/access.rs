//! Who may call what: every method, role and phase, written out by hand.

use std::time::Duration;

use prost::Message as _;
use signoff_chassis::identity::{Claims, SigningKey, TokenClaims};
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_tests::people::scope;
use signoff_tests::refusals::{reason, refusal};
use signoff_tests::rpc::{Sent, versioning_methods};
use signoff_tests::world::{self, whole};
use signoff_tests::{Person, Stage};
use signoff_workflow::{Phase, Role};
use tonic::Code;
use uuid::Uuid;

/// Groups of people.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    /// Tester, test lead: create, revise, edit, import, remove, submit, withdraw, delete, confirm.
    Makers,
    /// And report owners where they may add samples of their own.
    MakersAndSampleOwners,
    /// Whoever approves in the phase.
    Approver,
    /// And testers, for samples that a report owner added.
    ApproverAndMakers,
    /// Members of the workflow, the auditor, services.
    Readers,
    /// Services and the gateway.
    Locators,
    /// The gateway.
    Gateway,
    /// Services.
    Followers,
    /// Whoever may sign the final report.
    Signers,
    /// Test lead and report owner: remedies of observations.
    Remedies,
}

const VERSIONING: &str = "/signoff.versioning.v1.VersioningService/";
const SIGN_OFFS: &str = "/signoff.versioning.v1.SignOffService/";
const FEED: &str = "/signoff.feed.v1.FeedService/";
const TRAIL: &str = "/signoff.feed.v1.TrailService/";

const TABLE: [(&str, &str, Who); 44] = [
    (VERSIONING, "CreateVersion", Who::Makers),
    (VERSIONING, "ReviseVersion", Who::Makers),
    (VERSIONING, "AddDecisions", Who::MakersAndSampleOwners),
    (VERSIONING, "ImportDecisions", Who::Makers),
    (VERSIONING, "ExportDecisions", Who::Readers),
    (VERSIONING, "UpdateDecision", Who::Makers),
    (VERSIONING, "RemoveDecisions", Who::Makers),
    (VERSIONING, "UpdateVersion", Who::Makers),
    (VERSIONING, "SubmitVersion", Who::Makers),
    (VERSIONING, "WithdrawVersion", Who::Makers),
    (VERSIONING, "ReviewDecisions", Who::ApproverAndMakers),
    (VERSIONING, "ConfirmModifications", Who::Makers),
    (VERSIONING, "ApproveVersion", Who::Approver),
    (VERSIONING, "RejectVersion", Who::Approver),
    (VERSIONING, "DeleteVersion", Who::Makers),
    (VERSIONING, "GetVersion", Who::Readers),
    (VERSIONING, "GetCurrentVersion", Who::Readers),
    (VERSIONING, "ListVersions", Who::Readers),
    (VERSIONING, "ListDecisions", Who::Readers),
    (VERSIONING, "GetLineage", Who::Readers),
    (VERSIONING, "CompareVersions", Who::Readers),
    (VERSIONING, "ListArtifacts", Who::Readers),
    (VERSIONING, "LocateVersion", Who::Locators),
    (VERSIONING, "GetPhaseStatus", Who::Readers),
    (VERSIONING, "BeginOpen", Who::Gateway),
    (VERSIONING, "Open", Who::Gateway),
    (VERSIONING, "Fence", Who::Gateway),
    (VERSIONING, "Seal", Who::Gateway),
    (VERSIONING, "ReleaseSeal", Who::Gateway),
    (VERSIONING, "UpdateRemediation", Who::Remedies),
    (VERSIONING, "AttachFinalDocument", Who::Makers),
    (SIGN_OFFS, "RequestSignOffs", Who::Makers),
    (SIGN_OFFS, "Sign", Who::Signers),
    (SIGN_OFFS, "Decline", Who::Signers),
    (SIGN_OFFS, "Delegate", Who::Signers),
    (SIGN_OFFS, "ListSignOffs", Who::Readers),
    (VERSIONING, "BeginReopen", Who::Gateway),
    (VERSIONING, "MarkStale", Who::Gateway),
    (VERSIONING, "FinishReopen", Who::Gateway),
    (VERSIONING, "CloseWorkflow", Who::Gateway),
    (FEED, "Subscribe", Who::Followers),
    (TRAIL, "GetTrail", Who::Readers),
    (TRAIL, "VerifyTrail", Who::Readers),
    (TRAIL, "ExportTrail", Who::Readers),
];

const PHASES: [Phase; 6] = [
    Phase::PLANNING,
    Phase::DATA_PROFILING,
    Phase::SCOPING,
    Phase::SAMPLE_SELECTION,
    Phase::OBSERVATION_MANAGEMENT,
    Phase::FINALIZE_TEST_REPORT,
];

fn may(who: Who, role: Role, phase: Phase) -> bool {
    let maker = matches!(role, Role::Tester | Role::TestLead);
    let approver = match phase {
        Phase::PLANNING => maker,
        // The report owner approves a report that does without the executive.
        Phase::FINALIZE_TEST_REPORT => matches!(role, Role::ReportOwner | Role::TestExecutive),
        _ => role == Role::ReportOwner,
    };
    match who {
        Who::Makers => maker,
        Who::MakersAndSampleOwners => maker || approver && phase == Phase::SAMPLE_SELECTION,
        Who::Approver => approver,
        Who::ApproverAndMakers => approver || maker,
        Who::Readers => !matches!(role, Role::Admin | Role::Gateway),
        Who::Locators => matches!(role, Role::Service | Role::Gateway),
        Who::Gateway => role == Role::Gateway,
        Who::Followers => role == Role::Service,
        Who::Signers => {
            matches!(role, Role::TestLead | Role::ReportOwner | Role::TestExecutive)
        }
        Who::Remedies => matches!(role, Role::TestLead | Role::ReportOwner),
    }
}

/// A request that says what it is about, and nothing else: nothing comes of it.
fn bare(stage: &Stage, service: &str, method: &str) -> Sent {
    let bytes = match method {
        "LocateVersion" => {
            wire::LocateVersionRequest { version_id: Uuid::now_v7().to_string() }.encode_to_vec()
        }
        // It is about no workflow.
        "Subscribe" => Vec::new(),
        "CloseWorkflow" | "ExportTrail" | "VerifyTrail" => {
            wire::GetCurrentVersionRequest { scope: Some(whole(stage.workflow)) }.encode_to_vec()
        }
        _ => wire::GetCurrentVersionRequest { scope: Some(stage.here.clone()) }.encode_to_vec(),
    };
    Sent { path: format!("{service}{method}"), bytes }
}

/// Expects that access is given, or not, whatever else is wrong with the request.
async fn expect(person: &Person, sent: &Sent, allowed: bool, told: &str) {
    // A feed has no end.
    let answer = person.first_answer(sent).await;
    if allowed {
        let Err(status) = answer else { return };
        let code = status.code();
        let refused = matches!(code, Code::InvalidArgument | Code::NotFound);
        assert!(refused, "{told} {}: {status:?}", sent.method());
    } else {
        let status = answer.expect_err(told);
        let expected = (Code::PermissionDenied, "ROLE_MISSING".to_owned());
        assert_eq!((status.code(), reason(&status)), expected, "{told}: {}", sent.method());
    }
}

#[test]
fn the_table_names_every_method() {
    let mut named: Vec<String> =
        TABLE.iter().map(|(service, method, _)| format!("{service}{method}")).collect();
    named.sort();
    assert_eq!(named, versioning_methods());
}

#[tokio::test]
async fn each_role_may_call_what_the_table_says() {
    for phase in PHASES {
        let stage = Stage::closed(phase).await;
        for role in Role::ALL {
            let person = stage.person(10, &[role]);
            for (service, method, who) in TABLE {
                let told = format!("{} in phase {}", role.name(), phase.number());
                let sent = bare(&stage, service, method);
                expect(&person, &sent, may(who, role, phase), &told).await;
            }
        }
    }
}

#[tokio::test]
async fn a_role_on_another_report_is_none_here() {
    let (stage, elsewhere) = (Stage::samples().await, Stage::samples().await);
    for role in Role::ALL {
        let person = elsewhere.person(10, &[role]);
        for (service, method, who) in TABLE {
            let here = !role.is_held_on_a_report() && may(who, role, stage.phase);
            let told = format!("{} of another report", role.name());
            expect(&person, &bare(&stage, service, method), here, &told).await;
        }
    }
}

#[tokio::test]
async fn a_role_in_another_cycle_of_the_same_report_is_none_here() {
    let stage = Stage::samples().await;
    let workflow = signoff_workflow::Workflow { cycle_id: Uuid::now_v7(), ..stage.workflow };
    let person = stage.world.person(10, workflow, &[Role::Tester]).await;
    for (service, method, _) in TABLE {
        expect(&person, &bare(&stage, service, method), false, "another cycle's tester").await;
    }
}

#[tokio::test]
async fn without_a_role_nobody_may_anything() {
    let stage = Stage::samples().await;
    let person = stage.person(10, &[]);
    for (service, method, _) in TABLE {
        expect(&person, &bare(&stage, service, method), false, "nobody").await;
    }
}

/// The claims of a good assertion for a tester's call.
fn right(stage: &Stage, sent: &Sent) -> Claims {
    let claims = Claims::new(10, "user-10", Duration::from_secs(30)).calling(&sent.path);
    match sent.method() {
        "LocateVersion" => claims,
        "Subscribe" => claims.with_roles([Role::Service]),
        "CloseWorkflow" | "ExportTrail" | "VerifyTrail" => {
            claims.on(stage.workflow).with_roles([Role::Tester])
        }
        _ => {
            let claims = claims.on(stage.workflow).with_roles([Role::Tester]);
            Claims { phase: Some(stage.phase.number()), ..claims }
        }
    }
}

/// Calls with a token, and expects that it is not believed.
async fn expect_unbelieved(stage: &Stage, token: &str, sent: &Sent, what: &str) {
    let person = Person::with_token(token, stage.world.channel().await, 10);
    let answer = person.first_answer(sent).await;
    assert!(answer.is_err(), "{what}: {}", sent.method());
    refusal(answer, Code::Unauthenticated, ErrorReason::TokenInvalid);
}

#[tokio::test]
async fn without_an_assertion_for_the_very_call_nobody_gets_in() {
    let stage = Stage::samples().await;
    let foreign = SigningKey::generate().unwrap();
    for (service, method, _) in TABLE {
        let sent = bare(&stage, service, method);
        let right = || right(&stage, &sent);
        let now = right().iat;
        let text = |text: &str| text.to_owned();
        let mut wrong = vec![
            ("another audience", Claims { aud: text("signoff"), ..right() }),
            ("another issuer", Claims { iss: text("somebody"), ..right() }),
            ("expired", Claims { exp: now - 3600, ..right() }),
            ("for longer than a call takes", Claims { exp: now + 300, ..right() }),
            ("for any call", Claims { method: None, ..right() }),
            ("for another call", Claims { method: Some(text("/a.B/C")), ..right() }),
            ("for another workflow", right().on(world::workflow())),
        ];
        if right().cycle_id.is_some() {
            let phase = if right().phase.is_some() { None } else { Some(1) };
            wrong.push(("for another phase", Claims { phase, ..right() }));
        }
        // Whoever may not do a thing may not have it looked at, either.
        if !matches!(method, "LocateVersion" | "Subscribe") {
            wrong.push((
                "for no workflow",
                Claims {
                    cycle_id: None,
                    report_id: None,
                    phase: None,
                    report_roles: vec![],
                    ..right()
                },
            ));
        }
        for (what, claims) in wrong {
            let token = stage.world.key.sign(&claims).unwrap();
            expect_unbelieved(&stage, &token, &sent, what).await;
        }
        expect_unbelieved(&stage, &foreign.sign(&right()).unwrap(), &sent, "a foreign key").await;
        expect_unbelieved(&stage, "a.b.c", &sent, "nonsense").await;
        let answer = stage.unknown().first_answer(&sent).await;
        refusal(answer, Code::Unauthenticated, ErrorReason::TokenInvalid);
        // All else was right.
        let token = stage.world.key.sign(&right()).unwrap();
        let person = Person::with_token(&token, stage.world.channel().await, 10);
        let code = person.first_answer(&sent).await.err().map(|status| status.code());
        assert_ne!(code, Some(Code::Unauthenticated), "{method}");
    }
}

#[tokio::test]
async fn with_a_token_of_ones_own_services_read_and_nobody_changes_anything() {
    let stage = Stage::samples().await;
    let token = |claims: TokenClaims| stage.world.key.sign_token(&claims).unwrap();
    let own = |roles: &[Role]| {
        let claims = TokenClaims::new(50, "feed", Duration::from_secs(3600));
        claims.with_roles(roles.iter().copied())
    };
    let service = token(own(&[Role::Service]));
    let everybody_else = token(own(&[Role::Admin, Role::Auditor, Role::Gateway, Role::Tester]));
    let elsewhere = token(own(&[Role::Service]).on(world::workflow()));
    let channel = stage.world.channel().await;
    for (service_name, method, who) in TABLE {
        let sent = bare(&stage, service_name, method);
        if matches!(who, Who::Readers | Who::Locators | Who::Followers) {
            let reader = Person::with_token(&service, channel.clone(), 50);
            expect(&reader, &sent, true, "a service").await;
        } else {
            expect_unbelieved(&stage, &service, &sent, "a service that changes something").await;
        }
        expect_unbelieved(&stage, &everybody_else, &sent, "a person").await;
        expect_unbelieved(&stage, &elsewhere, &sent, "a service elsewhere").await;
    }
}

#[tokio::test]
async fn raw_user_headers_are_never_trusted() {
    let stage = Stage::samples().await;
    let mut client = stage.unknown().versioning;
    let mut request =
        tonic::Request::new(wire::GetCurrentVersionRequest { scope: Some(stage.here.clone()) });
    for header in ["x-user-id", "signoff-uid", "x-forwarded-user"] {
        request.metadata_mut().insert(header, "10".parse().unwrap());
    }
    let answer = client.get_current_version(request).await.map(drop);
    refusal(answer, Code::Unauthenticated, ErrorReason::TokenInvalid);
}

#[tokio::test]
async fn access_is_checked_before_fields_and_ids() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    for version_id in [draft.version_id.as_str(), "nonsense", ""] {
        let request = wire::ApproveVersionRequest {
            scope: Some(stage.here.clone()),
            version_id: version_id.to_owned(),
            ..Default::default()
        };
        let answer = stage.tester.call(request).await;
        refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
}

#[tokio::test]
async fn a_version_is_located_for_services_only() {
    let stage = Stage::samples().await;
    let draft = stage.draft(1).await;
    let request = wire::LocateVersionRequest { version_id: draft.version_id.clone() };
    let service = stage.person(50, &[Role::Service]);
    for person in [&service, &stage.gateway] {
        let found = person.call(request.clone()).await.unwrap().scope.unwrap();
        assert_eq!(found, scope(stage.workflow, stage.phase));
    }
    let answer = stage.tester.call(request).await;
    refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
    let nowhere = wire::LocateVersionRequest { version_id: Uuid::now_v7().to_string() };
    refusal(service.call(nowhere).await, Code::NotFound, ErrorReason::NotFound);
    let nonsense = wire::LocateVersionRequest { version_id: "x".to_owned() };
    refusal(service.call(nonsense).await, Code::InvalidArgument, ErrorReason::ValidationFailed);
}

#[tokio::test]
async fn another_report_of_the_same_people_is_another_workflow() {
    let one = Stage::samples().await;
    let other = world::workflow();
    let person = one.world.person(10, other, &[Role::Tester]).await;
    let answer = person.get(&one.draft(1).await).await;
    refusal(answer, Code::PermissionDenied, ErrorReason::RoleMissing);
}

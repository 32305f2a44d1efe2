//! A tenth phase is one row of the phase table and a payload: it lives its whole life on the same
//! tables, through the same engine.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use signoff_backend::{Actor, Answer, Backend as _, Fault, Keeper as _, Order};
use signoff_contract::feed::v1::VerifyTrailRequest;
use signoff_ledger::gates::{Foundation, Gate};
use signoff_ledger::{Ledger, PoolOptions, QueueOptions, RequestKey, Source as Chain};
use signoff_tests::world::whole;
use signoff_tests::{World, integrity, world};
use signoff_versioning::commands::{
    AddDecisions, Change, ConfirmModifications, CreateVersion, Engine, Remaining, ReviewDecisions,
    ReviseVersion, UpdateDecision,
};
use signoff_versioning::domain::decision::{Cursor, Decision, Filter};
use signoff_versioning::domain::error::Error;
use signoff_versioning::domain::item::{self, Opinion, Recommendation, Replacement};
use signoff_versioning::domain::payload::{
    Check, Content, Fields, NamedKey, PayloadBody, PayloadRegistry, PayloadSpec,
};
use signoff_versioning::domain::states::{Source, Standing, Verdict, VersionState};
use signoff_versioning::domain::version::Version;
use signoff_versioning::store::{artifacts, compare, decisions, pages, versions};
use signoff_workflow::{Phase, PhaseRow, PhaseTable, Role, Scope, VersioningType, Workflow};
use uuid::Uuid;

const LESSONS: Phase = Phase::new(10);

/// The row.
const ROW: PhaseRow = PhaseRow {
    phase: LESSONS,
    slug: "lessons_learned",
    display_name: "Lessons Learned",
    aliases: &["Retrospective"],
    kind: VersioningType::Full,
    rests_on: &[Phase::PLANNING],
    fed_by: &[],
    approver: Some(Role::TestLead),
    self_approval: false,
    approver_contributes: false,
    items_while_submitted: false,
    sign_offs: &[],
    approver_if_waived: None,
    seals_unopened: false,
    payload: Some("lesson"),
    artifact_type: Some("lessons"),
};

/// The payload.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lesson {
    title: String,
    cost_in_days: i32,
}

impl PayloadBody for Lesson {
    const KIND: &'static str = "lesson";
    const SCHEMA: i16 = 1;

    fn check(&self, check: &mut Check<'_>) {
        check.required_text("title", &self.title, 80);
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Text { field: "title", text: &self.title }
    }

    fn counted(&self) -> bool {
        self.cost_in_days > 0
    }

    fn into_body(self) -> Value {
        let fields = Fields::new().text("title", self.title);
        fields.integer("cost_in_days", self.cost_in_days).into_body()
    }
}

/// An answer that nobody asks for again.
struct Once<T>(T);

impl<T: Send> Answer for Once<T> {
    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn from_bytes(_: &[u8]) -> Result<Self, Fault> {
        Err(Fault::Internal("asked for again".to_owned()))
    }
}

/// An engine that knows ten phases, and one workflow.
struct Studio {
    engine: Engine,
    workflow: Workflow,
}

impl Studio {
    async fn of(world: &World) -> Self {
        let options = PoolOptions::default();
        let pool = signoff_ledger::connect(&world.urls.service, options).await.unwrap();
        let ledger = Ledger::new(pool, Chain::Versioning, QueueOptions::default());
        let mut rows = PhaseTable::standard().rows().to_vec();
        rows.push(ROW);
        let payloads = PayloadRegistry::standard().with(PayloadSpec::of::<Lesson>());
        let served = [Phase::PLANNING, LESSONS];
        let engine = Engine::new(
            ledger,
            options.instance,
            PhaseTable::new(rows).unwrap(),
            payloads,
            &served,
        );
        Self { engine, workflow: world::workflow() }
    }

    fn row(&self, phase: Phase) -> PhaseRow {
        self.engine.row(phase).unwrap().clone()
    }

    fn scope(&self, phase: Phase) -> Scope {
        Scope { workflow: self.workflow, phase }
    }

    fn content(&self, phase: Phase, key: &str, body: Value) -> Content {
        let kind = self.row(phase).payload.unwrap();
        self.engine.payloads().content(kind, 1, key.to_owned(), body).unwrap()
    }

    fn lesson(&self, title: &str, cost_in_days: i32) -> Recommendation {
        let body = json!({"title": title, "cost_in_days": cost_in_days});
        let content = self.content(LESSONS, title, body);
        Recommendation { content, source: Source::Manual, reason: None, metadata: None }
    }

    fn replacement(&self, title: &str, cost_in_days: i32) -> Replacement {
        Replacement { content: self.lesson(title, cost_in_days).content, names_item: true }
    }

    /// Somebody does something in a phase.
    async fn act<T: Send + 'static>(
        &self,
        phase: Phase,
        (user_id, role): (i64, Role),
        act: impl for<'a> FnOnce(&'a mut Change) -> BoxFuture<'a, Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let actor = Actor {
            user_id,
            subject: format!("user-{user_id}"),
            acting_service: None,
            roles: vec![role],
            by_role: true,
        };
        let method = "/a.test/Method".to_owned();
        let request_id = Uuid::new_v4();
        let key = RequestKey { request_id, method, caller: user_id, content_hash: [0; 32] };
        let order = Order { scope: self.scope(phase), actor, key };
        let done = self.engine.change(order, move |change| {
            let acted = act(change);
            Box::pin(async move { acted.await.map(Once) })
        });
        done.await.map(|Once(answer)| answer)
    }

    async fn decisions(&self, version: &Version) -> Vec<Decision> {
        let mut conn = self.engine.pool().acquire().await.unwrap();
        let (filter, cursor) = (Filter::default(), Cursor::Item(0));
        pages::page(&mut conn, version, &filter, &cursor, 100).await.unwrap()
    }
}

const GATEWAY: (i64, Role) = (1, Role::Gateway);
const TESTER: (i64, Role) = (10, Role::Tester);
const LEAD: (i64, Role) = (12, Role::TestLead);

fn opinion(verdict: Verdict) -> Opinion {
    Opinion { verdict, notes: None, change: None, accepted_without_finding: false }
}

fn id(decision: &Decision) -> Uuid {
    decision.id.to_uuid()
}

async fn begin_open(studio: &Studio, phase: Phase) -> i64 {
    let begun = studio.act(phase, GATEWAY, |change| {
        Box::pin(async move { Ok(change.as_mut().begin_open(false).await?) })
    });
    begun.await.unwrap()
}

async fn finish_open(
    studio: &Studio,
    phase: Phase,
    attempt: i64,
    rests_on: Vec<Foundation>,
) -> Gate {
    let opened = studio.act(phase, GATEWAY, move |change| {
        Box::pin(async move { Ok(change.as_mut().open(attempt, rests_on).await?) })
    });
    opened.await.unwrap()
}

/// Planning, approved: what the tenth phase rests on.
async fn plan(studio: &Studio) {
    let phase = Phase::PLANNING;
    let attempt = begin_open(studio, phase).await;
    finish_open(studio, phase, attempt, Vec::new()).await;
    let key = Uuid::new_v4().to_string();
    let body = json!({"attribute_id": key, "attribute_name": "Credit limit", "is_key": false,
        "decision_type": "include"});
    let content = studio.content(phase, &key, body);
    let item = Recommendation { content, source: Source::Llm, reason: None, metadata: None };
    let input = CreateVersion { notes: None, metadata: None, phase_data: None, items: vec![item] };
    let draft = studio
        .act(phase, TESTER, move |change| Box::pin(change.create_version(input)))
        .await
        .unwrap();
    submit_and_approve(studio, phase, &draft).await;
}

/// Submits, approves what is pending, and approves.
async fn submit_and_approve(studio: &Studio, phase: Phase, draft: &Version) -> Version {
    let version_id = draft.version_id;
    studio
        .act(phase, TESTER, move |change| Box::pin(change.submit_version(version_id, None, None)))
        .await
        .unwrap();
    let review = ReviewDecisions {
        version_id,
        etag: None,
        reviews: Vec::new(),
        remaining: Some(Remaining { opinion: opinion(Verdict::Approved) }),
    };
    studio.act(phase, LEAD, move |change| Box::pin(change.review_decisions(review))).await.unwrap();
    studio
        .act(phase, LEAD, move |change| Box::pin(change.approve_version(version_id, None, None)))
        .await
        .unwrap()
}

/// Opens the gate as every gate is opened: what it rests on is sealed first.
async fn open(studio: &Studio) {
    let refused = studio
        .act(LESSONS, TESTER, |change| {
            let input =
                CreateVersion { notes: None, metadata: None, phase_data: None, items: Vec::new() };
            Box::pin(change.create_version(input))
        })
        .await;
    assert!(matches!(refused, Err(Error::Fault(Fault::PhaseClosed { .. }))), "{refused:?}");
    let attempt = begin_open(studio, LESSONS).await;
    let (engine, planning, holder) =
        (studio.engine.clone(), studio.row(Phase::PLANNING), studio.row(LESSONS));
    let sealed = studio
        .act(Phase::PLANNING, GATEWAY, move |change| {
            Box::pin(async move {
                change.as_mut().seal(&engine, &[planning], &holder, attempt, &[]).await
            })
        })
        .await
        .unwrap();
    assert_eq!(sealed.rests_on.len(), 1);
    let gate = finish_open(studio, LESSONS, attempt, sealed.rests_on).await;
    assert!(gate.opened.is_some());
}

/// Version 1: drafted, edited, reviewed in every way, and rejected.
async fn first_version(studio: &Studio) -> Version {
    let items = vec![studio.lesson("Ask earlier", 3), studio.lesson("Write it down", 1)];
    let input = CreateVersion { notes: None, metadata: None, phase_data: None, items };
    let draft = studio
        .act(LESSONS, TESTER, move |change| Box::pin(change.create_version(input)))
        .await
        .unwrap();
    let version_id = draft.version_id;
    let items = vec![studio.lesson("Test less", 0)];
    let input = AddDecisions { version_id, etag: None, items };
    let (_, ids) = studio
        .act(LESSONS, TESTER, move |change| Box::pin(change.add_decisions(input)))
        .await
        .unwrap();
    let input = UpdateDecision {
        version_id,
        etag: None,
        decision_id: ids[0].to_uuid(),
        replacement: studio.replacement("Test less", 9),
        reason: Some("it costs something".to_owned()),
    };
    studio
        .act(LESSONS, TESTER, move |change| Box::pin(change.update_decision(input)))
        .await
        .unwrap();
    studio
        .act(LESSONS, TESTER, move |change| Box::pin(change.submit_version(version_id, None, None)))
        .await
        .unwrap();
    let listed = studio.decisions(&draft).await;
    let change = item::Change {
        replacement: studio.replacement("Write it down", 2),
        reason: "twice".to_owned(),
    };
    let modified = Opinion { change: Some(change), ..opinion(Verdict::Modified) };
    let reviews = vec![
        (id(&listed[0]), opinion(Verdict::Approved)),
        (id(&listed[1]), modified),
        (id(&listed[2]), opinion(Verdict::Rejected)),
    ];
    let changed = id(&listed[1]);
    let input = ReviewDecisions { version_id, etag: None, reviews, remaining: None };
    studio
        .act(LESSONS, LEAD, move |change| Box::pin(change.review_decisions(input)))
        .await
        .unwrap();
    let input = ConfirmModifications { version_id, etag: None, decision_ids: vec![changed] };
    let confirmed = studio
        .act(LESSONS, TESTER, move |change| Box::pin(change.confirm_modifications(input)))
        .await
        .unwrap();
    let counts = &confirmed.counts;
    assert_eq!((counts.approved, counts.modified, counts.rejected, counts.counted), (1, 1, 1, 3));
    studio
        .act(LESSONS, LEAD, move |change| {
            Box::pin(change.reject_version(version_id, None, "one more".to_owned()))
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_tenth_phase_lives_its_whole_life() {
    let world = World::new().await;
    let studio = Studio::of(&world).await;
    plan(&studio).await;
    open(&studio).await;
    let first = first_version(&studio).await;
    assert_eq!((first.number, first.state), (1, VersionState::Rejected));

    let items = vec![studio.lesson("Test less", 1)];
    let input = ReviseVersion { baseline: None, etag: None, notes: None, metadata: None, items };
    let second = studio
        .act(LESSONS, TESTER, move |change| Box::pin(change.revise_version(input)))
        .await
        .unwrap();
    assert_eq!((second.counts.total, second.counts.carried, second.counts.pending), (3, 2, 1));
    let second = submit_and_approve(&studio, LESSONS, &second).await;

    let row = studio.row(LESSONS);
    let mut conn = studio.engine.pool().acquire().await.unwrap();
    let current = versions::current(&mut conn, studio.scope(LESSONS), &row).await.unwrap().unwrap();
    assert_eq!(current.version_id, second.version_id);
    let listed = artifacts::list(&mut conn, studio.workflow, Some(row.slug), false, None, 10);
    let listed = listed.await.unwrap();
    assert_eq!((listed.len(), listed[0].artifact_type.as_str()), (1, "lessons"));

    let standing = |decision: &Decision| (decision.item_key.clone(), decision.standing);
    let held: Vec<_> = studio.decisions(&second).await.iter().map(standing).collect();
    let expected = [
        ("Ask earlier", Standing::Approved),
        ("Write it down", Standing::Modified),
        ("Test less", Standing::Approved),
    ];
    assert_eq!(held, expected.map(|(key, standing)| (key.to_owned(), standing)));
    let again = &studio.decisions(&second).await[2];
    assert_eq!(again.rejected_in, Some(1));
    let line_no = second.line_no;
    let lineage = decisions::lineage(&mut conn, line_no, again.id.item_no, i32::MAX, 10).await;
    let lineage: Vec<_> =
        lineage.unwrap().iter().map(|of| (of.version.number, of.standing)).collect();
    assert_eq!(lineage, [(2, Standing::Approved), (1, Standing::Rejected)]);
    let written_down = &studio.decisions(&second).await[1];
    assert_eq!(written_down.effective().body["cost_in_days"], 2);
    let totals = compare::totals(&mut conn, &first, &second).await.unwrap();
    assert_eq!((totals.added, totals.removed, totals.changed), (0, 0, 1));
    drop(conn);

    // A server that has never heard of the phase verifies its trail.
    let auditor = world.person(40, studio.workflow, &[Role::Auditor]).await;
    let request = VerifyTrailRequest { scope: Some(whole(studio.workflow)), ..Default::default() };
    let verified = auditor.call(request).await.unwrap();
    assert!(verified.intact && verified.records > 12, "{verified:?}");
    let faults = integrity::faults(&mut world.as_superuser().await).await;
    assert!(faults.is_empty(), "{faults:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_phase_that_the_engine_was_not_set_up_for_is_not_served() {
    let world = World::new().await;
    let studio = Studio::of(&world).await;
    let refused = studio.engine.row(Phase::SCOPING);
    assert!(matches!(refused, Err(Fault::NotServed(Phase::SCOPING))), "{refused:?}");
    world.stop().await;
}

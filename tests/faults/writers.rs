//! People who keep writing while the service or its database goes away, and what must be there
//! in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use signoff_chassis::identity::SigningKey;
use signoff_contract::versioning::v1 as wire;
use signoff_tests::people::{request_id, scope};
use signoff_tests::refusals::is_from_here;
use signoff_tests::rpc::Rpc;
use signoff_tests::wait::{until, until_within};
use signoff_tests::{Person, build, integrity, world};
use signoff_workflow::{Phase, Role, Workflow};
use sqlx::{PgConnection, Row};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::Version;

/// How far all writers together have come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Changes that were acknowledged.
    pub(crate) done: AtomicUsize,
    /// Calls whose outcome nobody was told.
    pub(crate) unanswered: AtomicUsize,
}

impl Progress {
    /// Waits until this many changes more were acknowledged.
    pub(crate) async fn more(&self, changes: usize) {
        let goal = self.done.load(Ordering::SeqCst) + changes;
        until("progress", || async { (self.done.load(Ordering::SeqCst) >= goal).then_some(()) })
            .await;
    }
}

/// Somebody's work on one line: what they were told is done.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) workflow: Workflow,
    /// The keys of the items that are there.
    keys: Vec<String>,
    /// How many versions there are.
    versions: usize,
    /// How many rulings there are.
    rulings: usize,
    /// The ids of all requests.
    requests: Vec<String>,
}

/// A workflow's people.
pub(crate) struct Writer {
    pub(crate) workflow: Workflow,
    tester: Person,
    owner: Person,
    gateway: Person,
}

/// Whether nobody knows what became of the call: it is to be asked again.
fn is_open(status: &Status) -> bool {
    let said = [Code::Unavailable, Code::DeadlineExceeded, Code::ResourceExhausted];
    is_from_here(status) || said.contains(&status.code())
}

impl Writer {
    pub(crate) fn new(key: &Arc<SigningKey>, channel: &Channel) -> Self {
        let workflow = world::workflow();
        let person = |user_id, of, role| Person::new(key, channel.clone(), user_id, of, &[role]);
        Self {
            workflow,
            tester: person(10, Some(workflow), Role::Tester),
            owner: person(20, Some(workflow), Role::ReportOwner),
            gateway: person(1, None, Role::Gateway),
        }
    }

    /// Opens the phase, while all is well.
    pub(crate) async fn open(&mut self) {
        self.gateway.open_phase(self.workflow, Phase::SAMPLE_SELECTION).await;
    }

    /// Writes until it is told to stop: every request is repeated, with its id, until somebody
    /// knows what became of it.
    pub(crate) async fn write(self, progress: &Progress, stop: &CancellationToken) -> Written {
        let mut written = Written {
            workflow: self.workflow,
            keys: Vec::new(),
            versions: 0,
            rulings: 0,
            requests: Vec::new(),
        };
        let here = scope(self.workflow, Phase::SAMPLE_SELECTION);
        while !stop.is_cancelled() {
            let items = self.fresh_items(&mut written, 2);
            let version = if written.versions == 0 {
                let request = wire::CreateVersionRequest {
                    scope: Some(here.clone()),
                    request_id: note(&mut written),
                    decisions: items,
                    ..Default::default()
                };
                ask(&self.tester, request, progress).await.version.unwrap()
            } else {
                let request = wire::ReviseVersionRequest {
                    scope: Some(here.clone()),
                    request_id: note(&mut written),
                    decisions: items,
                    ..Default::default()
                };
                ask(&self.tester, request, progress).await.version.unwrap()
            };
            written.versions += 1;
            self.work_on(&version, &mut written, progress).await;
        }
        written
    }

    async fn work_on(&self, version: &Version, written: &mut Written, progress: &Progress) {
        let (scope, version_id) = (version.scope.clone(), version.version_id.clone());
        for _ in 0..3 {
            let decisions = self.fresh_items(written, 1);
            let add = wire::AddDecisionsRequest {
                scope: scope.clone(),
                request_id: note(written),
                version_id: version_id.clone(),
                decisions,
                ..Default::default()
            };
            ask(&self.tester, add, progress).await;
        }
        let submit = wire::SubmitVersionRequest {
            scope: scope.clone(),
            request_id: note(written),
            version_id: version_id.clone(),
            ..Default::default()
        };
        let pending = ask(&self.tester, submit, progress).await.version.unwrap().counts.unwrap();
        let review = wire::ReviewDecisionsRequest {
            scope: scope.clone(),
            request_id: note(written),
            version_id: version_id.clone(),
            remaining: Some(wire::RemainingReview {
                verdict: wire::Verdict::Approved.into(),
                notes: String::new(),
            }),
            ..Default::default()
        };
        ask(&self.owner, review, progress).await;
        written.rulings += usize::try_from(pending.pending).unwrap();
        let approve = wire::ApproveVersionRequest {
            scope,
            request_id: note(written),
            version_id,
            ..Default::default()
        };
        ask(&self.owner, approve, progress).await;
    }

    /// Items with keys that the line does not have.
    fn fresh_items(&self, written: &mut Written, count: usize) -> Vec<wire::DecisionInput> {
        let first = written.keys.len();
        let keys = (first..first + count).map(|number| format!("S-{number:06}"));
        let items = keys.clone().map(|key| build::input(&key, "as drawn")).collect();
        written.keys.extend(keys);
        items
    }
}

/// The id of a new request, which is noted.
fn note(written: &mut Written) -> String {
    let id = request_id();
    written.requests.push(id.clone());
    id
}

/// How long an answer may take: the service lets one call wait for a minute, and it may be asked again.
const PATIENCE: Duration = Duration::from_secs(180);

/// Asks until there is an answer.
pub(crate) async fn ask<R: Rpc + Clone>(
    person: &Person,
    request: R,
    progress: &Progress,
) -> R::Answer {
    let answer = until_within(PATIENCE, R::PATH, || async {
        match person.call(request.clone()).await {
            Ok(answer) => Some(answer),
            Err(status) if is_open(&status) => {
                progress.unanswered.fetch_add(1, Ordering::SeqCst);
                None
            }
            Err(status) => panic!("{}: {status:?}", R::PATH),
        }
    })
    .await;
    progress.done.fetch_add(1, Ordering::SeqCst);
    answer
}

/// All that was acknowledged is there, once, and nothing is half done.
pub(crate) async fn expect_all(
    database: &mut PgConnection,
    reader: impl Fn(Workflow) -> Person,
    written: &[Written],
) {
    let faults = integrity::faults(database).await;
    assert!(faults.is_empty(), "{faults:?}");
    for of in written {
        let reader = reader(of.workflow);
        let verified = reader.verify(of.workflow).await;
        assert!(verified.intact, "{verified:?}");
        let here = scope(of.workflow, Phase::SAMPLE_SELECTION);
        let versions = reader.versions(&here).await;
        assert_eq!(versions.len(), of.versions);
        let decisions = reader.decisions(&versions[0]).await;
        let keys: Vec<_> = decisions.iter().map(|decision| decision.item_key.clone()).collect();
        assert_eq!(keys, of.keys);
        let rulings: i64 = sqlx::query_scalar(
            "select count(*) from rulings join lines using (line_no) where cycle_id = $1",
        )
        .bind(of.workflow.cycle_id)
        .fetch_one(&mut *database)
        .await
        .unwrap();
        assert_eq!(rulings, i64::try_from(of.rulings).unwrap());
        // A request's own record: superseding has another one beside it.
        let recorded = sqlx::query(
            "select request_id::text as id, count(*) as records from trail
             where cycle_id = $1 and action not like 'phase.%' and action <> 'version.superseded'
             group by 1",
        )
        .bind(of.workflow.cycle_id)
        .fetch_all(&mut *database)
        .await
        .unwrap();
        let recorded: BTreeMap<String, i64> =
            recorded.iter().map(|row| (row.get("id"), row.get("records"))).collect();
        let expected: BTreeMap<String, i64> =
            of.requests.iter().map(|id| (id.clone(), 1)).collect();
        assert_eq!(recorded, expected);
    }
}

//! A service with people who write, whatever becomes of it or of its database.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use signoff_chassis::identity::{Jwks, SigningKey};
use signoff_ledger::DatabaseUrls;
use signoff_tests::{Person, world};
use signoff_versioning::Service;
use signoff_versioning::executions::AuditArgs;
use signoff_workflow::{Phase, Role, Workflow};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

use crate::writers::{Progress, Writer, Written, expect_all};

const WRITERS: usize = 4;

/// Writers at work on a service.
pub(crate) struct AtWork {
    pub(crate) key: Arc<SigningKey>,
    /// The way of those who give up.
    pub(crate) channel: Channel,
    /// The way of those who do not: what a test only needs must not fail on a slow machine.
    pub(crate) patient: Channel,
    pub(crate) progress: Arc<Progress>,
    stop: CancellationToken,
    writers: Vec<tokio::task::JoinHandle<Written>>,
    service: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

impl AtWork {
    /// Writers who wait for as long as the service lets them.
    pub(crate) async fn on(urls: &DatabaseUrls) -> Self {
        Self::for_at_most(urls, None).await
    }

    /// The same, who give up a call after so long.
    pub(crate) async fn for_at_most(urls: &DatabaseUrls, longest: Option<Duration>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, jwks) =
            (Arc::new(SigningKey::generate().unwrap()), folder.path().join("jwks.json"));
        Jwks::of([&*key]).save(&jwks).unwrap();
        let prepared =
            Service::prepare(world::serve_args(urls, jwks, AuditArgs::default())).await.unwrap();
        let (address, service) = (prepared.address(), CancellationToken::new());
        let running = tokio::spawn(prepared.run(service.clone()));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let endpoint = longest.into_iter().fold(endpoint, Endpoint::timeout);
        let channel = endpoint.connect().await.unwrap();
        let patient = world::connect(address).await;
        let mut gateway = Person::new(&key, patient.clone(), 1, None, &[Role::Gateway]);
        let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let writer = Writer::new(&key, &channel);
            gateway.open_phase(writer.workflow, Phase::SAMPLE_SELECTION).await;
            let (progress, stop) = (Arc::clone(&progress), stop.clone());
            writers.push(tokio::spawn(async move { writer.write(&progress, &stop).await }));
        }
        Self { key, channel, patient, progress, stop, writers, service, running, _folder: folder }
    }

    /// All that was acknowledged is there; the service is the one that it was.
    pub(crate) async fn finish(self, database: &mut PgConnection) {
        self.progress.more(30).await;
        self.stop.cancel();
        let written = join_all(self.writers).await.into_iter().map(Result::unwrap);
        let written: Vec<_> = written.collect();
        let reader = |workflow: Workflow| {
            Person::new(&self.key, self.patient.clone(), 40, Some(workflow), &[Role::Auditor])
        };
        expect_all(database, reader, &written).await;
        self.service.cancel();
        self.running.await.unwrap().unwrap();
    }
}

//! Whether the backends are there: the health of the services that the gateway forwards.

use std::time::Duration;

use signoff_backend::serve::every;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Said;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::server::HealthReporter;

use crate::Gateway;
use crate::forward::{FORWARDED, Target};

/// How often they are asked.
const EVERY: Duration = Duration::from_secs(1);
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(2);

/// Tells the health of the forwarded services until `shutdown`. That of the gateway itself, under the
/// empty name, does not depend on theirs.
pub(crate) async fn follow(gateway: Gateway, health: HealthReporter, shutdown: CancellationToken) {
    every(EVERY, shutdown.clone(), || async {
        for (target, package) in [
            (Target::Versioning, "signoff.versioning."),
            (Target::Audit, "signoff.audit."),
            (Target::Metrics, "signoff.metrics."),
        ] {
            let status = match serves(&gateway, target).await {
                true => ServingStatus::Serving,
                false => ServingStatus::NotServing,
            };
            // A drain says that nothing is served any more, and has the last word.
            if shutdown.is_cancelled() {
                return;
            }
            for name in FORWARDED.into_iter().filter(|name| name.starts_with(package)) {
                health.set_service_status(name, status).await;
            }
        }
    })
    .await;
}

async fn serves(gateway: &Gateway, target: Target) -> bool {
    let Some(replicas) = gateway.backends().of(target) else { return false };
    // One that serves is enough.
    let mut away = None;
    for _ in 0..1 + usize::from(replicas.are_several()) {
        let Some((at, channel)) = replicas.channel(away) else { return false };
        let mut client = HealthClient::new(channel);
        let asked = client.check(HealthCheckRequest::default());
        match tokio::time::timeout(WITHIN, asked).await {
            Ok(Ok(answer)) if answer.get_ref().status() == Said::Serving => return true,
            _ => away = Some(at),
        }
    }
    false
}

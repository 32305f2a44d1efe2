//! Keeps one service running.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    child::{Recipe, Service},
    endpoints::Published,
};

/// How long to wait before the first restart, and at most before a later one.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// A service that ran this long is well: its next restart is a first one again.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Keeps a service running until told to stop; then drains it.
pub(crate) async fn keep(
    recipe: Recipe,
    mut service: Service,
    published: Arc<Published>,
    stop: CancellationToken,
) {
    let mut delay = FIRST_DELAY;
    loop {
        let began = Instant::now();
        let Some(ended) = stop.run_until_cancelled(service.ended()).await else {
            return service.drain().await;
        };
        let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
        tracing::warn!(service = recipe.service, how, "ended and is restarted");
        show(&published, recipe.service, None);
        if began.elapsed() >= WELL_AFTER {
            delay = FIRST_DELAY;
        }
        service = loop {
            if stop.run_until_cancelled(sleep(delay)).await.is_none() {
                return;
            }
            delay = next(delay);
            match stop.run_until_cancelled(recipe.start()).await {
                None => return,
                Some(Ok(service)) => break service,
                Some(Err(error)) => {
                    tracing::warn!(service = recipe.service, "cannot be restarted: {error:#}");
                }
            }
        };
        show(&published, recipe.service, service.pid());
    }
}

fn next(delay: Duration) -> Duration {
    (delay * 2).min(LONGEST_DELAY)
}

fn show(published: &Published, service: &str, pid: Option<u32>) {
    if let Err(error) = published.set_pid(service, pid) {
        tracing::warn!(service, "{error:#}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_are_bounded() {
        let mut delay = FIRST_DELAY;
        for _ in 0..20 {
            let longer = next(delay);
            assert!(longer > delay || longer == LONGEST_DELAY);
            delay = longer;
        }
        assert_eq!(delay, LONGEST_DELAY);
    }
}

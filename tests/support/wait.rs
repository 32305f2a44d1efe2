//! Waiting for what nobody tells.

use std::future::Future;
use std::time::Duration;

/// How often somebody looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long anything may take.
const AT_MOST: Duration = Duration::from_secs(60);

/// Looks until there is something, and gives it.
///
/// # Panics
/// There is nothing after a minute.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(AT_MOST, found).await.expect(what)
}

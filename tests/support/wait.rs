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
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, look: impl FnMut() -> F) -> T {
    until_within(AT_MOST, what, look).await
}

/// Looks until there is something, for so long at most, and gives it.
///
/// # Panics
/// There is nothing by then.
pub async fn until_within<T, F: Future<Output = Option<T>>>(
    at_most: Duration,
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(at_most, found).await.expect(what)
}

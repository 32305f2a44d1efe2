//! What a service says of itself when it is asked.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use metrics::{counter, describe_counter};

use super::{Families, process, render};

/// How long a collector may take.
const WITHIN: Duration = Duration::from_secs(2);
const FAILURES: &str = "signoff_collector_failures_total";

pub(super) fn describe() {
    describe_counter!(FAILURES, "Scrapes in which a collector was left out, because it failed.");
}

type Collecting = dyn Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync;

/// Something that is asked for its values at each scrape.
#[derive(Clone)]
pub struct Collector {
    name: &'static str,
    collect: Arc<Collecting>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Collector {
    /// A collector: `collect` answers with text in the exposition format, whose samples carry the
    /// label `service`. It is asked at each scrape, and may take two seconds. If it takes longer,
    /// fails, or answers with something else, it is left out of that scrape, which is logged and
    /// counted under its name.
    ///
    /// ```
    /// # use signoff_chassis::prometheus::Collector;
    /// let pool = std::sync::Arc::new(7);
    /// let collector = Collector::new("pool", move || {
    ///     let pool = pool.clone();
    ///     async move { Ok::<_, std::io::Error>(format!("pool_size{{service=\"audit\"}} {pool}\n")) }
    /// });
    /// ```
    pub fn new<F, E>(name: &'static str, collect: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: fmt::Display,
    {
        let collect = move || -> BoxFuture<'static, Result<String, String>> {
            let collecting = collect();
            Box::pin(async move { collecting.await.map_err(|error| error.to_string()) })
        };
        Self { name, collect: Arc::new(collect) }
    }

    /// What it says now.
    async fn ask(&self) -> Result<String, String> {
        // A task of its own: a collector that panics is one that fails.
        let mut asked = tokio::spawn((self.collect)());
        match tokio::time::timeout(WITHIN, &mut asked).await {
            Ok(Ok(said)) => said,
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => {
                asked.abort();
                Err(format!("it took longer than {} s", WITHIN.as_secs()))
            }
        }
    }
}

/// All that is known of a service now: what was recorded, and what its collectors say.
pub(crate) async fn scrape(service: &'static str, collectors: &[Collector]) -> String {
    let said = join_all(collectors.iter().map(Collector::ask)).await;
    // Each is tried beside what was recorded and what others say: two must not say of one family that
    // it is something else.
    let (mut tried, mut accepted) = (Families::new(), Vec::new());
    add(&mut tried, service, &render());
    for (collector, said) in collectors.iter().zip(said) {
        let collector = collector.name;
        // It is there before the first failure: a rate sees nothing of a series that begins with 1.
        let failures = counter!(FAILURES, "service" => service, "collector" => collector);
        let fits = said.and_then(|text| {
            tried.add(&text).map_err(|error| error.to_string())?;
            Ok(text)
        });
        match fits {
            Ok(text) => accepted.push(text),
            Err(error) => {
                tracing::warn!(service, collector, error, "a collector failed and is left out");
                failures.increment(1);
            }
        }
    }
    process::look(service);
    let mut all = Families::new();
    for text in std::iter::once(render()).chain(accepted) {
        add(&mut all, service, &text);
    }
    all.to_string()
}

/// Adds what is known to fit.
fn add(families: &mut Families, service: &str, text: &str) {
    if let Err(error) = families.add(text) {
        tracing::error!(service, %error, "what is known cannot be shown");
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::prometheus::install;

    fn says(name: &'static str, said: Result<&'static str, &'static str>) -> Collector {
        Collector::new(name, move || async move { said.map(str::to_owned) })
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_fails_is_left_out_and_counted() {
        install().unwrap();
        process::look("odd");
        let collectors = [
            says("first", Ok("# TYPE things gauge\nthings{service=\"odd\"} 1\n")),
            says("failing", Err("no")),
            says("other", Ok("<html>\n")),
            says("conflicting", Ok("# TYPE things counter\nthings 2\n")),
            says("hiding", Ok("# TYPE signoff_build_info counter\nsignoff_build_info 2\n")),
            Collector::new("slow", || async {
                pending::<()>().await;
                Ok::<_, String>(String::new())
            }),
            Collector::new("panicking", || async {
                assert!(std::hint::black_box(false), "as the test asked for");
                Ok::<_, String>(String::new())
            }),
            says("last", Ok("more_things{service=\"odd\"} 3\n")),
        ];
        let text = scrape("odd", &collectors).await;
        assert!(text.contains("things{service=\"odd\"} 1\n"), "{text}");
        assert!(text.contains("more_things{service=\"odd\"} 3\n"), "{text}");
        assert!(!text.contains("html") && !text.contains("things 2"), "{text}");
        for failed in ["failing", "other", "conflicting", "hiding", "slow", "panicking"] {
            let line = format!("{FAILURES}{{service=\"odd\",collector=\"{failed}\"}} 1\n");
            assert!(text.contains(&line), "{failed}: {text}");
        }
        for fine in ["first", "last"] {
            let line = format!("{FAILURES}{{service=\"odd\",collector=\"{fine}\"}} 0\n");
            assert!(text.contains(&line), "{fine}: {text}");
        }
        let again = scrape("odd", &collectors[..2]).await;
        assert!(again.contains("collector=\"failing\"} 2\n"), "{again}");
    }
}

//! What those who watch a service see of its database.

use std::convert::Infallible;

use signoff_chassis::monitor::Monitor;
use signoff_chassis::prometheus::Collector;
use signoff_ledger::{Connections, Pool};

/// With the service's database: the service is ready only if it answers, and how many of the
/// connections are used is among the numbers. The gateway and whoever else is put together by hand
/// use this, too.
#[must_use]
pub fn with_database(monitor: Monitor, pool: &Pool) -> Monitor {
    let service = monitor.service();
    let (counted, asked) = (pool.clone(), pool.clone());
    monitor
        .with_collector(Collector::new("database", move || {
            let text = connections(service, &counted);
            async move { Ok::<_, Infallible>(text) }
        }))
        .with_check("the database does not answer", move || {
            let pool = asked.clone();
            async move {
                // What went wrong is for the log alone.
                let answered = signoff_ledger::ping(&pool).await;
                answered.inspect_err(|error| tracing::warn!(%error, "not ready")).is_ok()
            }
        })
}

fn connections(service: &str, pool: &Pool) -> String {
    // Two looks, between which one may have come back.
    let Connections { open, idle, max } = pool.connections();
    let used = open.saturating_sub(idle);
    format!(
        "# HELP signoff_db_pool_connections Open connections to the database.\n\
         # TYPE signoff_db_pool_connections gauge\n\
         signoff_db_pool_connections{{service=\"{service}\",state=\"idle\"}} {idle}\n\
         signoff_db_pool_connections{{service=\"{service}\",state=\"used\"}} {used}\n\
         # HELP signoff_db_pool_connections_max How many there may be.\n\
         # TYPE signoff_db_pool_connections_max gauge\n\
         signoff_db_pool_connections_max{{service=\"{service}\"}} {max}\n"
    )
}

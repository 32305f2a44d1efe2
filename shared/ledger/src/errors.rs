//! What can go wrong on the way to the database, without the database's words.

use std::time::Duration;

use sqlx::postgres::PgDatabaseError;

use crate::EntryError;

/// When somebody who met a busy workflow may come again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a command did not happen.
///
/// The texts are safe to show. The sources are not: they are for the log.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Too many commands wait for this workflow, or its lock was not had in time.
    #[error("the workflow is busy")]
    Busy {
        /// When to come again.
        retry_after: Duration,
    },
    /// The request id was used before, by another caller, for another method or content.
    #[error("the request id was used before for another request")]
    RequestIdReused,
    /// The workflow was closed: nothing in it changes any more.
    #[error("the workflow is closed")]
    WorkflowClosed,
    /// The record does not fit into the trail.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Somebody else's change was in the way; the same command may succeed when it is repeated.
    #[error("the command conflicts with another one")]
    Conflict(#[source] sqlx::Error),
    /// The database cannot be reached now. Whether a commit took place is not known.
    #[error("the database is away")]
    Unavailable(#[source] sqlx::Error),
    /// What is stored contradicts itself; the text is for the log.
    #[error("stored data is damaged")]
    Corrupt(String),
    /// Anything else: a mistake in the code or in the schema.
    #[error("internal error")]
    Internal(#[source] sqlx::Error),
}

impl From<sqlx::Error> for LedgerError {
    fn from(error: sqlx::Error) -> Self {
        classify(error)
    }
}

/// The one place that reads SQLSTATEs (PostgreSQL manual, appendix A).
pub fn classify(error: sqlx::Error) -> LedgerError {
    match &error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            let raised_in = database.try_downcast_ref::<PgDatabaseError>();
            let raised_in = raised_in.and_then(PgDatabaseError::file).unwrap_or_default();
            let raised_in = raised_in.to_owned();
            by_sqlstate(&code, &raised_in, error)
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => LedgerError::Unavailable(error),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            LedgerError::Corrupt(error.to_string())
        }
        _ => LedgerError::Internal(error),
    }
}

/// The server's own sources in which it opens, extends, writes and reads files.
const OF_FILES: [&str; 8] =
    ["md.c", "smgr.c", "fd.c", "xlog.c", "slru.c", "bufmgr.c", "buffile.c", "twophase.c"];

fn by_sqlstate(code: &str, raised_in: &str, error: sqlx::Error) -> LedgerError {
    match code {
        // lock_not_available, query_canceled (by statement_timeout)
        "55P03" | "57014" => LedgerError::Busy { retry_after: RETRY_AFTER },
        // a standby, after a failover; a transaction that was idle for too long
        "25006" | "25P03" => LedgerError::Unavailable(error),
        _ if code.starts_with("40") => LedgerError::Conflict(error),
        // What the server has no code for, when it is about its files: a quota that is reached
        // (EDQUOT), a file that may not grow (EFBIG). A full disk is of class 53.
        "XX000" if OF_FILES.contains(&raised_in) => LedgerError::Unavailable(error),
        // connection exceptions, insufficient resources, operator intervention, and a system error or
        // one of input and output
        _ if ["08", "53", "57", "58000", "58030"].iter().any(|class| code.starts_with(class)) => {
            LedgerError::Unavailable(error)
        }
        _ => LedgerError::Internal(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: &str) -> &'static str {
        kind_in(code, "heapam.c")
    }

    fn kind_in(code: &str, raised_in: &str) -> &'static str {
        match by_sqlstate(code, raised_in, sqlx::Error::RowNotFound) {
            LedgerError::Busy { .. } => "busy",
            LedgerError::Conflict(_) => "conflict",
            LedgerError::Unavailable(_) => "unavailable",
            LedgerError::Internal(_) => "internal",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_driver_says_itself_is_sorted_too() {
        let broken = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        for away in [
            sqlx::Error::Io(broken()),
            sqlx::Error::Tls(Box::new(broken())),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::WorkerCrashed,
        ] {
            let told = classify(away);
            assert!(matches!(told, LedgerError::Unavailable(_)), "{told:?}");
        }
        let column =
            sqlx::Error::ColumnDecode { index: "hash".to_owned(), source: Box::new(broken()) };
        for unreadable in [column, sqlx::Error::Decode(Box::new(broken()))] {
            let told = classify(unreadable);
            assert!(matches!(told, LedgerError::Corrupt(_)), "{told:?}");
        }
        assert!(matches!(classify(sqlx::Error::RowNotFound), LedgerError::Internal(_)));
    }

    #[test]
    fn sqlstates_are_sorted_by_what_a_caller_can_do() {
        for code in ["55P03", "57014"] {
            assert_eq!(kind(code), "busy", "{code}");
        }
        for code in ["40001", "40P01", "40003"] {
            assert_eq!(kind(code), "conflict", "{code}");
        }
        for code in ["57P01", "57P03", "08006", "53300", "53100", "58030", "25006", "25P03"] {
            assert_eq!(kind(code), "unavailable", "{code}");
        }
        for code in ["23505", "42P01", "42501", "58P01", "XX000"] {
            assert_eq!(kind(code), "internal", "{code}");
        }
    }

    #[test]
    fn a_quota_is_a_full_disk() {
        assert_eq!(kind_in("XX000", "md.c"), "unavailable");
        assert_eq!(kind_in("XX000", "planner.c"), "internal");
        assert_eq!(kind_in("23505", "md.c"), "internal", "the code says more");
    }

    #[test]
    fn what_the_database_says_is_not_in_the_text() {
        let error = classify(sqlx::Error::Io(std::io::Error::other("secret host")));
        assert!(matches!(error, LedgerError::Unavailable(_)));
        assert!(!error.to_string().contains("secret"));
        assert!(matches!(classify(sqlx::Error::PoolTimedOut), LedgerError::Unavailable(_)));
    }
}

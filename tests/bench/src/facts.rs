//! What a run was made on. Nothing that tells one machine from another by name.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row};

/// Settings of the database that matter.
const SETTINGS: [&str; 6] = [
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "max_connections",
];

/// What a run was made on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// How many things this machine does at once.
    pub cores: usize,
    /// The database's version.
    pub postgresql: String,
    /// Its settings, by name.
    pub settings: std::collections::BTreeMap<String, String>,
    /// The revision of the code, where git knows.
    pub revision: Option<String>,
    /// Whether it was built for speed.
    pub optimised: bool,
}

impl Facts {
    /// Asks the machine and the database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of(conn: &mut PgConnection) -> Result<Self> {
        let postgresql = sqlx::query_scalar("select current_setting('server_version')")
            .fetch_one(&mut *conn)
            .await?;
        let settings = sqlx::query("select name, setting from pg_settings where name = any($1)")
            .bind(&SETTINGS[..])
            .fetch_all(conn)
            .await?
            .iter()
            .map(|row| (row.get("name"), row.get("setting")))
            .collect();
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            postgresql,
            settings,
            revision: revision(),
            optimised: cfg!(not(debug_assertions)),
        })
    }

    /// Whether a commit is on disk before it is answered.
    pub fn is_durable(&self) -> bool {
        ["synchronous_commit", "fsync", "full_page_writes"]
            .iter()
            .all(|name| self.settings.get(*name).is_some_and(|value| value == "on"))
    }
}

fn revision() -> Option<String> {
    let git = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let answer = git.ok().filter(|answer| answer.status.success())?;
    Some(String::from_utf8(answer.stdout).ok()?.trim().to_owned())
}

//! A whole run.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use secrecy::ExposeSecret as _;
use signoff_embedded::Cluster;
use sqlx::{Connection as _, PgConnection};

use crate::facts::Facts;
use crate::report::Report;
use crate::workloads::{ALL, Bench, Size, Workload};

/// The workloads with these names; all, without names.
///
/// # Errors
/// There is none of that name.
pub fn chosen(names: &[String]) -> Result<Vec<Workload>> {
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|one| one.name == **name)) {
        bail!("there is no workload {unknown}");
    }
    let wanted = |one: &&Workload| names.is_empty() || names.iter().any(|name| name == one.name);
    Ok(ALL.iter().filter(wanted).copied().collect())
}

/// Runs workloads on a private PostgreSQL. `program` is this program: its commands `versioning`,
/// `audit` and `bare` are the servers. `tell` hears how far it is.
///
/// # Errors
/// The server is not durable, a workload fails, or something is not what it must be.
pub async fn run(
    program: PathBuf,
    workloads: &[Workload],
    size: Size,
    mut tell: impl FnMut(&str),
) -> Result<Report> {
    let bench = Bench { cluster: Cluster::temporary().await?, program, size };
    let mut admin = PgConnection::connect(bench.cluster.admin_url().expose_secret()).await?;
    let facts = Facts::of(&mut admin).await?;
    ensure!(facts.is_durable(), "the database may lose what it confirmed: {:?}", facts.settings);
    drop(admin);
    let mut lines = Vec::new();
    for workload in workloads {
        tell(workload.about);
        let began = Instant::now();
        lines.extend((workload.run)(&bench).await?);
        tell(&format!("  took {:.1} s", began.elapsed().as_secs_f64()));
    }
    bench.cluster.stop().await?;
    let size = size.pick("small", "full").to_owned();
    Ok(Report { facts, size, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_chosen_by_name() {
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            chosen(&names).map(|found| found.iter().map(|one| one.name).collect::<Vec<_>>())
        };
        assert_eq!(named(&[]).unwrap().len(), ALL.len());
        assert_eq!(named(&["list", "add"]).unwrap(), ["add", "list"]);
        assert!(named(&["lists"]).unwrap_err().to_string().contains("lists"));
    }
}

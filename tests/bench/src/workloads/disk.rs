//! Disk: what a version costs of which nearly everything is as it was.

use anyhow::Result;
use sqlx::PgConnection;

use super::Bench;
use crate::desk::{Desk, prepared};
use crate::floor::copying::Copying;
use crate::report::{Line, Unit};
use crate::stats::Samples;

/// The tables of versions, and what lies beside them: trail and kept answers.
const VERSIONS: &[&str] =
    &["lines", "versions", "items", "rulings", "modifications", "makers", "artifacts"];
const TRAIL: &[&str] = &["trail", "trail_details", "idempotency_keys"];
const SEEDS: &[&str] = &["seeds.sample_selection_versions", "seeds.sample_decisions"];

pub(super) async fn run(bench: &Bench) -> Result<Vec<Line>> {
    let many: u32 = bench.size.pick(500, 10_000);
    let versions: i32 = bench.size.pick(2, 20);
    let changed = i32::try_from(many / 100)?;
    let system = bench.system().await?;
    let mut line = Line::new("disk", "a version with 1 % changed", many.into(), Unit::Kilobytes);

    let (desk, mut floor) = (Desk::new(&system).await, system.floor().await?);
    desk.approved(&mut floor, many).await?;
    let line_no = desk.line_no(&mut floor).await?;
    let mut admin = system.superuser().await?;
    let mut trail = Samples::default();
    let mut before = (kilobytes(&mut admin, VERSIONS).await?, kilobytes(&mut admin, TRAIL).await?);
    for version in 0..versions {
        let first = version * changed + 1;
        desk.edit(line_no, first..first + changed).await?;
        let now = (kilobytes(&mut admin, VERSIONS).await?, kilobytes(&mut admin, TRAIL).await?);
        line.grpc.add(now.0 - before.0);
        trail.add(now.1 - before.1);
        before = now;
    }
    desk.verify().await?;

    let mut copying = Copying::new(&system.urls).await?;
    let (samples, json) = prepared(0..many);
    let mut parent = copying.import(&samples, &json, "approved").await?;
    let mut before = kilobytes(&mut admin, SEEDS).await?;
    for _ in 0..versions {
        parent = copying.next(parent, &[], &[]).await?;
        let ids = copying.ids(parent).await?;
        let changed = &ids[..usize::try_from(changed)?];
        copying.edit(changed, &json[..changed.len()]).await?;
        let now = kilobytes(&mut admin, SEEDS).await?;
        line.copying.add(now - before);
        before = now;
    }
    system.stop().await?;
    // Tables grow by whole pages: what counts is the sum.
    let mean = line.grpc.mean();
    let note = format!(
        "mean {mean:.0} kB, of the trail and kept answers {:.0} kB, copying {:.0} kB",
        trail.mean(),
        line.copying.mean()
    );
    Ok(vec![line.at_most("at most 150 kB a version, trail apart", mean, 150.0).note(note)])
}

/// How large tables are with their indexes.
async fn kilobytes(conn: &mut PgConnection, tables: &[&str]) -> Result<f64> {
    Ok(sqlx::query_scalar(
        "select sum(pg_total_relation_size(name::regclass))::float8 / 1000
         from unnest($1::text[]) as tables (name)",
    )
    .bind(tables)
    .fetch_one(conn)
    .await?)
}

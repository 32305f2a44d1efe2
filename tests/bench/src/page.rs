//! A report as a folder that can be kept: the measurements, the table, and the curves.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::curves::{Chart, charts};
use crate::draw::svg;
use crate::report::{Report, Unit};

/// The file with everything that was measured.
pub const REPORT: &str = "report.json";

/// The files that follow from a report, by their names: the page and its pictures.
///
/// # Errors
/// A chart cannot be drawn.
pub fn files(report: &Report) -> Result<Vec<(String, String)>> {
    let charts = charts(report);
    let mut files = Vec::new();
    for chart in &charts {
        files.push((picture(chart, &charts), svg(chart)?));
    }
    let pictures: Vec<String> =
        files.iter().map(|(name, _)| format!("![{name}]({name})\n")).collect();
    files.push(("README.md".to_owned(), text(report, &pictures.concat())));
    Ok(files)
}

/// Writes a report and what follows from it into a folder.
///
/// # Errors
/// The folder cannot be written to, or a chart not be drawn.
pub fn keep(report: &Report, folder: &Path) -> Result<()> {
    let mut json = serde_json::to_string(report)?;
    json.push('\n');
    write(folder, REPORT, &json)?;
    files(report)?.iter().try_for_each(|(name, content)| write(folder, name, content))
}

/// Writes a file into a folder, which is made if it is not there.
///
/// # Errors
/// It cannot be written.
pub fn write(folder: &Path, name: &str, content: &str) -> Result<()> {
    let path = folder.join(name);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, content))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The report that a folder keeps.
///
/// # Errors
/// There is none.
pub fn kept(folder: &Path) -> Result<Report> {
    let path = folder.join(REPORT);
    let read =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&read).with_context(|| format!("{} is no report", path.display()))
}

/// The name of a chart's file: with its unit, where its workload has several.
fn picture(chart: &Chart, all: &[Chart]) -> String {
    let alone = all.iter().filter(|other| other.name == chart.name).count() == 1;
    let unit = match chart.unit {
        _ if alone => "",
        Unit::Milliseconds => "-time",
        Unit::PerSecond => "-rate",
        Unit::Kilobytes => "-disk",
    };
    format!("{}{unit}.svg", chart.name)
}

fn text(report: &Report, pictures: &str) -> String {
    let facts = &report.facts;
    let settings: Vec<String> =
        facts.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!(
        "# One run of the bench\n\n\
         Written by `cargo run --release -p signoff-bench -- --keep FOLDER`; `bench draw FOLDER` writes \
         this page and its pictures again, from `{REPORT}`.\n\n\
         Size: {}. {} cores, PostgreSQL {} ({}), revision {}{}.\n\n\
         Solid lines are the service, dashed ones the best SQL for the same work (the floor), dotted ones \
         the best SQL for tables that copy every row into every version.\n\n\
         {pictures}\n```text\n{}\n```\n",
        report.size,
        facts.cores,
        facts.postgresql,
        settings.join(", "),
        facts.revision.as_deref().unwrap_or("unknown"),
        if facts.optimised { "" } else { ", not optimised" },
        report.table(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::report::Line;

    fn report() -> Report {
        let line = |size, unit| {
            let what = if unit == Unit::PerSecond { "10 new, in a second" } else { "10 new" };
            let mut line = Line::new("revise", what, size, unit);
            line.grpc.add(f64::from(u32::try_from(size).unwrap()));
            line
        };
        let lines = vec![
            line(1, Unit::Milliseconds),
            line(100, Unit::Milliseconds),
            line(1, Unit::PerSecond),
            line(2, Unit::PerSecond),
        ];
        Report { facts: Facts::default(), size: "small".to_owned(), lines }
    }

    #[test]
    fn a_kept_report_is_read_back_and_drawn_the_same() {
        let folder = tempfile::tempdir().unwrap();
        keep(&report(), folder.path()).unwrap();
        let again = files(&kept(folder.path()).unwrap()).unwrap();
        let names: Vec<&str> = again.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["revise-time.svg", "revise-rate.svg", "README.md"]);
        for (name, content) in &again {
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), *content, "{name}");
        }
        assert!(again[0].1.starts_with("<svg"), "{}", again[0].1);
        assert!(again[0].1.contains("10 new"), "the legend");
        assert!(again[2].1.contains("(revise-rate.svg)"), "{}", again[2].1);
    }
}

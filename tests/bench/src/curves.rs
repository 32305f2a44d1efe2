//! What of a report can be drawn: one thing that was measured at several sizes, or with several
//! numbers of clients.

use crate::report::{Axis, Line, Report, Unit};
use crate::stats::Samples;

/// How something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Through the service.
    Grpc,
    /// By the best SQL.
    Floor,
    /// By the best SQL for tables that copy.
    Copying,
}

/// One curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What was measured.
    pub what: String,
    /// How.
    pub how: How,
    /// Sizes, and medians at them.
    pub points: Vec<(f64, f64)>,
}

/// Curves over the same axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The workload, which is also the file's name, with the unit if it has charts of several.
    pub name: String,
    /// What it is across.
    pub axis: Axis,
    /// What it is up.
    pub unit: Unit,
    /// The curves, those of one thing beside each other.
    pub curves: Vec<Curve>,
}

/// The charts of a report, in its order.
pub fn charts(report: &Report) -> Vec<Chart> {
    let mut charts: Vec<Chart> = Vec::new();
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for line in &report.lines {
        let key = (line.workload.as_str(), line.what.as_str());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let all: Vec<&Line> = report
            .lines
            .iter()
            .filter(|other| (other.workload.as_str(), other.what.as_str()) == key)
            .collect();
        let curves = curves(&all);
        if curves.is_empty() {
            continue;
        }
        let here = |chart: &&mut Chart| chart.name == line.workload && chart.unit == line.unit;
        match charts.iter_mut().find(here) {
            Some(chart) => chart.curves.extend(curves),
            None => charts.push(Chart {
                name: line.workload.clone(),
                axis: line.axis,
                unit: line.unit,
                curves,
            }),
        }
    }
    charts
}

/// The curves through lines about one thing.
fn curves(lines: &[&Line]) -> Vec<Curve> {
    let curve = |how: How| {
        let measured = lines.iter().filter(|line| !samples(line, how).is_empty());
        let mut points: Vec<(f64, f64)> =
            measured.map(|line| (size(line), samples(line, how).median())).collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        Curve { what: lines[0].what.clone(), how, points }
    };
    [How::Grpc, How::Floor, How::Copying]
        .into_iter()
        .map(curve)
        .filter(|curve| curve.points.len() > 1)
        .collect()
}

fn samples(line: &Line, how: How) -> &Samples {
    match how {
        How::Grpc => &line.grpc,
        How::Floor => &line.floor,
        How::Copying => &line.copying,
    }
}

#[expect(clippy::cast_precision_loss, reason = "some million rows")]
fn size(line: &Line) -> f64 {
    line.size as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    fn line(what: &str, size: u64, unit: Unit) -> Line {
        let mut line = Line::new("revise", what, size, unit);
        line.grpc = [3.0, 4.0, 30.0].into_iter().collect();
        line
    }

    #[test]
    fn what_was_measured_at_several_sizes_is_a_curve() {
        let mut lines = vec![
            line("by list", 100, Unit::Milliseconds),
            line("once", 7, Unit::Milliseconds),
            line("by list", 10, Unit::Milliseconds),
            line("rate", 1, Unit::PerSecond),
            line("rate", 2, Unit::PerSecond),
        ];
        lines[0].floor.add(2.0);
        lines[2].floor.add(1.0);
        lines[2].copying.add(9.0);
        let report = Report { facts: Facts::default(), size: "small".to_owned(), lines };
        let charts = charts(&report);
        let shape: Vec<_> = charts.iter().map(|chart| (chart.unit, chart.curves.len())).collect();
        assert_eq!(shape, [(Unit::Milliseconds, 2), (Unit::PerSecond, 1)]);
        let floor = &charts[0].curves[1];
        assert_eq!((floor.how, &floor.points[..]), (How::Floor, &[(10.0, 1.0), (100.0, 2.0)][..]));
        assert_eq!(charts[0].curves[0].points[1], (100.0, 4.0), "the median");
    }
}

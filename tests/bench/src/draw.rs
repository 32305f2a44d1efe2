//! Curves as SVG.

use std::ops::Range;

use anyhow::{Result, anyhow};
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::curves::{Chart, Curve, How};
use crate::report::{Axis, Unit};

const WIDTH: u32 = 760;
const HEIGHT: u32 = 420;
/// One colour for each thing that is measured.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0xff, 0x7f, 0x0e),
    RGBColor(0x17, 0xbe, 0xcf),
];

/// A chart as an SVG document, both axes logarithmic: a straight line is a power of the size, a
/// level one does not grow.
///
/// # Errors
/// It cannot be drawn: nothing is positive in it.
pub fn svg(chart: &Chart) -> Result<String> {
    let mut document = String::new();
    {
        let area = SVGBackend::with_string(&mut document, (WIDTH, HEIGHT)).into_drawing_area();
        draw(chart, &area).map_err(|error| anyhow!("{}: {error}", chart.name))?;
        area.present().map_err(|error| anyhow!("{}: {error}", chart.name))?;
    }
    document.push('\n');
    Ok(document)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(chart: &Chart, area: &Area<'_>) -> Result<()> {
    area.fill(&WHITE)?;
    let across = around(chart.curves.iter().flat_map(|curve| &curve.points).map(|point| point.0));
    let up = around(chart.curves.iter().flat_map(|curve| &curve.points).map(|point| point.1));
    // The legend lies above the curves.
    let up = up.start..up.end * (up.end / up.start).powf(0.4);
    let title = format!("{}: {} by {}", chart.name, measure(chart.unit), axis(chart.axis));
    let mut context = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(across.log_scale(), up.log_scale())?;
    context
        .configure_mesh()
        .x_desc(axis(chart.axis))
        .y_desc(measure(chart.unit))
        .x_label_formatter(&|value| short(*value))
        .y_label_formatter(&|value| short(*value))
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    let mut things: Vec<&str> = Vec::new();
    for curve in &chart.curves {
        if !things.contains(&curve.what.as_str()) {
            things.push(&curve.what);
        }
        let thing = things.iter().position(|what| *what == curve.what).unwrap_or_default();
        let style = COLOURS[thing % COLOURS.len()].stroke_width(2);
        let dots = curve.points.iter().map(|point| Circle::new(*point, 3, style.filled()));
        context.draw_series(dots)?;
        let (dash, gap) = dashes(curve.how);
        let points = curve.points.iter().copied();
        let drawn = match curve.how {
            How::Grpc => context.draw_series(LineSeries::new(points, style)),
            _ => context.draw_series(DashedLineSeries::new(points, dash, gap, style)),
        };
        drawn?.label(name(curve)).legend(move |(x, y)| {
            DashedPathElement::new([(x, y), (x + 24, y)], dash, gap, style).into_dyn()
        });
    }
    context
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .legend_area_size(30)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 12).with_anchor::<RGBColor>(Pos::new(HPos::Left, VPos::Center)))
        .draw()?;
    Ok(())
}

/// The range of some values, with room at its ends.
fn around(values: impl Iterator<Item = f64>) -> Range<f64> {
    let positive = values.filter(|value| *value > 0.0);
    let (least, most) = positive
        .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    least / 1.5..most * 1.5
}

/// How a line is dashed, in pixels: what the service does is not.
fn dashes(how: How) -> (u32, u32) {
    match how {
        How::Grpc => (8, 0),
        How::Floor => (8, 5),
        How::Copying => (2, 5),
    }
}

fn name(curve: &Curve) -> String {
    match how(curve.how) {
        "" => curve.what.clone(),
        how => format!("{}: {how}", curve.what),
    }
}

fn how(how: How) -> &'static str {
    match how {
        How::Grpc => "",
        How::Floor => "the floor",
        How::Copying => "copying",
    }
}

fn measure(unit: Unit) -> &'static str {
    match unit {
        Unit::Milliseconds => "milliseconds",
        Unit::PerSecond => "a second",
        Unit::Kilobytes => "kilobytes",
    }
}

fn axis(axis: Axis) -> &'static str {
    match axis {
        Axis::Size => "size",
        Axis::Clients => "clients",
    }
}

/// A number on an axis: `20k`.
fn short(value: f64) -> String {
    match value {
        millions if millions >= 1e6 => format!("{}M", millions / 1e6),
        thousands if thousands >= 1e3 => format!("{}k", thousands / 1e3),
        few => format!("{few}"),
    }
}

//! The plan as a picture (SVG).
//!
//! Left: what fewer waits cost. Right: the busiest week, and the instances kept ready in it.

use crate::plan::{Plan, Week};
use crate::row::{Kind, Row};
use crate::words;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use ready_pool_sizing::Minute;
use std::error::Error;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error + Send + Sync>>;

const SIZE: (u32, u32) = (1_500, 680);
/// Shares of waits are drawn down to it: one in ten thousand.
const LEAST_SHARE: f64 = 0.01;
const BLUE: RGBColor = RGBColor(0, 90, 181);
const ORANGE: RGBColor = RGBColor(220, 105, 0);
const GREY: RGBColor = RGBColor(110, 110, 110);
const PALE: RGBColor = RGBColor(190, 205, 225);

/// Drawing failed; with a text as its target that is a mistake here.
#[derive(Debug, thiserror::Error)]
#[error("the picture cannot be drawn")]
pub struct PictureError(#[source] Box<dyn Error + Send + Sync>);

/// The picture.
pub fn svg(plan: &Plan) -> Result<String, PictureError> {
    let mut text = String::new();
    draw(plan, &mut text).map_err(PictureError)?;
    Ok(text)
}

fn draw(plan: &Plan, text: &mut String) -> Drawn {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (head, body) = area.split_vertically(56);
    let middle = style(26, BLACK).pos(Pos::new(HPos::Center, VPos::Center));
    let place = (SIZE.0.cast_signed() / 2, 34);
    head.draw_text(&words::headline(plan), &middle, place)?;
    let (left, right) = body.split_horizontally(SIZE.0 * 46 / 100);
    draw_costs(plan, &left)?;
    draw_week(plan, &right)?;
    area.present()?;
    Ok(())
}

fn style(size: i32, colour: RGBColor) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&colour)
}

/// The share of claims that wait, as it is drawn.
fn share(row: &Row) -> f64 {
    (100.0 - row.hit_percent).max(LEAST_SHARE)
}

fn percent(share: f64) -> String {
    format!("{share} %")
}

/// A share of claims, as one says it: the axis has powers of ten.
fn one_in(share: f64) -> String {
    match 100.0 / share {
        all if all < 1.5 => "all".to_owned(),
        many if many > 5_000.0 => "1 in 10,000".to_owned(),
        many if many > 500.0 => "1 in 1,000".to_owned(),
        many => format!("1 in {many:.0}"),
    }
}

/// How far the axes reach: dollars upwards, shares of waits downwards.
fn extent<'a>(rows: impl Iterator<Item = &'a Row>) -> (f64, f64) {
    let (dearest, lowest) = rows.fold((1e-9, 1.0), |(dearest, lowest): (f64, f64), row| {
        (
            dearest.max(row.idle_dollars_a_month),
            lowest.min(share(row)),
        )
    });
    let floor = if lowest < 0.1 { LEAST_SHARE } else { 0.1 };
    (dearest * 1.18, floor)
}

/// Down and to the right is better served and dearer.
fn draw_costs(plan: &Plan, area: &Area) -> Drawn {
    // Sizes that are beyond every rate that was tried only make the rest small.
    let curve: Vec<&Row> = plan
        .curve
        .iter()
        .filter(|row| 100.0 - row.hit_percent > LEAST_SHARE)
        .collect();
    let drawn = |row: &&Row| match row.kind {
        Kind::Auto { .. } | Kind::RateKnown => true,
        Kind::Static { size } => size == plan.present_size,
        Kind::None | Kind::PercentOfTheLastHour { .. } => false,
    };
    let mut points: Vec<&Row> = plan.rows.iter().filter(drawn).collect();
    // What cannot be had stays behind what can: the two may meet.
    points.sort_by_key(|row| row.kind != Kind::RateKnown);
    let (dearest, lowest) = extent(curve.iter().chain(&points).copied());
    let mut chart = ChartBuilder::on(area)
        .caption(
            "What fewer waits cost: further down and left is better",
            style(20, BLACK),
        )
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(104)
        .build_cartesian_2d(0.0..dearest, (lowest..100.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("idle instances, $ a month")
        .y_desc("share of claims that wait (logarithmic)")
        .x_label_formatter(&|dollars| {
            let digits = if dearest < 10.0 { 2 } else { 0 };
            format!("${dollars:.digits$}")
        })
        .y_label_formatter(&|share| one_in(*share))
        .label_style(style(15, BLACK))
        .axis_desc_style(style(17, BLACK))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(228, 228, 228))
        .max_light_lines(1)
        .draw()?;
    let at = |row: &Row| (row.idle_dollars_a_month, share(row));
    chart
        .draw_series(LineSeries::new(
            curve.iter().map(|row| at(row)),
            GREY.stroke_width(2),
        ))?
        .label("fixed size (instances)")
        .legend(|(x, y)| line_and_dot(x, y, GREY));
    chart.draw_series(
        curve
            .iter()
            .map(|row| Circle::new(at(row), 4, GREY.filled())),
    )?;
    // Few enough numbers to be read.
    let labelled = curve.len().div_ceil(9).max(1);
    for row in curve.iter().step_by(labelled) {
        if let Kind::Static { size } = row.kind {
            label_size(area, size, row, chart.backend_coord(&at(row)))?;
        }
    }
    let autos = points
        .iter()
        .filter(|row| matches!(row.kind, Kind::Auto { .. }));
    chart
        .draw_series(LineSeries::new(
            autos.map(|row| at(row)),
            BLUE.stroke_width(2),
        ))?
        .label("hit rate: served at once")
        .legend(|(x, y)| line_and_dot(x, y, BLUE));
    for row in points {
        let (x, y) = chart.backend_coord(&at(row));
        match row.kind {
            Kind::Auto { hit_rate_percent } => {
                let radius = if words::is_asked(row, plan) { 9 } else { 6 };
                chart.draw_series([Circle::new(at(row), radius, BLUE.filled())])?;
                let label = percent(hit_rate_percent);
                let right = style(17, BLUE).pos(Pos::new(HPos::Right, VPos::Center));
                area.draw_text(&label, &right, local(area, (x - 16, y - 12)))?;
            }
            Kind::RateKnown => {
                chart
                    .draw_series([Cross::new(at(row), 11, BLACK.stroke_width(2))])?
                    .label("rate known beforehand")
                    .legend(|(x, y)| Cross::new((x + 11, y), 7, BLACK.stroke_width(2)));
            }
            Kind::Static { size } => {
                chart
                    .draw_series([Circle::new(at(row), 10, ORANGE.stroke_width(3))])?
                    .label(format!("PoolSize, {size}"))
                    .legend(|(x, y)| Circle::new((x + 11, y), 7, ORANGE.stroke_width(3)));
            }
            Kind::None | Kind::PercentOfTheLastHour { .. } => {}
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(WHITE)
        .label_font(style(16, BLACK))
        .draw()?;
    Ok(())
}

/// A fixed size beside its point; below it where the caption is near.
fn label_size(area: &Area, size: u32, row: &Row, (x, y): (i32, i32)) -> Drawn {
    let above = if share(row) > 60.0 { -3 } else { 16 };
    let place = local(area, (x + 8, y - above));
    area.draw_text(&size.to_string(), &style(15, GREY), place)?;
    Ok(())
}

/// A series' sign in the legend.
fn line_and_dot<'a>(
    x: i32,
    y: i32,
    colour: RGBColor,
) -> impl IntoDynElement<'a, SVGBackend<'a>, (i32, i32)> {
    EmptyElement::at((x, y))
        + PathElement::new([(0, 0), (22, 0)], colour.stroke_width(2))
        + Circle::new((11, 0), 4, colour.filled())
}

/// A place of the picture as one of an area in it.
fn local(area: &Area, (x, y): (i32, i32)) -> (i32, i32) {
    let (left, top) = area.get_base_pixel();
    (x - left, y - top)
}

fn draw_week(plan: &Plan, area: &Area) -> Drawn {
    let Week {
        claims,
        sizes,
        start,
    } = &plan.week;
    let end = u32::try_from(claims.len()).unwrap_or(u32::MAX).max(1);
    let fixed = plan.best_static.unwrap_or(0);
    let most = claims.iter().chain(sizes).max().copied().unwrap_or(0);
    let most = most.max(fixed) + 1;
    let mut chart = ChartBuilder::on(area)
        .caption(
            "The busiest week: instances kept ready follow the claims",
            style(20, BLACK),
        )
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(
            (0..end).with_key_points(midnights(*start, end)),
            0..most + most.div_ceil(6),
        )?;
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let day_of = |step: u32| {
        let hour = start.plus(i64::from(step) * 10).hour_of_week();
        days.get(hour / 24).copied().unwrap_or_default().to_owned()
    };
    chart
        .configure_mesh()
        .x_label_formatter(&|step| day_of(*step))
        .x_desc("day (UTC)")
        .y_desc("instances, claims")
        .label_style(style(15, BLACK))
        .axis_desc_style(style(17, BLACK))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(228, 228, 228))
        .max_light_lines(1)
        .draw()?;
    chart
        .draw_series(AreaSeries::new(
            (0..end).zip(claims.iter().copied()),
            0,
            PALE.filled(),
        ))?
        .label(format!(
            "claims per launch time ({:.0} s)",
            plan.input.lead_mean_seconds
        ))
        .legend(|(x, y)| Rectangle::new([(x, y - 7), (x + 22, y + 7)], PALE.filled()));
    if fixed > 0 {
        chart
            .draw_series(LineSeries::new(
                [(0, fixed), (end, fixed)],
                GREY.stroke_width(2),
            ))?
            .label(format!(
                "smallest fixed size that reaches {} %: {fixed}",
                plan.hit_rate_percent
            ))
            .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], GREY.stroke_width(2)));
    }
    chart
        .draw_series(LineSeries::new(steps(sizes), BLUE.stroke_width(2)))?
        .label(format!(
            "instances kept ready at {} %",
            plan.hit_rate_percent
        ))
        .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], BLUE.stroke_width(2)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(WHITE)
        .label_font(style(16, BLACK))
        .draw()?;
    Ok(())
}

/// The steps at which days begin.
fn midnights(start: Minute, end: u32) -> Vec<u32> {
    let minute_of_day = start.minutes().rem_euclid(1_440);
    let first = u32::try_from((1_440 - minute_of_day) % 1_440 / 10).unwrap_or(0);
    (first..end).step_by(144).collect()
}

/// A line that goes up and down in steps.
fn steps(sizes: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    (0..)
        .zip(sizes)
        .flat_map(|(step, size)| [(step, *size), (step + 1, *size)])
}

//! A line chart as SVG that stands in a page: drawn without a script, readable in light and dark.
//!
//! This module must never know what the figures mean.

use std::fmt::Write;

/// The drawing's size, in its own units; the page scales it.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 200.0;
/// Where the lines are: the rest holds the axes' words.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 632.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 172.0;

/// Points of a line at most; of more the highest of several stands for them, so that no peak is lost.
const POINTS_MAX: usize = 290;

/// One line of a chart.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it shows.
    pub name: &'static str,
    /// Its figures in their order, evenly in time; nothing where none was measured.
    pub figures: Vec<Option<f64>>,
}

/// A chart of one line or two. `about` says for who does not see it what there is to see.
pub fn draw(about: &str, unit: &str, seconds: f64, lines: &[Line]) -> String {
    let figures = lines.iter().flat_map(|line| &line.figures).flatten();
    let top = round_up(figures.fold(0.0_f64, |top, figure| top.max(*figure)));
    let mut out =
        format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{about}\">\n");
    // Writing into a `String` cannot fail.
    for quarter in 0..=4 {
        let share = f64::from(quarter) / 4.0;
        let y = BOTTOM - (BOTTOM - TOP) * share;
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"
        );
        if quarter % 2 == 0 {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                short(top * share)
            );
        }
    }
    for (place, anchor) in [(0.0, "start"), (0.5, "middle"), (1.0, "end")] {
        let x = LEFT + (RIGHT - LEFT) * place;
        let time = time(seconds * place);
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{time}</text>",
            BOTTOM + 18.0
        );
    }
    for (number, line) in lines.iter().enumerate() {
        for stretch in stretches(&line.figures, top) {
            match stretch.as_slice() {
                // A figure alone makes no line.
                [(x, y)] => {
                    let _ = writeln!(
                        out,
                        "<circle class=\"dot-{number}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
                    );
                }
                points => {
                    let points: Vec<String> = points
                        .iter()
                        .map(|(x, y)| format!("{x:.1},{y:.1}"))
                        .collect();
                    let points = points.join(" ");
                    let _ = writeln!(
                        out,
                        "<polyline class=\"line-{number}\" points=\"{points}\"/>"
                    );
                }
            }
        }
    }
    out.push_str("</svg>\n<p class=\"legend\">");
    for (number, line) in lines.iter().enumerate() {
        let _ = write!(
            out,
            "<span class=\"key-{number}\">{} ({unit})</span> ",
            line.name
        );
    }
    out.push_str("</p>\n");
    out
}

/// The points of a line, in stretches without a gap.
fn stretches(figures: &[Option<f64>], top: f64) -> Vec<Vec<(f64, f64)>> {
    let width = figures.len().div_ceil(POINTS_MAX).max(1);
    let highest = |some: &[Option<f64>]| some.iter().flatten().copied().reduce(f64::max);
    let points: Vec<Option<f64>> = figures.chunks(width).map(highest).collect();
    let last = points.len().saturating_sub(1).max(1) as f64;
    let mut stretches = vec![Vec::new()];
    for (place, figure) in points.iter().enumerate() {
        match (figure, stretches.last_mut()) {
            (Some(figure), Some(stretch)) => stretch.push((
                LEFT + (RIGHT - LEFT) * place as f64 / last,
                BOTTOM - (BOTTOM - TOP) * (figure / top).clamp(0.0, 1.0),
            )),
            (None, _) => stretches.push(Vec::new()),
            (Some(_), None) => {}
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

/// The next of 1, 2, 5, 10, 20, … above.
fn round_up(figure: f64) -> f64 {
    if figure.is_nan() || figure <= 0.0 {
        return 1.0;
    }
    let power = 10.0_f64.powf(figure.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= figure)
        .unwrap_or(10.0 * power)
}

fn short(figure: f64) -> String {
    if figure == 0.0 || figure >= 10.0 {
        format!("{figure:.0}")
    } else if figure >= 1.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.3}")
    }
}

fn time(seconds: f64) -> String {
    if seconds < 180.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(figures: &[Option<f64>]) -> Line {
        Line {
            name: "delay",
            figures: figures.to_vec(),
        }
    }

    #[test]
    fn axes_end_at_round_figures() {
        let ends = [0.0, 0.003, 0.7, 1.0, 1.1, 49.0, 51.0, 1999.0, f64::NAN].map(round_up);
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        let expected = [1.0, 0.005, 1.0, 1.0, 2.0, 50.0, 100.0, 2000.0, 1.0];
        assert!(
            ends.iter().zip(expected).all(|(end, it)| near(*end, it)),
            "{ends:?}"
        );
    }

    #[test]
    fn a_gap_is_a_gap_and_a_single_figure_a_dot() {
        let chart = draw(
            "it",
            "ms",
            5.0,
            &[line(&[Some(1.0), Some(2.0), None, Some(3.0), None])],
        );
        assert_eq!(chart.matches("<polyline").count(), 1);
        assert_eq!(chart.matches("<circle").count(), 1);
        assert!(chart.contains("delay (ms)"));
        assert!(chart.contains(">5 s<"), "{chart}");
    }

    #[test]
    fn nothing_measured_is_an_empty_chart() {
        for figures in [&[][..], &[None, None]] {
            let chart = draw("it", "ms", 2.0, &[line(figures)]);
            assert!(
                !chart.contains("<polyline") && !chart.contains("NaN"),
                "{chart}"
            );
        }
    }

    #[test]
    fn a_long_line_keeps_its_peak() {
        let mut figures = vec![Some(1.0); 3600];
        figures[1801] = Some(100.0);
        let all: Vec<(f64, f64)> = stretches(&figures, 100.0).concat();
        assert!(all.len() <= POINTS_MAX);
        let highest = all.iter().filter(|(_, y)| (*y - TOP).abs() < 1e-9);
        assert_eq!(highest.count(), 1);
    }
}

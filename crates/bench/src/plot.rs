//! Curves as SVG. They are drawn here, so that a report needs no script, no font and no server.

use std::fmt::Write;

/// The size of the drawing, in its own units.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;
/// Room for the labels at the left and below.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 10.0;
const RIGHT: f64 = 12.0;

/// Grid lines besides the axis.
const TICKS: u32 = 4;

/// One curve.
pub(crate) struct Curve {
    /// What it shows, in the legend.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// How a value is placed along an axis.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// In proportion.
    Linear,
    /// For a share below 1: each step is another nine.
    Nines,
}

/// A drawing of some curves over one axis. Screen readers read `title`.
pub(crate) struct Plot<'a> {
    /// What is shown.
    pub title: &'a str,
    /// The label of the horizontal axis.
    pub across: &'a str,
    /// The label of the vertical axis.
    pub up: &'a str,
    /// The scale of the horizontal axis.
    pub scale: Scale,
    /// The curves; those without points are left out.
    pub curves: Vec<Curve>,
}

impl Plot<'_> {
    /// The SVG element with its legend; `None` if there is nothing to draw.
    pub(crate) fn draw(&self) -> Option<String> {
        let curves: Vec<_> = self.curves.iter().filter(|curve| !curve.points.is_empty()).collect();
        let points = || curves.iter().flat_map(|curve| &curve.points);
        let right = points().map(|point| self.place(point.0)).reduce(f64::max)?.max(f64::MIN_POSITIVE);
        let top = round_up(points().map(|point| point.1).fold(0.0, f64::max));
        let x = |value: f64| LEFT + self.place(value) / right * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP);
        let mut svg = format!(
            r#"<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">"#,
            title = escape(self.title)
        );
        self.grid(&mut svg, right, top, y);
        for (n, curve) in curves.iter().enumerate() {
            let line: String =
                curve.points.iter().map(|point| format!("{:.1},{:.1} ", x(point.0), y(point.1))).collect();
            // A single point makes no line, so a dot shows it.
            if let [point] = curve.points[..] {
                _ = write!(
                    svg,
                    r#"<circle class="c{n} dot" cx="{:.1}" cy="{:.1}" r="3"/>"#,
                    x(point.0),
                    y(point.1)
                );
            }
            _ = write!(svg, r#"<polyline class="c{n}" points="{}"/>"#, line.trim_end());
        }
        svg += "</svg><p class=\"legend\">";
        for (n, curve) in curves.iter().enumerate() {
            _ = write!(svg, r#"<span class="c{n}">{}</span> "#, escape(&curve.name));
        }
        svg += "</p></figure>";
        Some(svg)
    }

    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            // The last share is 1: as far right as six nines.
            Scale::Nines => -(1.0 - value).max(1e-6).log10(),
        }
    }

    fn grid(&self, svg: &mut String, right: f64, top: f64, y: impl Fn(f64) -> f64) {
        for n in 0..=TICKS {
            let value = top * f64::from(n) / f64::from(TICKS);
            let (line, text) = (y(value), y(value) + 4.0);
            _ = write!(
                svg,
                r#"<path class="grid" d="M{LEFT} {line:.1}H{}"/><text x="{}" y="{text:.1}" text-anchor="end">{}</text>"#,
                WIDTH - RIGHT,
                LEFT - 6.0,
                short(value)
            );
        }
        let marks: Vec<(f64, String)> = match self.scale {
            Scale::Linear => (0..=TICKS)
                .map(|n| f64::from(n) / f64::from(TICKS))
                .map(|share| (share, short(share * right)))
                .collect(),
            Scale::Nines => [
                (0.0, "0"),
                (1.0, "90 %"),
                (2.0, "99 %"),
                (3.0, "99.9 %"),
                (4.0, "99.99 %"),
                (5.0, "99.999 %"),
            ]
            .iter()
            .filter(|(place, _)| *place <= right)
            .map(|(place, name)| (place / right, (*name).to_owned()))
            .collect(),
        };
        for (share, name) in marks {
            let x = LEFT + share * (WIDTH - LEFT - RIGHT);
            let y = HEIGHT - BOTTOM + 14.0;
            _ = write!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{name}</text>"#);
        }
        let (across, up) = (escape(self.across), escape(self.up));
        let (middle, bottom) = (LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 6.0);
        _ = write!(svg, r#"<text x="{middle:.1}" y="{bottom:.1}" text-anchor="middle">{across}</text>"#);
        let half = (HEIGHT - BOTTOM) / 2.0;
        _ = write!(
            svg,
            r#"<text transform="translate(12 {half:.1}) rotate(-90)" text-anchor="middle">{up}</text>"#
        );
    }
}

/// The next of 1, 2, 4, 8, 10, 20, …: their quarters are easy to read.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0].iter().map(|step| step * power).find(|top| *top >= value).unwrap_or(value)
}

/// A number in a few characters.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1}M", v / 1e6),
        v if v >= 1e4 => format!("{:.0}k", v / 1e3),
        v if v >= 10.0 || v == 0.0 => format!("{v:.0}"),
        v => format!("{v:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

/// Escapes a text for HTML and SVG, including attributes.
pub(crate) fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            '"' => "&quot;".into(),
            '\'' => "&#39;".into(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(scale: Scale, curves: Vec<Vec<(f64, f64)>>) -> Option<String> {
        let curves = curves.into_iter().map(|points| Curve { name: "a & b".into(), points }).collect();
        Plot { title: "t", across: "s", up: "ms", scale, curves }.draw()
    }

    #[test]
    fn what_has_no_points_is_not_drawn() {
        assert_eq!(plot(Scale::Linear, vec![]), None);
        assert_eq!(plot(Scale::Linear, vec![vec![]]), None);
        let svg = plot(Scale::Linear, vec![vec![], vec![(0.0, 1.0), (1.0, 3.0)]]).unwrap();
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(svg.contains("a &amp; b"));
    }

    #[test]
    fn every_point_lies_within_the_drawing() {
        for (scale, points) in [
            (Scale::Linear, vec![(0.0, 0.0), (3.0, 17.0), (10.0, 0.1)]),
            (Scale::Nines, vec![(0.0, 1.0), (0.99, 20.0), (1.0, 9000.0)]),
            (Scale::Linear, vec![(0.0, 0.0)]),
        ] {
            let svg = plot(scale, vec![points]).unwrap();
            let line = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
            for point in line.split(' ') {
                let (x, y) = point.split_once(',').unwrap();
                assert!((LEFT..=WIDTH).contains(&x.parse::<f64>().unwrap()), "{point}");
                assert!((TOP..=HEIGHT - BOTTOM).contains(&y.parse::<f64>().unwrap()), "{point}");
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 0.25, 0.5, 3.0, 12.4, 9999.0, 25_000.0, 1_234_567.0].map(short);
        assert_eq!(numbers, ["0", "0.25", "0.5", "3", "12", "9999", "25k", "1.2M"]);
    }

    #[test]
    fn the_axis_ends_at_a_number_that_can_be_read() {
        for (value, top) in [(0.0, 1.0), (0.3, 0.4), (1.0, 1.0), (17.0, 20.0), (401.0, 800.0), (9.0, 10.0)] {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}: {}", round_up(value));
        }
    }
}

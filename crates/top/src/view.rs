//! Draws the [`Model`]. Only the sixteen named colours on the terminal's own background; a colour
//! never says anything that a word does not.

use overview::{Alarm, InForce, Node, Report, Severity, Standing, State, amount};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
    widgets::{Sparkline, Widget},
};

use crate::{
    column::{Column, GAP, ago},
    model::{Direction, Model, Page},
};

/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    Colours,
    None,
}

/// The bar, three charts, the orders, the heading of the table, that of the alarms, and a line
/// below them.
pub(super) const FIXED_LINES: u16 = 9;

/// The lines of charts.
const CHARTS: u16 = 3;

/// Where charts begin, behind their names and values.
const CHART_X: u16 = 30;

/// Most lines of alarms below the nodes; the page of alarms shows all.
const ALARM_LINES: usize = 5;

/// What is smaller shows nothing but that.
const SMALLEST: (u16, u16) = (40, 12);

const HELP: [(&str, &str); 6] = [
    ("←→", "sort"),
    ("r", "reverse"),
    ("↑↓", "choose"),
    ("Enter", "details"),
    ("a", "alarms"),
    ("q", "quit"),
];

impl Theme {
    fn coloured(self, colour: Color) -> Style {
        match self {
            Self::Colours => Style::new().fg(colour),
            Self::None => Style::new(),
        }
    }

    fn of_state(self, state: State) -> Style {
        match state {
            State::Silent | State::NotReady => self.coloured(Color::Red).add_modifier(Modifier::BOLD),
            State::Draining | State::Degraded | State::Unknown => self.coloured(Color::Yellow),
            State::Ready => self.coloured(Color::Green),
        }
    }

    fn of_alarm(self, severity: Severity, is_firing: bool) -> Style {
        match (severity, is_firing) {
            (Severity::Page, true) => self.coloured(Color::Red).add_modifier(Modifier::BOLD),
            (_, true) => self.coloured(Color::Yellow),
            (_, false) => Style::new(),
        }
    }
}

/// Draws the whole screen.
pub(super) fn draw(model: &Model, theme: Theme, buffer: &mut Buffer) {
    let area = buffer.area;
    let canvas = &mut Canvas { buffer, theme, area };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        canvas.line(0, "This window is too small.", Style::new());
        return;
    }
    let Some(report) = &model.report else { return };
    canvas.bar(report);
    canvas.charts(report);
    let head = 1 + CHARTS + canvas.orders(1 + CHARTS, report);
    let body = Rect { y: head, height: area.height - 1 - head, ..area };
    match model.page {
        Page::Nodes => canvas.nodes(model, report, body),
        Page::Details => canvas.details(model, body),
        Page::Alarms => canvas.all_alarms(model, report, body),
    }
    canvas.help();
}

/// The page of nodes as text.
pub(super) fn text(model: &Model, width: u16, height: u16) -> String {
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
    let area = buffer.area;
    let Some(report) = &model.report else { return String::new() };
    let mut canvas = Canvas { buffer: &mut buffer, theme: Theme::None, area };
    canvas.bar(report);
    let head = 1 + canvas.orders(1, report);
    let lines = height.saturating_sub(1 + head);
    let end = canvas.table(model, Rect { y: head, height: lines, ..area }, None);
    canvas.alarms(report, Rect { y: end, height: height.saturating_sub(end), ..area }, usize::MAX);
    let rows = (0..height).map(|y| {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        row.trim_end().to_owned()
    });
    let rows: Vec<_> = rows.collect();
    rows.join("\n").trim_end().to_owned()
}

struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
    area: Rect,
}

impl Canvas<'_> {
    /// Writes a text, cut off at the end of the row.
    fn write(&mut self, x: u16, y: u16, text: &str, width: u16, style: Style) {
        let width = width.min(self.area.right().saturating_sub(x));
        if y < self.area.bottom() && width > 0 {
            self.buffer.set_stringn(x, y, text, width.into(), style);
        }
    }

    fn line(&mut self, y: u16, text: &str, style: Style) {
        self.write(0, y, text, self.area.width, style);
    }

    /// The first line: how the whole is.
    fn bar(&mut self, report: &Report) {
        let firing = report.alarms.iter().filter(|alarm| alarm.firing).count();
        let coming = report.alarms.len() - firing;
        let nodes = report.nodes.len();
        let well = match (report.standing, firing, coming) {
            (Standing::BusDown, ..) => "NO CONNECTION TO THE BUS: what follows is old".to_owned(),
            (Standing::Looking, ..) => "looking…".to_owned(),
            (_, 0, 0) => "nothing is wrong".to_owned(),
            (_, 0, coming) => format!("nothing is wrong yet, {coming} to watch"),
            (_, firing, _) => format!("{firing} wrong"),
        };
        let partial = match report.standing {
            Standing::Partial => ". Some nodes do not tell their metrics",
            _ => "",
        };
        let versions: std::collections::BTreeSet<_> =
            report.nodes.iter().map(|node| node.version.as_str()).collect();
        let version = match versions.len() {
            1 => format!("  {}", versions.into_iter().collect::<String>()),
            0 => String::new(),
            several => format!("  {several} versions"),
        };
        let text = format!(" cipher-chat{version}  {nodes} nodes: {well}{partial}");
        let style = Style::new().add_modifier(Modifier::REVERSED);
        let row = Rect { height: 1, ..self.area };
        self.buffer.set_style(row, style);
        self.line(0, &text, style);
    }

    fn charts(&mut self, report: &Report) {
        let history = &report.history;
        let rate = |values: &[f64]| values.last().map_or("-".to_owned(), |last| amount(*last));
        let people = &report.people;
        let waiting = format!("{}, {} waiting", people.chatting, people.waiting);
        for (y, (name, value, values)) in (1..).zip([
            ("chatting", waiting, &history.chatting),
            ("frames/s", rate(&history.frames), &history.frames),
            ("refused/s", rate(&history.refused), &history.refused),
        ]) {
            self.write(1, y, &format!("{name:<10}{value}"), CHART_X - 2, Style::new());
            let width = self.area.width.saturating_sub(CHART_X + 1);
            let area = Rect { x: CHART_X, y, width, height: 1 };
            // Whole numbers are drawn: a thousandth is kept of each.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "neither large nor negative"
            )]
            let points: Vec<u64> = values.iter().map(|value| (value * 1000.0) as u64).collect();
            let shown = &points[points.len().saturating_sub(width.into())..];
            let style = self.theme.coloured(Color::Cyan);
            Sparkline::default().data(shown).style(style).render(area, self.buffer);
        }
    }

    /// What the operator has ordered, if anything, in one line. Returns how many that are.
    fn orders(&mut self, y: u16, report: &Report) -> u16 {
        let of = |order: &InForce| {
            let left = ago(order.until, report.time);
            let place = if order.nodes < order.of {
                format!(", at {} of {} nodes", order.nodes, order.of)
            } else {
                String::new()
            };
            format!("{} for {left} more{place}", order.kind.word())
        };
        let orders: Vec<_> = report.orders.iter().map(of).collect();
        if orders.is_empty() {
            return 0;
        }
        let style = self.theme.coloured(Color::Yellow).add_modifier(Modifier::BOLD);
        self.line(y, &format!(" ordered   {}", orders.join("; ")), style);
        1
    }

    fn nodes(&mut self, model: &Model, report: &Report, area: Rect) {
        let alarms = report.alarms.len().clamp(1, ALARM_LINES);
        let below = u16::try_from(alarms).unwrap_or(u16::MAX) + 1;
        let table = Rect { height: area.height.saturating_sub(below), ..area };
        let nodes = model.nodes();
        self.table(model, table, Some(model.chosen(&nodes)));
        self.alarms(report, Rect { y: table.bottom(), height: below, ..area }, alarms);
    }

    /// The table of nodes, scrolled to the chosen one. Returns the line below it.
    fn table(&mut self, model: &Model, area: Rect, chosen: Option<usize>) -> u16 {
        let columns = Column::that_fit(area.width);
        self.row(area.y, &columns, |column| {
            let (heading, _) = column.heading();
            let mark = match (column == model.sort, model.direction) {
                (false, _) => "",
                (true, Direction::Usual) => "▾",
                (true, Direction::Reversed) => "▴",
            };
            (format!("{heading}{mark}"), Style::new().add_modifier(Modifier::BOLD))
        });
        let nodes = model.nodes();
        let rows = usize::from(area.height.saturating_sub(1));
        let first = chosen.map_or(0, |at| (at + 1).saturating_sub(rows));
        let shown = nodes.iter().enumerate().skip(first).take(rows);
        let mut y = area.y + 1;
        for (number, node) in shown {
            let theme = self.theme;
            self.row(y, &columns, |column| {
                let style = if column == Column::State { theme.of_state(node.state) } else { Style::new() };
                (column.text(node), style)
            });
            if chosen == Some(number) {
                let row = Rect { y, height: 1, ..area };
                self.buffer.set_style(row, Style::new().add_modifier(Modifier::REVERSED));
            }
            y += 1;
        }
        y
    }

    fn row(&mut self, y: u16, columns: &[(Column, u16)], of: impl Fn(Column) -> (String, Style)) {
        let mut x = self.area.x;
        for (column, width) in columns {
            let (text, style) = of(*column);
            let length = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
            let indent = if column.is_text() { 0 } else { width.saturating_sub(length) };
            self.write(x + indent, y, &text, *width, style);
            x += width + GAP;
        }
    }

    fn alarms(&mut self, report: &Report, area: Rect, most: usize) {
        let more = report.alarms.len().saturating_sub(most);
        let title = match more {
            0 => "WRONG".to_owned(),
            more => format!("WRONG (and {more} more: a)"),
        };
        self.line(area.y, &title, Style::new().add_modifier(Modifier::BOLD));
        if report.alarms.is_empty() {
            self.line(area.y + 1, "nothing", Style::new());
        }
        for (y, alarm) in (area.y + 1..area.bottom()).zip(report.alarms.iter().take(most)) {
            self.alarm(y, report, alarm);
        }
    }

    fn alarm(&mut self, y: u16, report: &Report, alarm: &Alarm) {
        let word = if alarm.firing { alarm.severity.word() } else { "soon" };
        let since = ago(report.time, alarm.since);
        let text = format!("{word:<6} {since:>5}  {}: {}", alarm.name, alarm.summary);
        self.line(y, &text, self.theme.of_alarm(alarm.severity, alarm.firing));
    }

    fn all_alarms(&mut self, model: &Model, report: &Report, area: Rect) {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let lines = report.alarms.len() + report.past.len();
        self.line(area.y, &format!("WRONG AND WHAT WAS ({lines}, of the runbook's sections)"), bold);
        if lines == 0 {
            self.line(area.y + 1, "nothing, as long as this has been looking", Style::new());
        }
        let rows = area.y + 1..area.bottom();
        for (y, number) in rows.zip(model.scrolled..lines) {
            match report.alarms.get(number) {
                Some(alarm) => self.alarm(y, report, alarm),
                None => {
                    let past = &report.past[number - report.alarms.len()];
                    let over = ago(report.time, past.until);
                    let lasted = ago(past.until, past.since);
                    let text = format!("over   {over:>5}  {}: {} For {lasted}.", past.name, past.summary);
                    self.line(y, &text, Style::new());
                }
            }
        }
    }

    fn details(&mut self, model: &Model, area: Rect) {
        let nodes = model.nodes();
        let Some(node) = nodes.get(model.chosen(&nodes)) else { return };
        let node: &Node = node;
        let mut y = area.y;
        for column in Column::ALL {
            let style = if column == Column::State { self.theme.of_state(node.state) } else { Style::new() };
            self.write(1, y, column.meaning(), 32, Style::new());
            self.write(34, y, &column.text(node), self.area.width, style);
            y += 1;
            if y >= area.bottom() {
                return;
            }
        }
        self.write(1, y, "started again, as seen from here", 32, Style::new());
        self.write(34, y, &node.restarts.to_string(), self.area.width, Style::new());
    }

    fn help(&mut self) {
        let y = self.area.bottom() - 1;
        let mut x = 1;
        for (key, what) in HELP {
            let text = format!("{key} {what}");
            let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
            self.write(x, y, &text, width, Style::new());
            let key_width = u16::try_from(key.chars().count()).unwrap_or(u16::MAX);
            self.write(x, y, key, key_width, Style::new().add_modifier(Modifier::BOLD));
            x += width + 2;
        }
    }
}

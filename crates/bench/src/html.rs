//! The report as one self-contained page: no scripts, no fonts, nothing that is loaded.

use std::fmt::Write;

use super::{
    plot::{Curve, Plot, Scale, escape},
    report::{Quantiles, Summary},
};

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid var(--line); border-radius: 6px; font-size: 13px; }
figure { margin: 2rem 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; opacity: .8; }
polyline { fill: none; stroke-width: 1.8; stroke: currentColor; } .grid { stroke: var(--line); }
.legend { margin: 0; font-size: 13px; } .legend span::before { content: '— '; font-weight: 700; }
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); }
.dot { fill: currentColor; }
.legend .c0 { color: var(--c0); } .legend .c1 { color: var(--c1); } .legend .c2 { color: var(--c2); } .legend .c3 { color: var(--c3); }
";

/// The page.
pub(crate) fn page(summary: &Summary) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>cipher-chat bench</title><style>{STYLE}</style></head>\n<body><h1>cipher-chat bench</h1>\n<pre>{}</pre>\n",
        escape(&summary.to_string())
    );
    for plot in [latency(summary), percentiles(summary), throughput(summary), memory(summary), cpu(summary)] {
        page.extend(plot.draw());
        page.push('\n');
    }
    _ = writeln!(page, "<p>cipher-chat {}</p></body></html>", escape(summary.version));
    page
}

fn latency(summary: &Summary) -> Plot<'_> {
    let curve = |name: &str, of: fn(&Quantiles) -> Option<f64>| Curve {
        name: name.into(),
        points: over_time(summary, of),
    };
    Plot {
        title: "Latency over time",
        across: "seconds",
        up: "ms",
        scale: Scale::Linear,
        curves: vec![curve("p50", |q| q.p50), curve("p99", |q| q.p99), curve("longest", |q| q.max)],
    }
}

fn percentiles(summary: &Summary) -> Plot<'_> {
    let curve =
        Curve { name: "not exceeded by this share of messages".into(), points: summary.curve.clone() };
    Plot {
        title: "Latency by percentile",
        across: "share of messages",
        up: "ms",
        scale: Scale::Nines,
        curves: vec![curve],
    }
}

fn throughput(summary: &Summary) -> Plot<'_> {
    let seconds = summary.stretch_seconds as f64;
    let points = over_time(summary, |q| Some(q.count as f64))
        .into_iter()
        .map(|(x, count)| (x, count / seconds))
        .collect();
    let curves = vec![Curve { name: "delivered".into(), points }];
    Plot { title: "Throughput", across: "seconds", up: "messages/s", scale: Scale::Linear, curves }
}

fn memory(summary: &Summary) -> Plot<'_> {
    let curves = summary.servers.iter().map(|server| Curve {
        name: format!("{} ({})", server.name, server.pid),
        points: server.samples.iter().map(|s| (s.second.max(0.0), s.memory as f64 / 1_048_576.0)).collect(),
    });
    Plot {
        title: "Memory of the servers",
        across: "seconds",
        up: "MiB (PSS)",
        scale: Scale::Linear,
        curves: curves.collect(),
    }
}

fn cpu(summary: &Summary) -> Plot<'_> {
    let curves = summary.servers.iter().map(|server| {
        let between = server.samples.windows(2).filter(|two| two[1].second > two[0].second);
        let points =
            between.map(|two| (two[1].second, (two[1].cpu - two[0].cpu) / (two[1].second - two[0].second)));
        Curve { name: format!("{} ({})", server.name, server.pid), points: points.collect() }
    });
    Plot {
        title: "Processor time of the servers",
        across: "seconds",
        up: "cores",
        scale: Scale::Linear,
        curves: curves.collect(),
    }
}

/// The value of each stretch that has one, at the end of the stretch.
fn over_time(summary: &Summary, of: fn(&Quantiles) -> Option<f64>) -> Vec<(f64, f64)> {
    let stretches = summary.stretches.iter().enumerate();
    stretches.filter_map(|(n, q)| Some((((n as u64 + 1) * summary.stretch_seconds) as f64, of(q)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::summary;

    /// The elements of the page that have no end tag.
    const VOID: [&str; 2] = ["meta", "!doctype"];

    /// Checks that every tag is closed in the right order, and returns the names of all.
    fn tags(page: &str) -> Vec<String> {
        let (mut open, mut all) = (Vec::new(), Vec::new());
        let mut rest = page;
        while let Some((_, after)) = rest.split_once('<') {
            let (tag, after) = after.split_once('>').expect("a tag ends");
            rest = after;
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap().to_owned();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "closed in turn");
            } else {
                assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
                all.push(name.clone());
                if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
                    open.push(name);
                }
            }
        }
        assert_eq!(open, Vec::<String>::new(), "all are closed");
        all
    }

    #[test]
    fn the_page_is_well_formed_and_shows_every_curve() {
        let tags = tags(&page(&summary()));
        let count = |name: &str| tags.iter().filter(|tag| *tag == name).count();
        assert_eq!(count("svg"), 5);
        assert_eq!(count("polyline"), 3 + 1 + 1 + 1 + 1);
    }

    #[test]
    fn the_page_loads_nothing() {
        let mut summary = summary();
        // The page does not contain the addresses of the servers.
        summary.plan.urls = vec!["http://127.0.0.1:8080".into()];
        let page = page(&summary);
        for word in
            ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<script", "<link", "onload"]
        {
            assert!(!page.contains(word), "{word}");
        }
    }

    #[test]
    fn what_servers_send_is_shown_as_text() {
        let page = page(&summary());
        assert!(page.contains("&lt;script&gt;alert(1)"), "shown");
        assert!(page.contains("a&lt;b"));
    }

    #[test]
    fn a_run_without_messages_and_servers_has_a_page_too() {
        let mut summary = summary();
        (summary.servers, summary.curve, summary.stretches) = (vec![], vec![], vec![]);
        assert!(!tags(&page(&summary)).contains(&"svg".to_owned()));
    }
}

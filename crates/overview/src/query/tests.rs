use std::time::Duration;

use schemas::{NodeId, UnixMillis};

use super::{Labels, Moment, Query};
use crate::samples::Samples;

/// What two nodes have told: `n` counts up by 2 a second at `g1` and by 1 at `g2`, which starts
/// again after a minute.
fn told() -> Samples {
    let names = ["n_total", "gauge", "wait_bucket", "info"].map(str::to_owned);
    let mut samples = Samples::of(names);
    for second in 0..=120_u64 {
        for (node, step) in [("g1", 2), ("g2", 1)] {
            let id: NodeId = node.parse().unwrap();
            let own = Labels::from([("node".to_owned(), node.to_owned())]);
            let count = if node == "g2" && second > 60 { second - 61 } else { second * step };
            let text = format!(
                "n_total{{cause=\"a b\"}} {count}\nn_total{{cause=\"c\"}} 5\ngauge {step}\ninfo{{version=\"{step}\"}} 1\n\
                 wait_bucket{{le=\"1.0\"}} {}\nwait_bucket{{le=\"2.0\"}} {}\nwait_bucket{{le=\"+Inf\"}} {}\n",
                second,
                second * 2,
                second * 2
            );
            samples.read(UnixMillis::from_secs(1000 + second), &id, &own, &text);
        }
    }
    samples
}

const NOW: UnixMillis = UnixMillis(1_120_000);

/// The answer as text: labels and values.
fn answer(samples: &Samples, query: &str) -> String {
    let parsed = Query::parse(query).unwrap_or_else(|error| panic!("{error}"));
    let values = Moment { samples, now: NOW }.answer(&parsed).into_vector();
    let shown = |(labels, value): (Labels, f64)| {
        let labels: Vec<_> = labels.values().cloned().collect();
        format!("{} {value:.2}", labels.join(","))
    };
    values.into_iter().map(shown).collect::<Vec<_>>().join("; ")
}

#[test]
fn queries_are_answered_as_prometheus_answers_them() {
    let samples = told();
    for (query, expected) in [
        ("gauge", "g1 1.00; g2 1.00".replace("g1 1", "g1 2")),
        ("gauge > 1", "g1 2.00".into()),
        ("gauge > bool 1", "g1 1.00; g2 0.00".into()),
        ("sum(gauge)", " 3.00".into()),
        ("count(gauge) + 1", " 3.00".into()),
        ("max(gauge) - min(gauge)", " 1.00".into()),
        ("avg(gauge)", " 1.50".into()),
        ("sum by (cause) (n_total{node=\"g1\"})", "a b 240.00; c 5.00".into()),
        ("sum without (cause) (n_total{node=\"g1\"})", "g1 245.00".into()),
        ("sum(n_total) by (node)", "g1 245.00; g2 64.00".into()),
        ("n_total{cause=~\"a b|d\", node!=\"g2\"}", "a b,g1 240.00".into()),
        ("n_total{cause!~\"a b|d\"}", "c,g1 5.00; c,g2 5.00".into()),
        ("n_total{cause=~\".+\", node=\"g1\", more=\"\"}", "a b,g1 240.00; c,g1 5.00".into()),
        ("rate(n_total{cause=\"a b\",node=\"g1\"}[1m])", "a b,g1 2.00".into()),
        ("increase(n_total{cause=\"a b\",node=\"g1\"}[1m])", "a b,g1 120.00".into()),
        // From 60 to 0, and on to 59: 59 in all, from the sixtieth second on.
        ("increase(n_total{cause=\"a b\",node=\"g2\"}[1m])", "a b,g2 59.00".into()),
        ("changes(gauge[1m])", "g1 0.00; g2 0.00".into()),
        ("changes(n_total{cause=\"a b\",node=\"g1\"}[30s])", "a b,g1 3.00".into()),
        ("max_over_time(n_total{cause=\"a b\",node=\"g2\"}[90s])", "a b,g2 60.00".into()),
        ("-gauge * 2 + 1", "g1 -3.00; g2 -1.00".into()),
        ("2 - gauge / 2", "g1 1.00; g2 1.50".into()),
        ("gauge / on(node) sum by (node) (n_total{cause=\"c\"})", "g1 0.40; g2 0.20".into()),
        ("gauge / ignoring(version) info * 3", "g1 6.00; g2 3.00".into()),
        ("missing", String::new()),
        ("sum(missing)", String::new()),
        ("(sum(missing) or vector(0)) < 1", " 0.00".into()),
        ("absent(missing)", " 1.00".into()),
        ("absent(gauge)", String::new()),
        ("gauge and gauge > 1", "g1 2.00".into()),
        ("gauge unless gauge > 1", "g2 1.00".into()),
        ("gauge > 5 or gauge < 2", "g2 1.00".into()),
        ("time() - 1000", " 120.00".into()),
        ("abs(gauge - 3)", "g1 1.00; g2 2.00".into()),
        ("clamp_min(gauge, 1.5)", "g1 2.00; g2 1.50".into()),
        ("count(count by (version) (info)) > 1", " 2.00".into()),
        ("1 > 2", String::new()),
        ("histogram_quantile(0.5, rate(wait_bucket[1m]))", "g1 1.00; g2 1.00".into()),
        ("histogram_quantile(0.75, sum by (le) (rate(wait_bucket[1m])))", " 1.50".into()),
        ("histogram_quantile(0.9, missing)", String::new()),
    ] {
        assert_eq!(answer(&samples, query), expected, "{query}");
    }
}

#[test]
fn what_is_not_told_any_more_has_no_value_and_still_has_grown() {
    let samples = told();
    let later = Moment { samples: &samples, now: NOW + Duration::from_secs(11) };
    let of = |query: &str| later.answer(&Query::parse(query).unwrap()).into_vector().len();
    assert_eq!((of("gauge"), of("increase(n_total[1m])")), (0, 4));
}

#[test]
fn what_is_not_understood_is_a_fault() {
    for query in [
        "",
        "a +",
        "(a",
        "a)",
        "sum(a",
        "rate(a)",
        "abs(a[5m])",
        "unknown(a)",
        "vector()",
        "a{b}",
        "a{b=~\"c.*d\"}",
        "a{b=\"\\\"\"}",
        "a[5]",
        "a[5m",
        "a @ 3",
        "1.2.3",
        "by",
        "sum by a (b)",
    ] {
        // `by` alone is a series of that name, as in PromQL.
        assert_eq!(Query::parse(query).is_err(), query != "by", "{query}");
    }
    assert!(Query::parse(&"(".repeat(10_000)).is_err(), "depth is bounded");
}

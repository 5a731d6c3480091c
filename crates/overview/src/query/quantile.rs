//! What a share of the values of a histogram does not exceed.

use std::collections::BTreeMap;

use super::Labels;

/// The label that bounds a bucket.
const BOUND: &str = "le";

/// The quantile of each histogram whose buckets are given: within a bucket, values are taken to be
/// spread evenly. What lies above the last bound counts as that bound. Without values there is
/// none.
pub(super) fn of_histograms(q: f64, buckets: Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
    let mut histograms: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (mut labels, count) in buckets {
        let Some(bound) = labels.remove(BOUND) else { continue };
        let bound = if bound == "+Inf" { Some(f64::INFINITY) } else { bound.parse().ok() };
        if let Some(bound) = bound {
            histograms.entry(labels).or_default().push((bound, count));
        }
    }
    histograms.into_iter().filter_map(|(labels, buckets)| Some((labels, quantile(q, buckets)?))).collect()
}

fn quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> Option<f64> {
    buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (_, all) = *buckets.last()?;
    if all <= 0.0 {
        return None;
    }
    let rank = q * all;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= rank {
            let is_open = bound.is_infinite() || count <= below;
            return Some(if is_open {
                lower
            } else {
                lower + (bound - lower) * (rank - below) / (count - below)
            });
        }
        (lower, below) = (bound, count);
    }
    Some(lower)
}

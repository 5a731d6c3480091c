//! The results of a run as a table for people.

use std::fmt;

use super::report::{Quantiles, Summary, Verdict};

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.plan;
        let name = |word: &dyn fmt::Debug| format!("{word:?}").to_lowercase();
        let (scenario, content) = (name(&plan.scenario), name(&plan.content));
        let (pairs, secs, processes, arrival) = (plan.pairs, plan.secs, self.processes, self.arrival_seconds);
        writeln!(
            f,
            "{scenario}, {content}: {pairs} pairs, {secs} s, {processes} process(es), all met in {arrival:.1} s\n"
        )?;
        self.times(f)?;
        self.counts(f)?;
        self.servers(f)?;
        for (trouble, count) in &self.troubles {
            writeln!(f, "trouble: {trouble} ({count} times)")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))?;
        f.write_str(match self.verdict {
            Verdict::Kept => "\nevery promise was kept",
            Verdict::Broken => "\nPROMISES WERE BROKEN: see the counts above",
        })
    }
}

impl Summary {
    fn times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: [(&str, &Quantiles); 4] = [
            ("latency", &self.latency),
            ("connecting", &self.connecting),
            ("meeting", &self.meeting),
            ("recovery", &self.recovery),
        ];
        let head = ["count", "p50", "p90", "p99", "p99.9", "max"];
        write!(f, "{:<12}", "ms")?;
        head.iter().try_for_each(|word| write!(f, "{word:>10}"))?;
        for (name, row) in rows.into_iter().filter(|(_, row)| row.count > 0) {
            write!(f, "\n{name:<12}{:>10}", row.count)?;
            let values = [row.p50, row.p90, row.p99, row.p999, row.max];
            values.iter().try_for_each(|value| write!(f, "{:>10.2}", value.unwrap_or_default()))?;
        }
        writeln!(f, "\n")
    }

    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(f, "{:<12}{:>10} ({:.1}/s)", "delivered", counts.delivered, self.delivered_per_second)?;
        let always =
            [("lost", counts.lost), ("duplicated", counts.duplicated), ("reordered", counts.reordered)];
        let sometimes = [
            ("foreign", counts.foreign),
            ("held back", counts.held_back),
            ("cut off", counts.disconnected),
            ("resumed", counts.resumed),
            ("broken", counts.broken),
            ("refused", counts.rate_limited),
            ("slow closed", counts.slow_closed),
        ];
        let sometimes = sometimes.into_iter().filter(|(_, count)| *count > 0);
        always.into_iter().chain(sometimes).try_for_each(|(name, count)| writeln!(f, "{name:<12}{count:>10}"))
    }

    fn servers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for server in &self.servers {
            let memory = server.samples.last().map_or(0, |sample| sample.memory) / 1024;
            writeln!(
                f,
                "{:<12}{memory:>10} KiB, {:.2} s of CPU ({})",
                server.name,
                server.cpu(),
                server.pid
            )?;
        }
        if let Some(bytes) = self.memory_per_connection() {
            writeln!(
                f,
                "memory per connection: {bytes:.0} bytes (with everybody connected, less what was used before)"
            )?;
        }
        if let Some(micros) = self.cpu_per_message() {
            writeln!(f, "CPU per message: {micros:.1} µs")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::summary;

    #[test]
    fn the_table_shows_losses_and_what_a_connection_costs() {
        let table = summary().to_string();
        for words in [
            "lost                 1",
            "PROMISES WERE BROKEN",
            "trouble: <script>",
            "p99.9",
            "CPU per message",
        ] {
            assert!(table.contains(words), "{words} in:\n{table}");
        }
        assert_eq!(
            summary().memory_per_connection(),
            Some(f64::from(1 << 20) / 20.0),
            "everybody connected, less what was used before"
        );
        assert_eq!(summary().cpu_per_message(), Some(90_000.0));
    }
}

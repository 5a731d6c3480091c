//! What the named server processes use, according to the kernel (proc(5)): memory as PSS, processor
//! time as user and system time.

use std::fs;

use anyhow::Context;
use serde::Serialize;

/// The unit of processor time in `/proc/PID/stat`: `USER_HZ`, which is 100 on every architecture
/// that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Most processes that are watched.
pub(crate) const WATCHED_MAX: usize = 64;

/// What one process uses at one time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// Seconds since the chats began; negative before.
    pub second: f64,
    /// Proportional set size, in bytes.
    pub memory: u64,
    /// Processor time since the process began, in seconds.
    pub cpu: f64,
}

/// One process over the run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Watched {
    /// Its id.
    pub pid: u32,
    /// Its program.
    pub name: String,
    /// Before anybody had connected.
    pub before: Sample,
    /// One for each stretch since all had met, until the process has ended.
    pub samples: Vec<Sample>,
}

impl Watched {
    /// Takes the first sample of a process.
    ///
    /// # Errors
    /// If there is no process with this id, or it belongs to another user.
    pub(crate) fn new(pid: u32) -> anyhow::Result<Self> {
        let seen = || -> anyhow::Result<Self> {
            let name = fs::read_to_string(format!("/proc/{pid}/comm"))?.trim().to_owned();
            Ok(Self { pid, name, before: look(pid, 0.0)?, samples: Vec::new() })
        };
        seen().with_context(|| {
            format!(
                "cannot read what process {pid} uses (it must run on this Linux machine, as the same user)"
            )
        })
    }

    /// Takes another sample.
    pub(crate) fn look(&mut self, second: f64) {
        // A process that a storm has ended has no more samples.
        self.samples.extend(look(self.pid, second));
    }

    /// Processor time between the first and the last sample since all had met, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let (first, last) = (self.samples.first(), self.samples.last());
        last.zip(first).map_or(0.0, |(last, first)| last.cpu - first.cpu)
    }
}

/// Whether a process runs this program. A storm may kill no other.
pub(crate) fn is_ours(pid: u32) -> bool {
    let program = |path: String| fs::read_link(path).ok()?.file_name().map(ToOwned::to_owned);
    let own = program("/proc/self/exe".into());
    own.is_some() && program(format!("/proc/{pid}/exe")) == own
}

fn look(pid: u32, second: f64) -> anyhow::Result<Sample> {
    let memory = pss(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?).context("no Pss")?;
    let cpu = cpu(&fs::read_to_string(format!("/proc/{pid}/stat"))?).context("no utime")?;
    Ok(Sample { second, memory, cpu })
}

fn pss(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// User and system time: fields 14 and 15. The second field, a name in parentheses, may contain
/// anything.
fn cpu(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let ticks: u32 = [fields.next()?, fields.next()?]
        .iter()
        .try_fold(0u32, |sum, ticks| sum.checked_add(ticks.parse().ok()?))?;
    Some(f64::from(ticks) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_processor_time_are_read_as_the_kernel_writes_them() {
        assert_eq!(
            pss("7ff-fff [rollup]\nRss:  900 kB\nPss:     123 kB\nPss_Dirty: 7 kB\n"),
            Some(123 * 1024)
        );
        assert_eq!(pss("Rss: 1 kB"), None);
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 9 9 20 0 1 0 100";
        assert_eq!(cpu(stat), Some(3.0));
        assert_eq!(cpu("7 (x) S 1"), None);
    }

    #[test]
    fn a_missing_process_is_refused_with_its_number() {
        let fault = Watched::new(u32::MAX).unwrap_err().to_string();
        assert!(fault.contains(&u32::MAX.to_string()), "{fault}");
        assert!(!is_ours(u32::MAX) && is_ours(std::process::id()));
    }

    #[test]
    fn the_own_process_can_be_watched() {
        let mut watched = Watched::new(std::process::id()).unwrap();
        watched.look(1.0);
        watched.look(2.0);
        assert!(watched.before.memory > 0 && watched.samples.len() == 2 && watched.cpu() >= 0.0);
    }
}

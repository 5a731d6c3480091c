//! What the process itself uses, its version, and when its certificates end.

use std::{collections::BTreeMap, fmt::Error, fs, path::PathBuf};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};
use rlimit::Resource;
use rustix::time::{ClockId, clock_gettime};
use schemas::UnixMillis;
use serving::certificate::Validity;

/// The files of a process that is running, as Linux shows them.
const OPEN_FILES: &str = "/proc/self/fd";

/// How much memory it has, among other things.
const STATUS: &str = "/proc/self/status";

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Shown to NATS.
    Bus,
    /// Shown to clients or a proxy.
    Clients,
    /// Shown on the ops listener.
    Operations,
}

impl Use {
    const fn word(self) -> &'static str {
        match self {
            Self::Bus => "bus",
            Self::Clients => "clients",
            Self::Operations => "operations",
        }
    }
}

/// The metrics of the process, read when they are asked for.
#[derive(Debug)]
pub struct ProcessMetrics {
    /// When it was started.
    pub started: UnixMillis,
    /// The program's version.
    pub version: &'static str,
    /// The files of its certificates.
    pub certificates: BTreeMap<Use, PathBuf>,
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), Error> {
        encoder
            .encode_descriptor("build", "The version that is running", None, MetricType::Info)?
            .encode_info(&[("version", self.version)])?;
        self.encode_certificates(&mut encoder)?;
        let started = self.started.as_secs();
        gauge(&mut encoder, "process_start_time", "When the process was started", &Unit::Seconds, &started)?;
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let used = used.tv_sec as f64 + used.tv_nsec as f64 / 1e9;
        counter(&mut encoder, "process_cpu", "Processor time used", &Unit::Seconds, &used)?;
        // The rest is what Linux tells. Elsewhere it is not there.
        let resident = fs::read_to_string(STATUS).ok().and_then(|status| resident_bytes(&status));
        if let Some(bytes) = resident {
            gauge(&mut encoder, "process_resident_memory", "Memory in use", &Unit::Bytes, &bytes)?;
        }
        if let Ok(files) = fs::read_dir(OPEN_FILES) {
            // Without the one by which they are counted.
            let open = i64::try_from(files.count()).unwrap_or(i64::MAX) - 1;
            let help = "Open files, connections among them";
            gauge(&mut encoder, "process_open", help, &Unit::Other("fds".into()), &open)?;
        }
        if let Ok((limit, _)) = Resource::NOFILE.get() {
            let help = "How many files the process may open";
            gauge(&mut encoder, "process_max", help, &Unit::Other("fds".into()), &limit)?;
        }
        Ok(())
    }
}

impl ProcessMetrics {
    /// Those of the files as they are now: what was renewed is seen. A file that cannot be read is
    /// not there.
    fn encode_certificates(&self, encoder: &mut DescriptorEncoder) -> Result<(), Error> {
        let name = "node_certificate_not_after_timestamp";
        let help = "When the certificate in this node's file ends, since the Unix epoch";
        let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for (used, file) in &self.certificates {
            if let Some(validity) = Validity::of_file(file) {
                metric.encode_family(&[("use", used.word())])?.encode_gauge(&validity.until)?;
            }
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: &Unit,
    value: &impl EncodeGaugeValue,
) -> Result<(), Error> {
    encoder.encode_descriptor(name, help, Some(unit), MetricType::Gauge)?.encode_gauge(value)
}

fn counter(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: &Unit,
    value: &impl EncodeCounterValue,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, Some(unit), MetricType::Counter)?;
    metric.encode_counter::<NoLabelSet, _, f64>(value, None)
}

/// The resident memory of a process whose `/proc/…/status` this is.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    fn shown(certificates: BTreeMap<Use, PathBuf>) -> String {
        let mut registry = Registry::with_prefix("cipher_chat");
        let started = UnixMillis(1_800_000_000_500);
        registry.register_collector(Box::new(ProcessMetrics { started, version: "1.2.3", certificates }));
        let mut shown = String::new();
        text::encode(&mut shown, &registry).unwrap();
        shown
    }

    #[test]
    fn a_process_shows_what_it_is_and_what_it_uses() {
        let shown = shown(BTreeMap::new());
        assert!(shown.contains("\ncipher_chat_build_info{version=\"1.2.3\"} 1\n"), "{shown}");
        assert!(shown.contains("\ncipher_chat_process_start_time_seconds 1800000000\n"), "{shown}");
        let value = |name: &str| -> f64 {
            let line = shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name} in {shown}")).parse().unwrap()
        };
        assert!(value("cipher_chat_process_cpu_seconds_total") > 0.0);
        if cfg!(target_os = "linux") {
            assert!(value("cipher_chat_process_resident_memory_bytes") > 1e5);
            let open = value("cipher_chat_process_open_fds");
            assert!((3.0..=value("cipher_chat_process_max_fds")).contains(&open), "{open}");
        }
    }

    #[test]
    fn the_end_of_a_certificate_is_that_of_its_file() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = std::env::temp_dir().join(format!("certificate-{:016x}.pem", rand::random::<u64>()));
        fs::write(&file, made.cert.pem()).unwrap();
        let missing = file.with_extension("missing");
        let shown = shown([(Use::Bus, file.clone()), (Use::Clients, missing)].into());
        fs::remove_file(file).unwrap();
        let ends = shown.lines().filter(|line| line.contains("{use=")).collect::<Vec<_>>();
        // What the library sets if it is not told.
        let expected = "cipher_chat_node_certificate_not_after_timestamp_seconds{use=\"bus\"} 67090118400";
        assert_eq!(ends, [expected]);
    }

    #[test]
    fn memory_is_read_from_what_linux_shows() {
        let status = "Name:\tcipher-chat\nVmPeak:\t  99 kB\nVmRSS:\t   12345 kB\nThreads:\t4\n";
        assert_eq!(resident_bytes(status), Some(12345 * 1024));
        assert_eq!(resident_bytes("Name:\tx\n"), None);
    }
}

//! Where traces go, and how many of them.

use super::{Directory, read};
use crate::options::configuration::Serve;

#[test]
fn a_collector_is_named_by_scheme_host_and_port() {
    let told = |words: &[&str]| {
        read::<Serve>(words).map(|serve| serve.node.traces).map_err(|fault| fault.to_string())
    };
    for wrong in [
        "10.0.0.9:4317",
        "grpc://10.0.0.9:4317",
        "http://10.0.0.9",
        "http://:4317",
        "http://user:secret-word@host:4317",
        "http://host:4317/v1/traces",
        "http://host:0",
        "http://[::1:4317",
    ] {
        let fault = told(&["--otlp-endpoint", wrong]).unwrap_err();
        assert!(
            fault.contains("--otlp-endpoint: write http://HOST:PORT") && !fault.contains("secret-word"),
            "{fault}"
        );
    }
    for wrong in ["-0.1", "1.1", "NaN", "many", "1%"] {
        let fault = told(&["--trace-sample", wrong]).unwrap_err();
        assert!(fault.contains("write a number from 0 to 1"), "{fault}");
    }
    let directory = Directory::new();
    let fault = told(&["--otlp-ca", &directory.file("ca.pem", "any")]).unwrap_err();
    assert!(fault.contains("--otlp-ca: it needs --otlp-endpoint with https://"), "{fault}");
    assert_eq!(told(&[]).unwrap(), None);
}

#[cfg(feature = "traces")]
#[test]
fn traces_are_as_the_options_say() {
    for url in ["http://10.0.0.9:4317", "http://[::1]:4317/", "http://collector_1.internal:4317"] {
        let traces =
            read::<Serve>(&["--otlp-endpoint", url, "--trace-sample", "0.5"]).unwrap().node.traces.unwrap();
        assert_eq!((traces.endpoint.as_str(), traces.sample), (url, 0.5));
    }
    let sample = read::<Serve>(&["--otlp-endpoint", "http://a:1"]).unwrap().node.traces.unwrap().sample;
    assert_eq!(sample, 0.01);
    let directory = Directory::new();
    let ca = directory.file("ca.pem", "nonsense");
    let words = ["--otlp-endpoint", "https://a:1", "--otlp-ca", &ca];
    let fault = read::<Serve>(&words).unwrap_err().to_string();
    assert!(fault.contains("--otlp-ca") && fault.contains("authorities"), "{fault}");
    let missing = ["--otlp-endpoint", "https://a:1", "--otlp-ca", "/nowhere/ca.pem"];
    let fault = read::<Serve>(&missing).unwrap_err().to_string();
    assert!(fault.contains("--otlp-ca"), "{fault}");
}

#[cfg(not(feature = "traces"))]
#[test]
fn a_program_without_traces_says_so() {
    let fault = read::<Serve>(&["--otlp-endpoint", "http://a:1"]).unwrap_err().to_string();
    assert!(fault.contains("--otlp-endpoint: this program was built without traces"), "{fault}");
}

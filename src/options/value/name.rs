//! Names of files, nodes, certificates and topics.

use std::{fs::File, io::Read, path::PathBuf};

use gateway::config::OfferedTopic;
use rustls::pki_types::DnsName;
use schemas::NodeId;

use super::{Repeat, Value, Wrong, each};

/// A file to read. Only whether it can be read is checked here; its user checks the content.
impl Value for PathBuf {
    const FORM: &'static str = "FILE";

    fn parse(text: &str) -> Result<Self, Wrong> {
        // Reads a byte, since a directory can be opened as well.
        let read = File::open(text).and_then(|mut file| file.read(&mut [0]));
        read.map_err(|fault| format!("{text}: {fault}"))?;
        Ok(text.into())
    }
}

impl Value for NodeId {
    const FORM: &'static str = "NAME";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |_| {
            format!("{text:?} is not a node's name: it has 1 to 64 of A-Z a-z 0-9 _ -, and is not a role's")
        };
        Ok(text.parse().map_err(wrong)?)
    }
}

/// A DNS name that a certificate must be valid for.
#[derive(Clone, Debug)]
pub struct CertificateName(pub String);

impl Value for CertificateName {
    const FORM: &'static str = "NAME";

    fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |_| {
            format!("{text:?} is not a DNS name: give a subject alternative name of the client's certificate")
        };
        DnsName::try_from(text).map_err(wrong)?;
        Ok(Self(text.to_owned()))
    }
}

impl Value for Vec<OfferedTopic> {
    const FORM: &'static str = "TOPIC[,TOPIC…]";
    const REPEAT: Repeat = Repeat::List;

    fn parse(text: &str) -> Result<Self, Wrong> {
        each(text, |item| match item.parse() {
            Ok(topic) => Ok(OfferedTopic { shown: item.to_owned(), topic }),
            Err(fault) => Err(format!("{item:?}: {fault}")),
        })
    }
}

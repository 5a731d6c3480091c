//! Contexts of the `nats` command: where the servers are, and as whom to connect.

use std::path::Path;

use schemas::subject::INBOX;
use serde::Serialize;

use crate::plan::{Kind, Member, Plan};

/// The port of NATS for clients, unless the file is edited.
const PORT: u16 = 4222;

/// The fields of a context that are not empty.
#[derive(Serialize)]
struct Context<'a> {
    description: &'a str,
    url: String,
    ca: String,
    cert: String,
    key: String,
    inbox_prefix: String,
}

/// Where the `nats` command looks for it, if its `XDG_CONFIG_HOME` is the member's directory.
pub(crate) fn file(member: &Member) -> String {
    format!("nats/context/{}.json", member.name)
}

/// The context of a member, whose files are in `dir`.
pub(crate) fn text(member: &Member, plan: &Plan, dir: &Path) -> String {
    let own = |file: &str| dir.join(&member.name).join(file).to_string_lossy().into_owned();
    let url = |server: &Member| format!("tls://{}:{PORT}", server.hosts.first().unwrap_or(&server.name));
    let context = Context {
        description: match member.kind {
            Kind::System => "cipher-chat: the NATS servers themselves",
            _ => "cipher-chat: who runs, and how rooms and keys come and go",
        },
        url: plan.of_kind(Kind::Nats).map(url).collect::<Vec<_>>().join(","),
        ca: own("bus-ca.pem"),
        cert: own("bus.pem"),
        key: own("bus.key"),
        inbox_prefix: format!("{INBOX}{}", member.name),
    };
    // Strings only: this cannot fail.
    serde_json::to_string_pretty(&context).unwrap_or_default() + "\n"
}

//! Writes the file of users and permissions for the NATS servers. A user is one certificate, by its
//! whole distinguished name, so that the generation counts.

use std::fmt::Write;

use schemas::subject::{self, Permissions};

use crate::plan::{Kind, Member, Plan, SYSTEM};

/// The beginning of the file.
const HEAD: &str = "\
# Written by `cipher-chat pki` from the subjects that each role publishes and receives: do not edit.
# A user is a certificate of the authority `bus`, by its whole distinguished name: its name, its
# generation, and its role. After `cipher-chat pki DIR --revoke NAME` the generation before is
# nobody.
";

/// The text of the file.
pub(crate) fn text(plan: &Plan) -> String {
    let nodes = plan.nodes();
    let mut text = HEAD.to_owned();
    text.push_str("\naccounts: {\n  CHAT: { users: [\n");
    for member in plan.present() {
        match member.kind.role().zip(member.name.parse().ok()) {
            Some((role, node)) => push(&mut text, member, &Permissions::of_node(role, &node, &nodes)),
            // The console is an operator's: the same, in the operator's name.
            None if matches!(member.kind, Kind::Operator | Kind::Console) => {
                push(&mut text, member, &Permissions::of_operator());
            }
            None => {}
        }
    }
    text.push_str("  ] }\n  SYSTEM: { users: [\n");
    plan.of_kind(Kind::System).for_each(|member| push(&mut text, member, &of_system()));
    text.push_str("  ] }\n}\nsystem_account: SYSTEM\n");
    text
}

fn push(text: &mut String, member: &Member, permissions: &Permissions) {
    let list =
        |list: &[String]| -> String { list.iter().map(|subject| format!("\n        {subject:?}")).collect() };
    // Writing to a string cannot fail.
    _ = write!(
        text,
        "    {{ user: {:?}, permissions: {{\n      publish: {{ allow: [{}\n      ] }}\n      subscribe: {{ allow: \
         [{}\n      ] }}\n    }} }}\n",
        member.distinguished_name(),
        list(&permissions.publish),
        list(&permissions.subscribe),
    );
}

/// The system account: questions to the servers about themselves, and their events. Nothing here
/// changes a server or ends a connection.
fn of_system() -> Permissions {
    const ASKED: [&str; 8] = ["CONNZ", "GATEWAYZ", "HEALTHZ", "IDZ", "ROUTEZ", "STATSZ", "SUBSZ", "VARZ"];
    let inboxes = subject::inboxes(SYSTEM);
    let mut publish = vec!["$SYS.REQ.SERVER.PING".to_owned()];
    publish.extend(ASKED.map(|what| format!("$SYS.REQ.SERVER.PING.{what}")));
    publish.extend(ASKED.map(|what| format!("$SYS.REQ.SERVER.*.{what}")));
    publish.extend(["CONNZ", "SUBSZ", "INFO", "STATZ"].map(|what| format!("$SYS.REQ.ACCOUNT.*.{what}")));
    Permissions { publish, subscribe: vec!["$SYS.SERVER.>".into(), "$SYS.ACCOUNT.>".into(), inboxes] }
}

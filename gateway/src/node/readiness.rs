//! Whether clients may be sent to this gateway.

use schemas::Service;
use serving::ops::Readiness;

use super::Node;

impl Node {
    /// Whether this gateway can do its work, and why not.
    pub fn readiness(&self) -> Readiness {
        let mut faults: Vec<_> = self.health().faults().iter().map(ToString::to_string).collect();
        if !self.is_synced() || !self.tokens().knows_keys() {
            faults.push("the other gateways' keys are not known yet".to_owned());
        }
        if self.is_draining() {
            faults.push("this node is about to stop".to_owned());
        }
        let mut lacks = Vec::new();
        for role in self.health().missing() {
            let Some(lack) = lack(role) else { continue };
            let list = if self.config().ready_needs.contains(&role) { &mut faults } else { &mut lacks };
            list.push(lack.to_owned());
        }
        Readiness { faults, lacks }
    }
}

/// What it means for people that nobody fills a role; `None` if this gateway fills it.
fn lack(role: Service) -> Option<&'static str> {
    match role {
        Service::Gateway => None,
        Service::Pairing => Some("no pairing node is running: nobody is matched"),
        Service::Janitor => Some("no janitor node is running: nothing expires"),
    }
}

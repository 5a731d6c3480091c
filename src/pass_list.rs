//! The file of the passes that are taken back: read again on SIGHUP, and when it changes.

use std::{path::PathBuf, sync::Arc};

use gateway::node::Node;
use parking_lot::Mutex;
use serving::reload::Contents;

use crate::options;

/// The list of `--revoked-passes`.
pub struct PassList {
    file: PathBuf,
    /// `None` until it was read again: it may have changed since the options were read.
    seen: Mutex<Option<Contents>>,
    gateway: Arc<Node>,
}

impl PassList {
    /// The list of this file, for this gateway, which has it as it was at the start.
    pub fn new(file: PathBuf, gateway: Arc<Node>) -> Self {
        Self { file, seen: Mutex::new(None), gateway }
    }

    /// Reads it again if it has changed. Returns whether there was anything to tell.
    pub fn look(&self) -> bool {
        let found = Contents::of([&*self.file]);
        if self.seen.lock().replace(found) == Some(found) {
            return false;
        }
        let list = options::read_list(&self.file).map_err(|fault| fault.to_string());
        match list.and_then(|list| self.gateway.take_revoked_passes(&list).map_err(|fault| fault.to_string()))
        {
            // The gateway itself tells of a newer one.
            Ok(is_newer) => is_newer,
            Err(fault) => {
                tracing::error!(
                    event = "passes.unfit",
                    of = "a file",
                    fault,
                    "a list of revoked passes is unfit: the one before counts"
                );
                true
            }
        }
    }
}

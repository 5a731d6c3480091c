//! Certificate files that change while they are in use: a new one is taken for the connections that
//! come from then on, and one that is unfit is not taken.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use parking_lot::{Mutex, RwLock};
use records::Acceptor;

use crate::{
    certificate::Validity,
    tls::{self, AcceptedNames, TlsError, TlsFiles},
};

/// What lies in files, for a comparison: a hash of their contents. What cannot be read is another
/// content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents(u64);

impl Contents {
    /// That of these files.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut hasher = DefaultHasher::new();
        for path in paths {
            fs::read(path).map_err(|fault| fault.kind()).hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

/// What a look at the files has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// They are as they were.
    Same,
    /// What is new in them is in use.
    Taken,
}

/// The certificate, the key, and who may connect, of one or more listeners.
pub struct Certificates {
    files: TlsFiles,
    /// What was looked at last, fit or not.
    seen: Mutex<Contents>,
    /// What is in use.
    used: RwLock<Used>,
}

struct Used {
    acceptor: Acceptor,
    validity: Option<Validity>,
}

impl Used {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { acceptor: tls::acceptor(files)?, validity: Validity::of(files) })
    }
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// If one is missing or unfit.
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let seen = Mutex::new(contents(&files));
        let used = RwLock::new(Used::read(&files)?);
        Ok(Self { files, seen, used })
    }

    /// Where they lie.
    pub fn files(&self) -> &TlsFiles {
        &self.files
    }

    /// For the next connection.
    pub fn acceptor(&self) -> Acceptor {
        self.used.read().acceptor.clone()
    }

    /// When the certificate that is shown is good.
    pub fn validity(&self) -> Option<Validity> {
        self.used.read().validity
    }

    /// Reads the files again if they have changed since the last look. Connections go on with what
    /// they began with.
    ///
    /// # Errors
    /// If a file is missing or unfit: then what was in use stays so. Told once for each change.
    pub fn renew(&self) -> Result<Renewed, TlsError> {
        let found = contents(&self.files);
        if std::mem::replace(&mut *self.seen.lock(), found) == found {
            return Ok(Renewed::Same);
        }
        *self.used.write() = Used::read(&self.files)?;
        Ok(Renewed::Taken)
    }
}

fn contents(TlsFiles { cert, key, client_ca, client_names }: &TlsFiles) -> Contents {
    let names = match client_names {
        AcceptedNames::Listed(path) => Some(path),
        AcceptedNames::Any | AcceptedNames::Name(_) => None,
    };
    Contents::of(
        [Some(cert), Some(key), client_ca.as_ref(), names].into_iter().flatten().map(|path| path.as_path()),
    )
}

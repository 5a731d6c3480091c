//! The directory of the files. Each is written whole or not at all: beside its place, to the disk,
//! and then moved there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::plan::AUTHORITIES;

/// The file that one run at a time holds locked.
const LOCK: &str = ".lock";

/// What is appended to a file's name until it is whole.
const UNFINISHED: &str = ".new";

/// A file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// Its owner.
    Secret,
    /// Everybody on the machine.
    Public,
}

impl Secrecy {
    const fn mode(self) -> u32 {
        match self {
            Self::Secret => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// The directory, locked against other runs until it is dropped.
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory if it is not there, and waits for a run that has it locked.
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let fault = |source| FileError { path: path.into(), source };
        make(path, 0o755).map_err(fault)?;
        let path = path.canonicalize().map_err(fault)?;
        let locked = || {
            let mut options = OpenOptions::new();
            let lock = options.create(true).truncate(false).write(true).mode(0o600).open(path.join(LOCK))?;
            lock.lock()?;
            Ok(lock)
        };
        let lock = locked().map_err(|source| FileError { path: path.join(LOCK), source })?;
        let dir = Self { path, _lock: lock };
        make(&dir.path.join(AUTHORITIES), 0o700).map_err(|source| dir.fault(AUTHORITIES, source))?;
        Ok(dir)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The text of a file; `None` if it is not there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, FileError> {
        match fs::read_to_string(self.path.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(self.fault(name, fault)),
        }
    }

    /// Writes a file whole, over one that there was.
    pub(crate) fn write(&self, name: &str, content: &[u8], secrecy: Secrecy) -> Result<(), FileError> {
        self.try_write(name, content, secrecy).map_err(|fault| self.fault(name, fault))
    }

    /// Writes a file if it does not hold this already. Returns whether it was written.
    pub(crate) fn update(&self, name: &str, content: &str, secrecy: Secrecy) -> Result<bool, FileError> {
        if self.read(name)?.as_deref() == Some(content) {
            return Ok(false);
        }
        self.write(name, content.as_bytes(), secrecy)?;
        Ok(true)
    }

    fn try_write(&self, name: &str, content: &[u8], secrecy: Secrecy) -> io::Result<()> {
        let path = self.path.join(name);
        let parent = path.parent().unwrap_or(&self.path);
        make(parent, 0o755)?;
        let unfinished = path.with_added_extension(UNFINISHED.trim_start_matches('.'));
        // What a run that was cut off has left, perhaps with another mode.
        match fs::remove_file(&unfinished) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault),
            _ => {}
        }
        let mut file =
            OpenOptions::new().create_new(true).write(true).mode(secrecy.mode()).open(&unfinished)?;
        // The mode at creation is less what the umask takes.
        file.set_permissions(fs::Permissions::from_mode(secrecy.mode()))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(parent)?.sync_all()
    }

    fn fault(&self, name: &str, source: io::Error) -> FileError {
        FileError { path: self.path.join(name), source }
    }
}

fn make(path: &Path, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path)
}

//! The data folder: made private, and owned by one process at a time.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::Fault;

/// The lock's name in the data folder. Its content, the owner's process id, is for people.
pub(super) const LOCK_FILE: &str = "roundtable.lock";

/// Ownership of a data folder, given up when it is dropped or the process ends in any way.
pub(super) struct FolderLock {
    _file: File,
}

/// A process that owns a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Its id, where it has left it.
    pub process: Option<u32>,
}

/// Makes the folder if it is not there, for this user alone (mode 0700).
pub(super) fn make(folder: &Path) -> Result<(), Fault> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|why| Fault::folder(folder, why))
}

/// Makes an empty file for this user alone (mode 0600) if it is not there.
pub(super) fn make_file(folder: &Path, path: &Path) -> Result<File, Fault> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|why| Fault::folder(folder, why))
}

/// Who owns the folder, if anybody does, without taking it.
pub(super) fn owner(folder: &Path) -> Result<Option<Owner>, Fault> {
    let mut file = match File::open(folder.join(LOCK_FILE)) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(Fault::folder(folder, why)),
    };
    // Shared, and given back at once: two that only look do not see one another.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(Owner {
            process: process_in(&mut file),
        })),
        Err(TryLockError::Error(why)) => Err(Fault::folder(folder, why)),
    }
}

/// Takes the folder, or says who has it.
pub(super) fn lock(folder: &Path) -> Result<FolderLock, Fault> {
    let mut file = make_file(folder, &folder.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Fault::InUse {
                folder: folder.to_owned(),
                owner: process_in(&mut file),
            });
        }
        Err(TryLockError::Error(why)) => return Err(Fault::folder(folder, why)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|why| Fault::folder(folder, why))?;
    Ok(FolderLock { _file: file })
}

/// Who it is only helps: without it the answer stands.
fn process_in(lock: &mut File) -> Option<u32> {
    let mut owner = String::new();
    lock.take(20).read_to_string(&mut owner).ok()?;
    owner.trim().parse().ok()
}

//! SHELL. The file with the key that signs invites: made once, readable by its owner alone.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Invites, NotAKey};

/// The file's name in the data folder.
pub const KEY_FILE: &str = "invite-key.pem";

/// A longer file is no Ed25519 key, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 4096;
/// Characters of a PEM line (RFC 7468 section 2).
const PEM_LINE_CHARS: usize = 64;

/// Why there is no key to sign invites with.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The file cannot be read or written.
    #[error("cannot use the key {}: {why}", path.display())]
    File { path: PathBuf, why: io::Error },
    /// Others could have read it.
    #[error(
        "the key {} can be read by others (mode {mode:04o}): make it private with chmod 600, or \
         remove it to have a new one made, which ends all links",
        path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    /// The file is damaged or something else.
    #[error("{} is {why}", path.display())]
    NotAKey { path: PathBuf, why: NotAKey },
    /// The system gives no randomness.
    #[error("no key could be made: the system gives no randomness")]
    Randomness,
}

/// The invites of a data folder's key, which is made if there is none. The folder must exist.
pub fn load_or_make(folder: &Path) -> Result<Invites, KeyFault> {
    let path = folder.join(KEY_FILE);
    let fault = |why| KeyFault::File {
        path: path.clone(),
        why,
    };
    if !path.try_exists().map_err(fault)? {
        make(folder, &path)?;
    }
    load(folder)
}

/// The invites of a data folder's key.
pub fn load(folder: &Path) -> Result<Invites, KeyFault> {
    let path = folder.join(KEY_FILE);
    let fault = |why| KeyFault::File {
        path: path.clone(),
        why,
    };
    let file = File::open(&path).map_err(fault)?;
    let mode = file.metadata().map_err(fault)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFault::Exposed { path, mode });
    }
    let mut pem = String::new();
    file.take(KEY_FILE_BYTES_MAX)
        .read_to_string(&mut pem)
        .map_err(fault)?;
    Invites::ed25519(&pem).map_err(|why| KeyFault::NotAKey { path, why })
}

/// Makes the key. The file appears complete or not at all; of two processes that make one at the
/// same time the first wins, and its key is the one that both then load.
fn make(folder: &Path, path: &Path) -> Result<(), KeyFault> {
    let key = Ed25519KeyPair::generate().map_err(|_| KeyFault::Randomness)?;
    let der = key.to_pkcs8v1().map_err(|_| KeyFault::Randomness)?;
    let pem = to_pem(der.as_ref());
    let draft = folder.join(format!("{KEY_FILE}.{}", std::process::id()));
    let written = write_new(&draft, pem.as_bytes())
        // A link, unlike a renaming, never replaces a key that is there.
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        })
        .and_then(|()| File::open(folder)?.sync_all());
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(|why| KeyFault::File {
        path: path.to_owned(),
        why,
    })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn to_pem(der: &[u8]) -> String {
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for (index, character) in BASE64_STANDARD.encode(der).chars().enumerate() {
        if index > 0 && index.is_multiple_of(PEM_LINE_CHARS) {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem.push_str("\n-----END PRIVATE KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect()
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        load_or_make(folder.path()).expect("a key");
        assert_eq!(names(folder.path()), [KEY_FILE]);
        let path = folder.path().join(KEY_FILE);
        let mode = fs::metadata(&path).expect("the file").mode();
        assert_eq!(mode & 0o7777, 0o600);

        let first = fs::read_to_string(&path).expect("the file");
        load_or_make(folder.path()).expect("the same key");
        load(folder.path()).expect("the same key");
        assert_eq!(fs::read_to_string(&path).expect("the file"), first);
    }

    #[test]
    fn a_key_that_appears_meanwhile_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        load_or_make(folder.path()).expect("a key");
        let path = folder.path().join(KEY_FILE);
        let first = fs::read_to_string(&path).expect("the file");
        make(folder.path(), &path).expect("the other's key");
        assert_eq!(fs::read_to_string(&path).expect("the file"), first);
        assert_eq!(names(folder.path()), [KEY_FILE]);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        load_or_make(folder.path()).expect("a key");
        let path = folder.path().join(KEY_FILE);
        for mode in [0o640, 0o604, 0o620, 0o644] {
            set_mode(&path, mode);
            let refused = load_or_make(folder.path()).err();
            let exposed =
                matches!(refused, Some(KeyFault::Exposed { mode: found, .. }) if found == mode);
            assert!(exposed, "{mode:o}: {refused:?}");
        }
        set_mode(&path, 0o400);
        load_or_make(folder.path()).expect("a private key");
    }

    #[test]
    fn a_missing_or_damaged_key_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = load(folder.path()).err().expect("no key").to_string();
        assert!(missing.contains(KEY_FILE), "{missing}");
        write_new(&folder.path().join(KEY_FILE), b"not a key").expect("a file");
        let damaged = load_or_make(folder.path()).err().expect("no key");
        assert!(matches!(damaged, KeyFault::NotAKey { .. }), "{damaged:?}");
    }
}

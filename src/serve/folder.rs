//! SHELL. Where everything is kept when nobody says where: in the user's data folder.

use std::path::{Path, PathBuf};

/// The system names no data folder for this user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this user has no home and so no data folder: give one with --data DIR")]
pub struct Homeless;

/// The folder that was asked for, or the user's own.
pub fn data_folder(asked: &Path) -> Result<PathBuf, Homeless> {
    if !asked.as_os_str().is_empty() {
        return Ok(asked.to_owned());
    }
    directories::ProjectDirs::from("", "", "roundtable")
        .map(|folders| folders.data_dir().to_owned())
        .ok_or(Homeless)
}

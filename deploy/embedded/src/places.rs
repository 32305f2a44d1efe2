//! Where data lies when nobody says otherwise.

use std::{env, path::PathBuf};

use crate::error::Error;

/// The default folder for persistent data: `/var/lib/signoff` for root, for others
/// `$XDG_DATA_HOME/signoff` or `~/.local/share/signoff`.
///
/// # Errors
/// [`Error::NoHome`] when an ordinary user has neither variable set.
pub fn default_data_folder() -> Result<PathBuf, Error> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    place(rustix::process::geteuid().is_root(), absolute("XDG_DATA_HOME"), absolute("HOME"))
}

fn place(root: bool, data_home: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf, Error> {
    if root {
        return Ok("/var/lib/signoff".into());
    }
    data_home
        .or_else(|| home.map(|home| home.join(".local/share")))
        .map(|base| base.join("signoff"))
        .ok_or(Error::NoHome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_place() {
        let home = || Some(PathBuf::from("/home/ann"));
        assert_eq!(place(true, None, home()).unwrap(), PathBuf::from("/var/lib/signoff"));
        assert_eq!(
            place(false, None, home()).unwrap(),
            PathBuf::from("/home/ann/.local/share/signoff")
        );
        assert_eq!(
            place(false, Some("/data".into()), home()).unwrap(),
            PathBuf::from("/data/signoff")
        );
        assert!(matches!(place(false, None, None), Err(Error::NoHome)));
    }
}

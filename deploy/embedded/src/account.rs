//! The user that runs the server.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use crate::error::{Error, io};

/// The user that runs the server: ourselves, or, as root, somebody less powerful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    name: String,
    /// User and group to change to; `None` when we run the server as ourselves.
    ids: Option<(u32, u32)>,
}

impl Account {
    /// The user to run a server as: ourselves, unless we are root. Then it is the user `postgres`,
    /// or `nobody` where there is none.
    ///
    /// # Errors
    /// [`Error::NoAccount`] when we are root and neither exists; [`Error::Io`] when `/etc/passwd`
    /// cannot be read.
    pub fn choose() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { name: "(ourselves)".into(), ids: None });
        }
        let path = Path::new("/etc/passwd");
        let passwd = fs::read_to_string(path).map_err(io("read", path))?;
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| {
                ids_of(&passwd, name).map(|ids| Self { name: name.into(), ids: Some(ids) })
            })
            .ok_or(Error::NoAccount)
    }

    /// As [`Account::choose`], but as root the owner of an existing cluster stays its user.
    pub(crate) fn for_cluster(data: &Path) -> Result<Self, Error> {
        let chosen = Self::choose()?;
        match (chosen.ids, fs::metadata(data)) {
            (Some(_), Ok(meta)) if meta.uid() != 0 => Ok(Self {
                name: format!("uid {}", meta.uid()),
                ids: Some((meta.uid(), meta.gid())),
            }),
            _ => Ok(chosen),
        }
    }

    /// The user's name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), Error> {
        match self.ids {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)).map_err(io("chown", path)),
            None => Ok(()),
        }
    }

    /// Lets a command run as this user.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
        }
    }

    /// Checks that this user can enter a folder and all folders above it.
    pub(crate) fn can_enter(&self, folder: &Path) -> Result<(), Error> {
        let Some(ids) = self.ids else { return Ok(()) };
        let folder = folder.canonicalize().map_err(io("find", folder))?;
        let above: Vec<&Path> = folder.ancestors().collect();
        for step in above.into_iter().rev() {
            if !allowed(step, ids, 0o1)? {
                return Err(Error::Blocked { folder: step.into(), user: self.name.clone() });
            }
        }
        Ok(())
    }

    /// Checks that this user can make folders in a folder.
    pub(crate) fn can_write(&self, folder: &Path) -> Result<(), Error> {
        self.can_enter(folder)?;
        match self.ids {
            Some(ids) if !allowed(folder, ids, 0o2)? => {
                Err(Error::Blocked { folder: folder.into(), user: self.name.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// Whether a user and group have a right (4 read, 2 write, 1 enter) on a path.
fn allowed(path: &Path, (uid, gid): (u32, u32), right: u32) -> Result<bool, Error> {
    let meta = fs::metadata(path).map_err(io("look at", path))?;
    let shift = match (meta.uid() == uid, meta.gid() == gid) {
        (true, _) => 6,
        (false, true) => 3,
        (false, false) => 0,
    };
    Ok(meta.mode() & (right << shift) != 0)
}

/// User and group id of a name, from the text of a passwd file.
fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_from_the_passwd_line_of_that_name() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nnobody2:x:7:7::/:/x\nnobody:x:65534:65533:n:/:/x\n";
        assert_eq!(ids_of(passwd, "nobody"), Some((65534, 65533)));
        assert_eq!(ids_of(passwd, "postgres"), None);
        assert_eq!(ids_of("postgres:x:oops:1::/:/x", "postgres"), None);
    }

    #[test]
    fn the_folder_that_blocks_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        let stranger = Account { name: "stranger".into(), ids: Some((64_123, 64_123)) };
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let refused = stranger.can_enter(&inner).unwrap_err();
        assert!(
            matches!(&refused, Error::Blocked { folder, .. } if *folder == outer.path().canonicalize().unwrap()),
            "{refused}"
        );
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o711)).unwrap();
        stranger.can_enter(&inner).unwrap();
    }
}

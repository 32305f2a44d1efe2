//! `signoff key`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod helper;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use helper::run;
use serde_json::Value;
use signoff_chassis::identity::{Jwks, SigningKey};

#[test]
fn a_key_is_made_once_and_its_public_half_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.key");
    let made = run(&["key", "--out", file.to_str().unwrap()]);
    assert_eq!(made.status.code(), Some(0));

    let key = SigningKey::load(&file).unwrap();
    let printed: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(printed["keys"][0]["kid"], key.kid());
    let public = folder.path().join("jwks.json");
    fs::write(&public, &made.stdout).unwrap();
    assert_eq!(Jwks::load(&public).unwrap(), Jwks::of([&key]));
    let private = fs::read(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!String::from_utf8_lossy(&made.stdout).contains("\"d\""), "no private part");

    // Whatever the old one signs would not count any more.
    assert_eq!(run(&["key", "--out", file.to_str().unwrap()]).status.code(), Some(1));
    assert_eq!(fs::read(&file).unwrap(), private);
}

//! The token with which one service asks another.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use signoff_chassis::identity::{SigningKey, TokenClaims};
use signoff_workflow::Role;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::endpoints::write_private_line;

/// How long a token is valid: a system that is put to sleep for a night finds it good.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often it is renewed while the system runs.
const RENEW_EVERY: Duration = Duration::from_secs(60 * 60);
/// The user id of services. They are no person, and leave no trace in a trail by reading.
const USER: i64 = 1;

/// A service's token, in a file that only its owner can read.
#[derive(Clone)]
pub(crate) struct ServiceToken {
    path: PathBuf,
    subject: String,
}

impl ServiceToken {
    /// The token of a service, in a data folder.
    pub(crate) fn of(service: &str, folder: &Path) -> Self {
        Self {
            path: folder.join(format!("{service}.token")),
            subject: format!("signoff-{service}"),
        }
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new one, signed by the local identity provider.
    pub(crate) fn renew(&self, key: &SigningKey) -> Result<()> {
        let claims = TokenClaims::new(USER, self.subject.as_str(), LIFE);
        let token = key.sign_token(&claims.with_roles([Role::Service]))?;
        write_private_line(&self.path, token.as_bytes())
    }

    /// Renews it until told to stop.
    pub(crate) async fn keep_fresh(self, key: Arc<SigningKey>, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(RENEW_EVERY)).await.is_some() {
            if let Err(error) = self.renew(&key) {
                tracing::warn!("the token of {} is not renewed: {error:#}", self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use signoff_chassis::identity::{
        AUDIENCE, Jwks, KeySource, LOCAL_ISSUER, TokenOptions, TokenVerifier,
    };

    use super::*;

    #[tokio::test]
    async fn a_token_is_private_and_renewed_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate().unwrap();
        let jwks = folder.path().join("provider-jwks.json");
        Jwks::of([&key]).save(&jwks).unwrap();
        let token = ServiceToken::of("versioning", folder.path());
        let options = TokenOptions::new(LOCAL_ISSUER, AUDIENCE, KeySource::File(jwks));
        let verifier = TokenVerifier::open(options).await.unwrap();
        for _time in 0..2 {
            token.renew(&key).unwrap();
            let mode = fs::metadata(token.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let written = fs::read_to_string(token.path()).unwrap();
            let principal = verifier.verify(written.trim_end()).await.unwrap();
            assert_eq!(principal.subject, "signoff-versioning");
            assert_eq!(principal.roles, [Role::Service]);
        }
        let names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(names.contains(&"versioning.token".to_owned()) && names.len() == 2, "{names:?}");
    }
}

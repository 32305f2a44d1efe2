//! Public keys, as a JSON Web Key Set (RFC 7517).

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm,
    OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::key::{file_error, folder_of};
use super::public_key::PublicKey;
use super::{KeyError, SigningKey};

/// The public parts of keys that sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jwks(JwkSet);

/// A set whose keys may be anything.
#[derive(Deserialize)]
struct AnyKeys {
    keys: Vec<serde_json::Value>,
}

impl Jwks {
    /// The public parts of these keys.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Self {
        Self(JwkSet { keys: keys.into_iter().map(public_part).collect() })
    }

    /// Reads a set. Keys of other kinds may be in it; they verify nothing here.
    ///
    /// # Errors
    /// If the file cannot be read or is no key set.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let text = fs::read(path).map_err(|source| file_error(path, source))?;
        Self::parse(&text)
            .map_err(|reason| KeyError::NotAKeySet { at: path.display().to_string(), reason })
    }

    /// Reads a set from its text. One key that cannot be read does not spoil the others.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let set: AnyKeys = serde_json::from_slice(text).map_err(|e| e.to_string())?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(JwkSet { keys: keys.collect() }))
    }

    /// Writes the set, readable for everybody, in the place of one that is there. Whoever reads
    /// the file at that moment sees the old set or the new one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let error = |source| file_error(path, source);
        let mut text =
            serde_json::to_vec_pretty(&self.0).map_err(|e| error(std::io::Error::other(e)))?;
        text.push(b'\n');
        let mut file = NamedTempFile::new_in(folder_of(path)).map_err(error)?;
        file.write_all(&text).map_err(error)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(error)?;
        file.as_file().sync_all().map_err(error)?;
        file.persist(path).map(drop).map_err(|refused| error(refused.error))
    }

    /// The keys that can verify something, by their kid.
    pub(super) fn public_keys(&self) -> HashMap<String, PublicKey> {
        self.0.keys.iter().filter_map(PublicKey::of).collect()
    }

    /// The keys that can verify an assertion, by their kid: Ed25519 only.
    pub(super) fn verifying(&self) -> HashMap<String, DecodingKey> {
        let fitting = self
            .public_keys()
            .into_iter()
            .filter_map(|(kid, key)| Some((kid, key.for_algorithm(Algorithm::EdDSA)?.clone())));
        fitting.collect()
    }
}

fn public_part(key: &SigningKey) -> Jwk {
    Jwk {
        common: CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(KeyAlgorithm::EdDSA),
            key_id: Some(key.kid().to_owned()),
            ..CommonParameters::default()
        },
        algorithm: AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
            key_type: OctetKeyPairType::OctetKeyPair,
            curve: EllipticCurve::Ed25519,
            x: key.public(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_comes_back_as_it_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        let (one, two) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        Jwks::of([&one]).save(&path).unwrap();
        let set = Jwks::of([&one, &two]);
        set.save(&path).unwrap();
        let loaded = Jwks::load(&path).unwrap();
        assert_eq!(loaded, set);
        let verifying = loaded.verifying();
        assert!(verifying.contains_key(one.kid()) && verifying.contains_key(two.kid()));
    }

    #[test]
    fn only_named_ed25519_keys_verify() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let n = "sRJjz1E2xQ";
        let set = format!(
            r#"{{"keys": [
                {{"kty": "OKP", "crv": "Ed25519", "x": "{x}"}},
                {{"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "short"}},
                {{"kty": "OKP", "crv": "Ed25519", "x": "{x}", "kid": "for-encryption", "use": "enc"}},
                {{"kty": "oct", "k": "{x}", "kid": "shared"}},
                {{"kty": "RSA", "n": "{n}", "e": "AQAB", "kid": "rsa"}},
                {{"kty": "new", "kid": "unheard-of"}},
                {{"kty": "OKP", "crv": "Ed25519", "x": "{x}", "kid": 7}},
                "no key at all",
                {{"kty": "OKP", "crv": "Ed25519", "x": "{x}", "kid": "good"}}
            ]}}"#
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        fs::write(&path, set).unwrap();
        let verifying = Jwks::load(&path).unwrap().verifying();
        assert_eq!(verifying.keys().collect::<Vec<_>>(), ["good"]);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwks.json");
        assert!(matches!(Jwks::load(&path), Err(KeyError::File { .. })));
        fs::write(&path, "{").unwrap();
        assert!(matches!(Jwks::load(&path), Err(KeyError::NotAKeySet { .. })));
    }
}

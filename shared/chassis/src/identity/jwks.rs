//! Public keys, as a JSON Web Key Set (RFC 7517).

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm,
    OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse,
};
use tempfile::NamedTempFile;

use super::key::{file_error, folder_of};
use super::{KeyError, SigningKey};

/// Bytes of an Ed25519 public key.
const PUBLIC_KEY: usize = 32;

/// The public parts of keys that sign assertions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwks(JwkSet);

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
        serde_json::from_slice(&text)
            .map(Self)
            .map_err(|e| KeyError::NotAKeySet { path: path.to_owned(), reason: e.to_string() })
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

    /// The keys that can verify an assertion, by their kid: Ed25519 only.
    pub(super) fn verifying(&self) -> HashMap<String, DecodingKey> {
        self.0.keys.iter().filter_map(verifying).collect()
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

fn verifying(jwk: &Jwk) -> Option<(String, DecodingKey)> {
    let AlgorithmParameters::OctetKeyPair(parameters) = &jwk.algorithm else {
        return None;
    };
    let public = URL_SAFE_NO_PAD.decode(&parameters.x).ok()?;
    let is_usable = parameters.curve == EllipticCurve::Ed25519
        && public.len() == PUBLIC_KEY
        && matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature))
        && matches!(jwk.common.key_algorithm, None | Some(KeyAlgorithm::EdDSA));
    let kid = jwk.common.key_id.clone().filter(|_| is_usable)?;
    Some((kid, DecodingKey::from_ed_der(&public)))
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

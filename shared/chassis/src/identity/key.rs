//! A private key that signs.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::{Claims, KeyError, TokenClaims, install};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// Characters in a line of PEM (RFC 7468).
const PEM_LINE: usize = 64;

/// An Ed25519 key that signs: assertions if it is the gateway's, tokens if it is that of a local
/// identity provider.
pub struct SigningKey {
    pkcs8: Vec<u8>,
    encoding: EncodingKey,
    public: [u8; 32],
    kid: String,
}

impl SigningKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] if there is no randomness to be had.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Crypto)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Crypto)?;
        Self::from_pkcs8(pkcs8.as_ref()).ok_or(KeyError::Crypto)
    }

    /// Reads a key: PKCS#8 in PEM.
    ///
    /// # Errors
    /// If the file cannot be read or holds no Ed25519 key.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let pem = fs::read_to_string(path).map_err(|source| file_error(path, source))?;
        pem_body(&pem)
            .and_then(|der| Self::from_pkcs8(&der))
            .ok_or_else(|| KeyError::NotAKey(path.to_owned()))
    }

    /// Writes the key, readable for its owner only. It appears whole or not at all.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if there is a file already: a key is never overwritten.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        // Temporary files have mode 0600.
        let mut file = NamedTempFile::new_in(folder_of(path)).map_err(|e| file_error(path, e))?;
        file.write_all(self.pem().as_bytes()).map_err(|e| file_error(path, e))?;
        file.as_file().sync_all().map_err(|e| file_error(path, e))?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeyError::Exists(path.to_owned()))
            }
            Err(refused) => Err(file_error(path, refused.error)),
        }
    }

    /// The key's name: the thumbprint of its public part (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs an assertion.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] if the library fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        self.sign_any(claims)
    }

    /// Signs a token, as the identity provider would.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] if the library fails.
    pub fn sign_token(&self, claims: &TokenClaims) -> Result<String, KeyError> {
        self.sign_any(claims)
    }

    fn sign_any(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|_| KeyError::Crypto)
    }

    /// The public part, in the encoding of JSON Web Keys.
    pub(super) fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.public)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        install();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().ok()?;
        // Members in lexical order, without spaces: what the thumbprint is defined over.
        let canonical =
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
        Some(Self {
            pkcs8: pkcs8.to_vec(),
            encoding: EncodingKey::from_ed_der(pkcs8),
            public,
            kid: URL_SAFE_NO_PAD.encode(Sha256::digest(canonical)),
        })
    }

    fn pem(&self) -> String {
        let body = STANDARD.encode(&self.pkcs8);
        let mut pem = format!("{BEGIN}\n");
        for (i, character) in body.chars().enumerate() {
            if i > 0 && i % PEM_LINE == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem.push('\n');
        pem.push_str(END);
        pem.push('\n');
        pem
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

fn pem_body(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once(BEGIN)?;
    let (body, _) = rest.split_once(END)?;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn file_error(path: &Path, source: io::Error) -> KeyError {
    KeyError::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_comes_back_as_it_was_saved_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.key");
        let key = SigningKey::generate().unwrap();
        key.save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let loaded = SigningKey::load(&path).unwrap();
        assert_eq!(loaded.kid(), key.kid());
        assert_eq!(loaded.public(), key.public());
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.key");
        let first = SigningKey::generate().unwrap();
        first.save(&path).unwrap();
        let refused = SigningKey::generate().unwrap().save(&path);
        assert!(matches!(refused, Err(KeyError::Exists(_))));
        assert_eq!(SigningKey::load(&path).unwrap().kid(), first.kid());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left lying about");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.key");
        assert!(matches!(SigningKey::load(&path), Err(KeyError::File { .. })));
        for content in ["", "key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
        {
            fs::write(&path, content).unwrap();
            assert!(matches!(SigningKey::load(&path), Err(KeyError::NotAKey(_))), "{content}");
        }
    }

    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        // The key of RFC 8037, appendix A.1; its thumbprint is in A.3.
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let mut pkcs8 = hex("302e020100300506032b657004220420");
        pkcs8.extend(seed);
        let key = SigningKey::from_pkcs8(&pkcs8).unwrap();
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn nothing_secret_is_shown() {
        let key = SigningKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, .. }}", key.kid()));
    }

    fn hex(digits: &str) -> Vec<u8> {
        let pairs = digits.as_bytes().chunks(2);
        pairs.map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
    }
}

//! Whether an assertion is to be believed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};

use super::cache::TokenCache;
use super::jwt::{hash, header, now, refused};
use super::key_files::KeyFiles;
use super::{Caller, Claims, INTERNAL_AUDIENCE, ISSUER, KeyError, TokenError, install};

/// How far away the expiry of an assertion may be: it is for one call, which is made at once.
pub const MAX_CALL_LIFETIME: Duration = Duration::from_secs(60);

/// How strict a verifier is.
#[derive(Clone, Copy, Debug)]
pub struct VerifierOptions {
    /// How much the clocks of issuer and verifier may differ.
    pub leeway: Duration,
    /// How long a look at the key files is good for: how soon a key that was added or taken away
    /// counts.
    pub recheck: Duration,
}

impl Default for VerifierOptions {
    /// 5 seconds of leeway, a look at the files every second.
    fn default() -> Self {
        Self { leeway: Duration::from_secs(5), recheck: Duration::from_secs(1) }
    }
}

/// Verifies assertions with the keys of JWKS files.
pub struct AssertionVerifier {
    options: VerifierOptions,
    validation: Validation,
    known: Mutex<Known>,
}

/// Keys, and the tokens that were verified with them.
struct Known {
    keys: KeyFiles,
    tokens: TokenCache<Caller>,
}

impl AssertionVerifier {
    /// A verifier with the keys of these files.
    ///
    /// # Errors
    /// If there are no files, or one cannot be read or holds no Ed25519 key.
    pub fn new(jwks: Vec<PathBuf>, options: VerifierOptions) -> Result<Self, KeyError> {
        install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.set_audience(&[INTERNAL_AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        validation.validate_nbf = true;
        validation.leeway = options.leeway.as_secs();
        let keys = KeyFiles::open(jwks, options.recheck)?;
        let known = Mutex::new(Known { keys, tokens: TokenCache::default() });
        Ok(Self { options, validation, known })
    }

    /// Who presents this token.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn verify(&self, token: &str) -> Result<Arc<Caller>, TokenError> {
        let (hash, now) = (hash(token)?, now());
        {
            let mut known = self.known();
            if known.keys.refresh() {
                known.tokens.clear();
            }
            if let Some(caller) = known.tokens.get(&hash, now) {
                return Ok(caller);
            }
        }

        let key = self.key_of(token)?;
        let claims = self.claims(token, &key)?;
        let until = claims.exp.saturating_add(self.options.leeway.as_secs());
        self.check_call(&claims, now)?;
        let caller = Arc::new(Caller::try_from(claims)?);
        let mut known = self.known();
        // The keys may have changed meanwhile: a token of a key that is gone is not kept.
        if known.keys.get(kid(token)?.as_str()).is_some() {
            known.tokens.put(hash, Arc::clone(&caller), until);
        }
        Ok(caller)
    }

    /// The key that the token names.
    fn key_of(&self, token: &str) -> Result<DecodingKey, TokenError> {
        let kid = kid(token)?;
        let mut known = self.known();
        if known.keys.get(&kid).is_none() && known.keys.refresh_for_unknown_key() {
            known.tokens.clear();
        }
        known.keys.get(&kid).cloned().ok_or(TokenError::UnknownKey)
    }

    /// The claims, once signature, algorithm, audience, issuer and times are right.
    fn claims(&self, token: &str, key: &DecodingKey) -> Result<Claims, TokenError> {
        let claims: serde_json::Value =
            jsonwebtoken::decode(token, key, &self.validation).map_err(refused)?.claims;
        // Read in a second step, so that a missing claim is not taken for a malformed token.
        serde_json::from_value(claims).map_err(|_| TokenError::Malformed("its claims"))
    }

    /// An assertion is for one call.
    fn check_call(&self, claims: &Claims, now: u64) -> Result<(), TokenError> {
        if claims.method.is_none() {
            return Err(TokenError::MissingClaim("method"));
        }
        let latest = now + (MAX_CALL_LIFETIME + self.options.leeway).as_secs();
        if claims.exp > latest {
            return Err(TokenError::TooLong(MAX_CALL_LIFETIME.as_secs()));
        }
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // Nothing in it is ever half changed, so a panic elsewhere does no harm.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the key in the token's header, which is otherwise as it should be.
fn kid(token: &str) -> Result<String, TokenError> {
    let header = header(token)?;
    if header.alg != Algorithm::EdDSA {
        return Err(TokenError::Algorithm);
    }
    header.kid.ok_or(TokenError::UnknownKey)
}

#[cfg(test)]
mod tests;

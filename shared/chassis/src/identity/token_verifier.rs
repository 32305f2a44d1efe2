//! Whether a token of the identity provider is to be believed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, Validation};
use serde_json::Value;

use super::cache::TokenCache;
use super::jwt::{hash, header, now, refused};
use super::provider_keys::{KeySet, ProviderKeys};
use super::{KeyError, KeySource, Principal, TokenError, install};

/// What tokens are believed, and where the keys are that sign them.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    /// Who issues them: the claim `iss`.
    pub issuer: String,
    /// Whom they must be for: one of the claim `aud`.
    pub audience: String,
    /// Where the issuer's public keys are.
    pub jwks: KeySource,
    /// How much the clocks of issuer and verifier may differ.
    pub leeway: Duration,
    /// How often the keys are fetched again: how soon one that was taken away no longer counts.
    pub refresh: Duration,
    /// How soon a token that names an unknown key may cause another fetch.
    pub cooldown: Duration,
}

impl TokenOptions {
    /// 5 seconds of leeway. Files are read every second; URLs are asked every 5 minutes, and for
    /// an unknown key not more often than every 10 seconds.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, jwks: KeySource) -> Self {
        let (refresh, cooldown) = match jwks {
            KeySource::File(_) => (1, 1),
            KeySource::Url(_) => (5 * 60, 10),
        };
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            jwks,
            leeway: Duration::from_secs(5),
            refresh: Duration::from_secs(refresh),
            cooldown: Duration::from_secs(cooldown),
        }
    }
}

/// Verifies tokens of the identity provider.
pub struct TokenVerifier {
    options: TokenOptions,
    validation: Validation,
    keys: ProviderKeys,
    verified: Mutex<Verified>,
}

/// Tokens, and the keys that they were verified with.
#[derive(Default)]
struct Verified {
    keys: Option<Arc<KeySet>>,
    tokens: TokenCache<Principal>,
}

impl TokenVerifier {
    /// A verifier with the keys that are there now; they are fetched again as long as it lives. If
    /// nobody answers at a URL yet, tokens are refused with [`TokenError::KeysUnavailable`] until
    /// somebody does.
    ///
    /// # Errors
    /// If a file of keys cannot be read or holds none that is usable, or a URL is none.
    pub async fn open(options: TokenOptions) -> Result<Self, KeyError> {
        install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.set_audience(&[&options.audience]);
        validation.set_issuer(&[&options.issuer]);
        validation.validate_nbf = true;
        validation.leeway = options.leeway.as_secs();
        let keys = ProviderKeys::open(&options.jwks, options.refresh, options.cooldown).await?;
        Ok(Self { options, validation, keys, verified: Mutex::default() })
    }

    /// Who presents this token.
    ///
    /// # Errors
    /// Why it is not believed.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, TokenError> {
        let hash = hash(token)?;
        if let Some(principal) = self.verified(self.keys.current()).tokens.get(&hash, now()) {
            return Ok(principal);
        }
        let header = header(token)?;
        let keys = self.keys_for(&header).await?;
        let principal = Arc::new(self.read(token, &header, &keys)?);
        let until = principal.until.saturating_add(self.options.leeway.as_secs());
        let mut verified = self.verified(self.keys.current());
        // The keys may have changed meanwhile: then the token is looked at again next time.
        if verified.keys.as_ref().is_some_and(|current| Arc::ptr_eq(current, &keys)) {
            verified.tokens.put(hash, Arc::clone(&principal), until);
        }
        Ok(principal)
    }

    /// Keys with the one that the token names, if need be fetched again.
    async fn keys_for(&self, header: &Header) -> Result<Arc<KeySet>, TokenError> {
        let kid = header.kid.as_deref().ok_or(TokenError::UnknownKey)?;
        let with_it = |keys: &Arc<KeySet>| keys.contains_key(kid);
        if let Some(keys) = self.keys.current().filter(with_it) {
            return Ok(keys);
        }
        self.keys.ask_again().await;
        let keys = self.keys.current().ok_or(TokenError::KeysUnavailable)?;
        Some(keys).filter(with_it).ok_or(TokenError::UnknownKey)
    }

    fn read(&self, token: &str, header: &Header, keys: &KeySet) -> Result<Principal, TokenError> {
        let key =
            header.kid.as_ref().and_then(|kid| keys.get(kid)).ok_or(TokenError::UnknownKey)?;
        // The key says what it is for; what the token says must be that.
        let key = key.for_algorithm(header.alg).ok_or(TokenError::Algorithm)?;
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let claims: Value = jsonwebtoken::decode(token, key, &validation).map_err(refused)?.claims;
        Principal::of(claims, &self.options.issuer)
    }

    /// What was verified with these keys.
    fn verified(&self, keys: Option<Arc<KeySet>>) -> MutexGuard<'_, Verified> {
        // Nothing in it is ever half changed, so a panic elsewhere does no harm.
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let are_same = match (&verified.keys, &keys) {
            (Some(known), Some(current)) => Arc::ptr_eq(known, current),
            (None, None) => true,
            _ => false,
        };
        if !are_same {
            *verified = Verified { keys, tokens: TokenCache::default() };
        }
        verified
    }
}

#[cfg(test)]
mod tests;

//! Who calls: tokens of the identity provider, signed assertions, the keys that sign them, and the
//! people they name.
//!
//! People and services bring tokens of the company's identity provider (JSON Web Tokens, RFC 7519).
//! The gateway vouches for each call with a short-lived assertion, a token of its own signed with
//! Ed25519 (RFC 8037), that names the person, their roles and the call. Backends accept nothing
//! else for changes.

mod cache;
mod caller;
mod claims;
mod error;
mod jwks;
mod jwt;
mod key;
mod key_files;
mod key_source;
mod principal;
mod provider;
mod provider_keys;
mod public_key;
mod token;
mod token_verifier;
mod verifier;

pub use caller::Caller;
pub use claims::{AUDIENCE, Claims, INTERNAL_AUDIENCE, ISSUER};
pub use error::{KeyError, TokenError};
pub use jwks::Jwks;
pub(crate) use jwt::claimed_issuer;
pub use key::SigningKey;
pub use key_source::KeySource;
pub use principal::Principal;
pub use provider::install;
pub use token::{LOCAL_ISSUER, TokenClaims};
pub use token_verifier::{TokenOptions, TokenVerifier};
pub use verifier::{AssertionVerifier, MAX_CALL_LIFETIME, VerifierOptions};

//! Who calls: signed assertions, the keys that sign them, and the people they name.
//!
//! The gateway vouches for each call with a short-lived assertion (a JSON Web Token, RFC 7519,
//! signed with Ed25519, RFC 8037) that names the person, their roles and the call. Backends accept
//! nothing else for changes.

mod cache;
mod caller;
mod claims;
mod error;
mod jwks;
mod key;
mod key_files;
mod provider;
mod verifier;

pub use caller::Caller;
pub use claims::{AUDIENCE, Claims, INTERNAL_AUDIENCE, ISSUER};
pub use error::{KeyError, TokenError};
pub use jwks::Jwks;
pub use key::SigningKey;
pub use provider::install;
pub use verifier::{AssertionVerifier, MAX_CALL_LIFETIME, MAX_STANDING_LIFETIME, VerifierOptions};

//! What the verifiers of assertions and of tokens have in common.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::Header;
use jsonwebtoken::errors::ErrorKind;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::TokenError;
use super::cache::TokenHash;

/// A longer one is refused unread. HTTP/2 servers take 16 KiB of headers in all.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// What stands for a token that is not too long to be read.
pub(super) fn hash(token: &str) -> Result<TokenHash, TokenError> {
    if is_too_long(token) {
        return Err(TokenError::Malformed("it is too long"));
    }
    Ok(Sha256::digest(token).into())
}

fn is_too_long(token: &str) -> bool {
    token.len() > MAX_TOKEN_BYTES
}

/// The token's header, if nothing in it is beyond what is known here.
pub(super) fn header(token: &str) -> Result<Header, TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(refused)?;
    if header.crit.is_some() {
        return Err(TokenError::Malformed("it has critical extensions, and none is known here"));
    }
    Ok(header)
}

/// Who the token says has issued it, to know whose keys to verify it with.
pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    if is_too_long(token) {
        return None;
    }
    jsonwebtoken::dangerous::insecure_decode_claims::<Issued>(token).ok().map(|said| said.iss)
}

/// What the library's refusal means to whoever presented the token.
pub(super) fn refused(error: jsonwebtoken::errors::Error) -> TokenError {
    match error.into_kind() {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::NotYetValid,
        ErrorKind::InvalidAudience => TokenError::Audience,
        ErrorKind::InvalidIssuer => TokenError::Issuer,
        ErrorKind::MissingRequiredClaim(claim) => TokenError::MissingClaim(match claim.as_str() {
            "exp" => "exp",
            "aud" => "aud",
            "iss" => "iss",
            _ => "sub",
        }),
        ErrorKind::InvalidSignature | ErrorKind::InvalidEddsaKey => TokenError::Signature,
        ErrorKind::InvalidAlgorithm
        | ErrorKind::InvalidAlgorithmName
        | ErrorKind::UnsupportedAlgorithm
        | ErrorKind::MissingAlgorithm => TokenError::Algorithm,
        // The enum is open: whatever else the library finds, the token is not well formed.
        _ => TokenError::Malformed("not a JSON Web Token"),
    }
}

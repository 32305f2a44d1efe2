//! The token of a request.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::identity::TokenError;

/// The bearer token in the headers of a request (RFC 6750).
///
/// # Errors
/// There is none, or more than one.
pub fn bearer(headers: &HeaderMap) -> Result<&str, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (values.next(), values.next()) else {
        // With two of them, somebody else may have looked at the other one.
        return Err(TokenError::Missing);
    };
    let header = header.to_str().map_err(|_| TokenError::Missing)?;
    let (scheme, token) = header.split_once(' ').ok_or(TokenError::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenError::Missing);
    }
    Ok(token.trim())
}

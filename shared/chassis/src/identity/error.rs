//! What can be wrong with a key or a token.

use std::io;
use std::path::PathBuf;

/// A key or a set of keys that cannot be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key is there already, and is not overwritten.
    #[error("{}: there is a key already", .0.display())]
    Exists(PathBuf),
    /// The file holds no key of the kind that is used here.
    #[error("{}: not an Ed25519 key in PKCS#8 (PEM)", .0.display())]
    NotAKey(PathBuf),
    /// It is no JSON Web Key Set.
    #[error("{at}: not a JSON Web Key Set: {reason}")]
    NotAKeySet {
        /// Where it is.
        at: String,
        /// What the parser says.
        reason: String,
    },
    /// No key set was named.
    #[error("no file with a JSON Web Key Set was named")]
    NoKeySet,
    /// The key sets hold no key that could verify anything.
    #[error("{0}: no key with a kid in it that could verify anything")]
    NoUsableKey(String),
    /// The key set cannot be fetched.
    #[error("{url}: {reason}")]
    Fetch {
        /// Where it should be.
        url: String,
        /// Why.
        reason: String,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// Why a token is not accepted. The texts are for whoever presented it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none.
    #[error("no bearer token in the authorization metadata")]
    Missing,
    /// It is no token, or its claims do not fit together.
    #[error("malformed token: {0}")]
    Malformed(&'static str),
    /// It is signed with something that does not count here or that its key is not for, or not at
    /// all.
    #[error("the token is not signed with an algorithm that its key is for")]
    Algorithm,
    /// It names no key, or one that is not known here.
    #[error("the token is not signed by a known key")]
    UnknownKey,
    /// The identity provider's keys were not to be had yet: nobody's token can be looked at.
    #[error("the keys of the identity provider are not to be had")]
    KeysUnavailable,
    /// The signature is not that of the key.
    #[error("the signature of the token does not verify")]
    Signature,
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
    /// It is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// It is meant for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Somebody else issued it.
    #[error("the token is from another issuer")]
    Issuer,
    /// It lacks a claim that is mandatory.
    #[error("the token has no claim {0:?}")]
    MissingClaim(&'static str),
    /// It is valid for longer than such a token may be.
    #[error("the token is valid for longer than {0} seconds from now")]
    TooLong(u64),
    /// It is a person's own, which counts at the gateway only.
    #[error("only services come with a token of their own: people go through the gateway")]
    NotAService,
    /// It is a service's own, and the call changes something.
    #[error("a token of one's own is good for reading: changes go through the gateway")]
    Changes,
    /// It was made for another call.
    #[error("the token was made for another {0}")]
    OtherCall(&'static str),
}

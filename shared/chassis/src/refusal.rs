//! How a call is refused: one shape for all errors, with the details that a client needs.
//!
//! Every refusal carries a `google.rpc.ErrorInfo` of the domain `signoff` whose reason is a value
//! of the contract's `ErrorReason`. What is named beside it (fields, preconditions, a resource) is
//! bounded, because error details travel in HTTP/2 trailers.

mod bounds;

use std::collections::BTreeMap;
use std::time::Duration;

use signoff_contract::access::MethodRule;
use signoff_contract::workflow::v1::ErrorReason;
use signoff_workflow::{MAX_NAMED, Violations};
use tonic::{Code, Status};

use crate::identity::TokenError;

pub use bounds::{MAX_DETAIL_BYTES, MAX_MESSAGE_BYTES};

/// The domain of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "signoff";

/// The metadata of `ErrorInfo` that holds how many violations there are, named or not.
pub const VIOLATIONS_TOTAL: &str = "violations_total";

/// The prefix of the contract's enum values, which the reason on the wire leaves out.
const REASON_PREFIX: &str = "ERROR_REASON_";

/// One condition that is not met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// What it is about: a version id, an item key, a phase.
    pub subject: String,
    /// What is wrong, so that a person knows what to do next.
    pub description: String,
}

/// A refused call, before it becomes a [`Status`].
#[derive(Clone, Debug)]
pub struct Refusal(Box<Parts>);

/// What a refusal says. Boxed, since it is the rare half of every result.
#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    reason: ErrorReason,
    message: String,
    metadata: BTreeMap<String, String>,
    violations: Option<Violations>,
    unmet: Vec<Unmet>,
    unmet_total: usize,
    resource: Option<(String, String)>,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(code: Code, reason: ErrorReason, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            reason,
            message: message.into(),
            metadata: BTreeMap::new(),
            violations: None,
            unmet: Vec::new(),
            unmet_total: 0,
            resource: None,
            retry_after: None,
        }))
    }

    /// Malformed or out-of-bounds input, all of it: `INVALID_ARGUMENT`.
    pub fn invalid(violations: Violations) -> Self {
        let message = counted(&violations, "field is at fault", "fields are at fault");
        let refusal = Self::new(Code::InvalidArgument, ErrorReason::ValidationFailed, message);
        refusal.with_violations(violations)
    }

    /// A page token that comes with other parameters than the page before: `INVALID_ARGUMENT`.
    pub fn page_token_mismatch() -> Self {
        let message = "the page token belongs to a call with other parameters";
        Self::new(Code::InvalidArgument, ErrorReason::PageTokenMismatch, message)
            .with_violations(Violations::one("page_token", message))
    }

    /// A request id that was used with another content: `INVALID_ARGUMENT`.
    pub fn request_id_reused() -> Self {
        let message = "the request id was used before, for another call or content";
        Self::new(Code::InvalidArgument, ErrorReason::RequestIdReused, message)
            .with_violations(Violations::one("request_id", message))
    }

    /// A lifecycle or dependency that does not allow it, with a reason of its own:
    /// `FAILED_PRECONDITION`. Names the first 50 conditions and counts all.
    pub fn precondition(
        reason: ErrorReason,
        message: impl Into<String>,
        unmet: impl IntoIterator<Item = Unmet>,
    ) -> Self {
        let mut refusal = Self::new(Code::FailedPrecondition, reason, message);
        for unmet in unmet {
            refusal.0.unmet_total += 1;
            if refusal.0.unmet.len() < MAX_NAMED {
                refusal.0.unmet.push(unmet);
            }
        }
        refusal
    }

    /// Item keys that are there already, or twice in the call, each by its field:
    /// `ALREADY_EXISTS`.
    pub fn items_exist(duplicates: Violations) -> Self {
        let message = counted(&duplicates, "item exists already", "items exist already");
        let refusal = Self::new(Code::AlreadyExists, ErrorReason::ItemExists, message);
        refusal.with_violations(duplicates)
    }

    /// An unknown id, or one of another scope, which is the same to the caller: `NOT_FOUND`.
    pub fn not_found(resource_type: impl Into<String>, name: impl Into<String>) -> Self {
        let (resource_type, name) = (resource_type.into(), name.into());
        let message = format!("{resource_type} {name} is not in this scope");
        let mut refusal = Self::new(Code::NotFound, ErrorReason::NotFound, message);
        refusal.0.resource = Some((resource_type, name));
        refusal
    }

    /// Something that the scope may have, but has not: `NOT_FOUND`.
    pub fn nothing_there(resource_type: impl Into<String>, message: impl Into<String>) -> Self {
        let mut refusal = Self::new(Code::NotFound, ErrorReason::NotFound, message);
        refusal.0.resource = Some((resource_type.into(), String::new()));
        refusal
    }

    /// An etag that is not the current one: `ABORTED`. The caller reads again before trying
    /// again.
    pub fn etag_mismatch() -> Self {
        let message = "it was changed since it was read: the etag is not the current one";
        Self::new(Code::Aborted, ErrorReason::EtagMismatch, message)
            .with_violations(Violations::one("etag", message))
    }

    /// Somebody else changed it at the same moment: `ABORTED`. The same call may be sent again.
    pub fn conflict() -> Self {
        let message = "somebody else changed it at the same moment: try again";
        Self::new(Code::Aborted, ErrorReason::Conflict, message)
            .retry_after(Duration::from_millis(50))
    }

    /// No token, or one that is not believed: `UNAUTHENTICATED`.
    pub fn token_invalid(error: &TokenError) -> Self {
        Self::new(Code::Unauthenticated, ErrorReason::TokenInvalid, error.to_string())
    }

    /// The caller holds none of the roles that may, or not on this report: `PERMISSION_DENIED`.
    pub fn role_missing(rule: &MethodRule) -> Self {
        let message = format!("this is for: {rule}");
        Self::new(Code::PermissionDenied, ErrorReason::RoleMissing, message)
    }

    /// The caller's roles are not enough for all that was asked: `PERMISSION_DENIED`.
    pub fn not_permitted(message: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, ErrorReason::RoleMissing, message)
    }

    /// Who put something forward may not rule on it: `PERMISSION_DENIED`.
    pub fn maker_is_checker(message: impl Into<String>) -> Self {
        Self::new(Code::PermissionDenied, ErrorReason::MakerIsChecker, message)
    }

    /// Too much, too fast or too large: `RESOURCE_EXHAUSTED`, with the time after which another
    /// try makes sense, if it ever does.
    pub fn limit_exceeded(message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        let mut refusal = Self::new(Code::ResourceExhausted, ErrorReason::LimitExceeded, message);
        refusal.0.retry_after = retry_after;
        refusal
    }

    /// It took longer than the caller or the server allows: `DEADLINE_EXCEEDED`.
    pub fn deadline_exceeded() -> Self {
        let message = "the call took longer than its deadline allows";
        Self::new(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, message)
    }

    /// The record behind which a feed is to go on is not there: `ABORTED`. Whoever follows it begins anew.
    pub fn epoch_changed() -> Self {
        let message = "the record that the cursor names is not there: the feed is that of another \
            life of the database, and is followed from its first record on";
        Self::new(Code::Aborted, ErrorReason::EpochChanged, message)
    }

    /// The database, another service or this one is away: `UNAVAILABLE`.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, ErrorReason::BackendUnavailable, message)
            .retry_after(Duration::from_secs(1))
    }

    /// A method or an encoding that is not known here: `UNIMPLEMENTED`.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Code::Unimplemented, ErrorReason::Unsupported, message)
    }

    /// A fault of the server's own: `INTERNAL`. The cause belongs in the log, not here.
    pub fn internal() -> Self {
        let message = "a fault of the server's own; its log has the cause";
        Self::new(Code::Internal, ErrorReason::Internal, message)
    }

    /// With one more fact about it, for programs. A key holds letters, digits, `-` and `_`.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// With another reason than the one of its kind.
    #[must_use]
    pub fn because(mut self, reason: ErrorReason) -> Self {
        self.0.reason = reason;
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Its reason.
    pub fn reason(&self) -> ErrorReason {
        self.0.reason
    }

    /// Its message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// With what is at fault: fields, or ids.
    #[must_use]
    pub fn with_violations(mut self, violations: Violations) -> Self {
        self.0.violations = Some(violations);
        self
    }
}

/// The name of a reason in `google.rpc.ErrorInfo`: `VERSION_STATE`.
pub fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(REASON_PREFIX).unwrap_or(name)
}

fn counted(violations: &Violations, one: &str, many: &str) -> String {
    match violations.total() {
        1 => format!("1 {one}"),
        total if total > violations.named().len() => {
            format!("{total} {many}; the first {} are named", violations.named().len())
        }
        total => format!("{total} {many}"),
    }
}

impl From<Violations> for Refusal {
    fn from(violations: Violations) -> Self {
        Self::invalid(violations)
    }
}

impl From<TokenError> for Refusal {
    /// `UNAUTHENTICATED`, except where the token may be as good as any.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::KeysUnavailable => Self::unavailable(error.to_string()),
            TokenError::Missing
            | TokenError::Malformed(_)
            | TokenError::Algorithm
            | TokenError::UnknownKey
            | TokenError::Signature
            | TokenError::Expired
            | TokenError::NotYetValid
            | TokenError::Audience
            | TokenError::Issuer
            | TokenError::MissingClaim(_)
            | TokenError::TooLong(_)
            | TokenError::NotAService
            | TokenError::Changes
            | TokenError::OtherCall(_) => Self::token_invalid(&error),
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        bounds::status(&refusal.0)
    }
}

#[cfg(test)]
mod tests;

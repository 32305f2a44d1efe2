//! What the gateway says of a caller towards the backends, signed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use signoff_chassis::Refusal;
use signoff_chassis::identity::{Claims, SigningKey};
use signoff_contract::convert::RequestScope;

use crate::domain::roles::Roles;

/// How long an assertion is good for: what backends take at most.
const LIFE: Duration = Duration::from_secs(60);
/// How long one is used again: the rest is for the call to arrive.
const REUSED: Duration = Duration::from_secs(30);
/// How many are kept, in two generations.
const KEPT: usize = 8192;

/// For whom a call is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Who {
    /// The subject of the token.
    pub subject: Arc<str>,
    /// Who presented it.
    pub user_id: i64,
    /// The person for whom a service or the gateway acts.
    pub on_behalf_of: Option<i64>,
    /// Roles held everywhere.
    pub roles: Roles,
    /// Roles of the person on the report in question.
    pub report_roles: Roles,
}

impl Who {
    /// The person whom it counts for.
    pub fn person(&self) -> i64 {
        self.on_behalf_of.unwrap_or(self.user_id)
    }
}

/// One call, as far as an assertion is about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Call {
    who: Who,
    method: Arc<str>,
    cycle_and_report: Option<(u128, u128)>,
    phase: Option<i32>,
}

/// Signs assertions, and uses one again for a while: a signature costs more than the rest of a read.
///
/// By the clock that backends read it by: where that jumps, what was signed before expires too early,
/// or too late to be believed. A monotonic clock would not notice.
pub struct Signer {
    key: SigningKey,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Each with when it was signed, in seconds since 1970.
    younger: HashMap<Call, (HeaderValue, u64)>,
    older: HashMap<Call, (HeaderValue, u64)>,
}

impl Signer {
    /// With this key.
    pub fn new(key: SigningKey) -> Self {
        Self { key, kept: Mutex::default() }
    }

    /// The `authorization` header of a call.
    ///
    /// # Errors
    /// The library fails.
    pub fn assertion(
        &self,
        who: &Who,
        method: &Arc<str>,
        scope: Option<RequestScope>,
    ) -> Result<HeaderValue, Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.assertion_at(now, who, method, scope)
    }

    fn assertion_at(
        &self,
        now: u64,
        who: &Who,
        method: &Arc<str>,
        scope: Option<RequestScope>,
    ) -> Result<HeaderValue, Refusal> {
        let call = Call {
            who: who.clone(),
            method: Arc::clone(method),
            cycle_and_report: scope.map(|scope| {
                (scope.workflow.cycle_id.as_u128(), scope.workflow.report_id.as_u128())
            }),
            phase: scope.and_then(|scope| scope.phase).map(|phase| phase.number()),
        };
        {
            let kept = self.kept();
            let found = kept.younger.get(&call).or_else(|| kept.older.get(&call));
            if let Some((header, signed)) = found
                && now.checked_sub(*signed).is_some_and(|age| age < REUSED.as_secs())
            {
                return Ok(header.clone());
            }
        }
        let claims = claims(&call, scope, now);
        let token = self.key.sign(&claims).map_err(|error| {
            tracing::error!(%error, "an assertion cannot be signed");
            Refusal::internal()
        })?;
        let mut header =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Refusal::internal())?;
        header.set_sensitive(true);
        let mut kept = self.kept();
        if kept.younger.len() >= KEPT / 2 {
            kept.older = std::mem::take(&mut kept.younger);
        }
        kept.younger.insert(call, (header.clone(), now));
        Ok(header)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        // Nothing in it is ever half changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("key", &self.key).finish_non_exhaustive()
    }
}

fn claims(call: &Call, scope: Option<RequestScope>, now: u64) -> Claims {
    let who = &call.who;
    let claims = Claims::new(who.user_id, &*who.subject, LIFE)
        .with_roles(who.roles.iter())
        .calling(&*call.method);
    let mut claims = match scope {
        Some(scope) => claims.with_roles(who.report_roles.iter()).on(scope.workflow),
        None => claims,
    };
    claims.on_behalf_of = who.on_behalf_of;
    claims.phase = call.phase;
    (claims.iat, claims.exp) = (now, now.saturating_add(LIFE.as_secs()));
    claims
}

#[cfg(test)]
mod tests {
    use signoff_workflow::{Phase, Role, Workflow};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_assertion_is_for_one_person_one_method_and_one_scope() {
        let signer = Signer::new(SigningKey::generate().unwrap());
        let who = |user_id, role| Who {
            subject: "ann".into(),
            user_id,
            on_behalf_of: None,
            roles: Roles::NONE,
            report_roles: [role].into_iter().collect(),
        };
        let scope = |report, phase| {
            let workflow =
                Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(report) };
            Some(RequestScope { workflow, phase: Some(phase) })
        };
        let calls = [
            (who(7, Role::Tester), "/a/B", scope(2, Phase::PLANNING)),
            (who(8, Role::Tester), "/a/B", scope(2, Phase::PLANNING)),
            (who(7, Role::ReportOwner), "/a/B", scope(2, Phase::PLANNING)),
            (who(7, Role::Tester), "/a/C", scope(2, Phase::PLANNING)),
            (who(7, Role::Tester), "/a/B", scope(3, Phase::PLANNING)),
            (who(7, Role::Tester), "/a/B", scope(2, Phase::SCOPING)),
            (who(7, Role::Tester), "/a/B", None),
        ];
        let sign = |(who, method, scope): &(Who, &str, Option<RequestScope>)| {
            signer.assertion(who, &Arc::from(*method), *scope).unwrap()
        };
        let first: Vec<HeaderValue> = calls.iter().map(sign).collect();
        assert_eq!(calls.iter().map(sign).collect::<Vec<_>>(), first, "used again");
        for (i, one) in first.iter().enumerate() {
            assert!(!first[..i].contains(one), "call {i} has the assertion of another one");
        }
    }

    #[test]
    fn where_the_clock_jumps_it_is_signed_anew() {
        let signer = Signer::new(SigningKey::generate().unwrap());
        let who = Who {
            subject: "ann".into(),
            user_id: 7,
            on_behalf_of: None,
            roles: Roles::NONE,
            report_roles: Roles::NONE,
        };
        let at = |now| signer.assertion_at(now, &who, &Arc::from("/a/B"), None).unwrap();
        let first = at(1_000_000);
        assert_eq!(at(1_000_029), first, "used again");
        let later = at(1_000_030);
        assert_ne!(later, first);
        // By its time the first one would not be good for anybody yet, or not any more.
        let back = at(996_400);
        assert!(![&first, &later].contains(&&back));
        assert_eq!(at(996_401), back);
        assert_eq!(at(1_000_000), first, "the same claims");
    }
}

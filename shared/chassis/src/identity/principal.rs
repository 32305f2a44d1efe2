//! Who presents a token of the identity provider.

use serde::Deserialize;
use serde_json::Value;
use signoff_workflow::{Role, Workflow};
use uuid::Uuid;

use super::TokenError;

/// The roles that a token may give. Those on a report come from its members, and the gateway has
/// its key.
const GIVEN: [Role; 3] = [Role::Admin, Role::Auditor, Role::Service];

/// Somebody whose token was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub user_id: i64,
    /// The same, as the provider names them.
    pub subject: String,
    /// Admin, auditor or service, as far as the token says so.
    pub roles: Vec<Role>,
    /// The only workflow that the token is good for, if it is narrowed to one.
    pub workflow: Option<Workflow>,
    /// When the token expires; seconds since 1970.
    pub until: u64,
}

/// The claims that are read here. Their signature, audience and times were looked at before.
#[derive(Deserialize)]
struct Said {
    iss: String,
    exp: u64,
    sub: String,
    signoff_uid: Option<i64>,
    roles: Option<Vec<String>>,
    cycle_id: Option<Uuid>,
    report_id: Option<Uuid>,
}

impl Principal {
    /// Who these claims are about, if this provider issued them.
    pub(super) fn of(claims: Value, issuer: &str) -> Result<Self, TokenError> {
        let malformed = |what| Err(TokenError::Malformed(what));
        let Ok(said) = serde_json::from_value::<Said>(claims) else {
            return malformed("its claims");
        };
        // The library takes one of several issuers, too.
        if said.iss != issuer {
            return Err(TokenError::Issuer);
        }
        let user_id = said.signoff_uid.ok_or(TokenError::MissingClaim("signoff_uid"))?;
        if user_id <= 0 {
            return malformed("a user id is above 0");
        }
        if said.sub.is_empty() {
            return malformed("it names no subject");
        }
        let workflow = match (said.cycle_id, said.report_id) {
            (Some(cycle_id), Some(report_id)) => Some(Workflow { cycle_id, report_id }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return malformed("cycle_id and report_id come together");
            }
        };
        // What else a provider calls a role is no business of ours.
        let names = said.roles.unwrap_or_default();
        let holds = |role: &Role| names.iter().any(|name| name == role.name());
        Ok(Self {
            user_id,
            subject: said.sub,
            roles: GIVEN.into_iter().filter(holds).collect(),
            workflow,
            until: said.exp,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://idp.example";

    /// Who the claims are about, with these instead of the usual ones.
    fn with(changed: Value) -> Result<Principal, TokenError> {
        let mut claims = json!({"iss": ISSUER, "exp": 100, "sub": "ann", "signoff_uid": 7});
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        Principal::of(claims, ISSUER)
    }

    #[test]
    fn a_person_is_who_they_are() {
        let id = Uuid::from_u128;
        let ann = Principal {
            user_id: 7,
            subject: "ann".to_owned(),
            roles: Vec::new(),
            workflow: None,
            until: 100,
        };
        assert_eq!(with(json!({})), Ok(ann.clone()));
        let narrowed = with(json!({"cycle_id": id(1), "report_id": id(2)}));
        let workflow = Some(Workflow { cycle_id: id(1), report_id: id(2) });
        assert_eq!(narrowed, Ok(Principal { workflow, ..ann }));
    }

    #[test]
    fn a_token_gives_three_roles_and_no_others() {
        let all = Role::ALL.map(Role::name);
        let more = ["Admin", "offline_access", ""];
        let names: Vec<&str> = more.into_iter().chain(all).chain(all).collect();
        assert_eq!(with(json!({"roles": names})).unwrap().roles, GIVEN);
        let none: Vec<&str> =
            all.into_iter().filter(|name| !GIVEN.map(Role::name).contains(name)).collect();
        assert!(with(json!({"roles": none})).unwrap().roles.is_empty());
        assert!(with(json!({"roles": null})).unwrap().roles.is_empty());
    }

    #[test]
    fn claims_that_do_not_fit_are_refused() {
        let id = Uuid::from_u128(1);
        for wrong in [
            json!({"signoff_uid": 0}),
            json!({"signoff_uid": -1}),
            json!({"signoff_uid": "7"}),
            json!({"signoff_uid": 9_223_372_036_854_775_808_u64}),
            json!({"sub": ""}),
            json!({"sub": 7}),
            json!({"exp": -1}),
            json!({"iss": [ISSUER]}),
            json!({"roles": "admin"}),
            json!({"roles": [1]}),
            json!({"cycle_id": id}),
            json!({"report_id": id}),
            json!({"cycle_id": "x", "report_id": id}),
        ] {
            assert!(matches!(with(wrong.clone()), Err(TokenError::Malformed(_))), "{wrong}");
        }
        assert_eq!(
            with(json!({"signoff_uid": null})),
            Err(TokenError::MissingClaim("signoff_uid"))
        );
        assert_eq!(with(json!({"iss": "signoff-gateway"})), Err(TokenError::Issuer));
    }
}

//! What the gateway reads of a request: what it is about, and nothing else.

use signoff_chassis::Refusal;
use signoff_contract::convert::{PhaseNeed, RequestScope, is_across, scope_from_wire, uuid};
use signoff_contract::feed::v1::Source;
use signoff_contract::workflow::v1::Scope;
use signoff_workflow::{Phase, PhaseTable, Violations};
use uuid::Uuid;

use super::{Method, Target};

/// What every request about a workflow begins with. Decoded whole, so that a field that comes twice is
/// merged as the backend merges it.
#[derive(Clone, PartialEq, prost::Message)]
struct Scoped {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
}

/// Of a request for a trail.
#[derive(Clone, PartialEq, prost::Message)]
struct OfTrail {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(enumeration = "Source", tag = "2")]
    source: i32,
}

/// Of a request of the unified interface.
#[derive(Clone, PartialEq, prost::Message)]
struct OfPhase {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(string, tag = "2")]
    phase_name: String,
}

/// The same with a version.
#[derive(Clone, PartialEq, prost::Message)]
struct OfVersion {
    #[prost(string, tag = "3")]
    version_id: String,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// No workflow.
    Nothing,
    /// A workflow, and maybe a phase of it.
    Scope(RequestScope),
    /// A version, whose scope is to be found, and the phase that it must be of.
    Version(Uuid, Option<Phase>),
}

impl Head {
    /// Reads it from a request, and who serves the request.
    ///
    /// # Errors
    /// The request does not say, or is no message.
    pub fn of(
        method: &Method,
        message: &[u8],
        table: &PhaseTable,
    ) -> Result<(Self, Target), Refusal> {
        let mut violations = Violations::default();
        let (scope, target) = match method.target {
            Target::Source => {
                let head: OfTrail = decoded(message)?;
                let target = match Source::try_from(head.source) {
                    Ok(Source::Versioning) => Some(Target::Versioning),
                    Ok(Source::Audit) => Some(Target::Audit),
                    Ok(Source::Gateway) => Some(Target::Own),
                    Ok(Source::Unspecified) | Err(_) => None,
                };
                if target.is_none() {
                    violations.add("source", "is required: VERSIONING, AUDIT or GATEWAY");
                }
                (head.scope, target.unwrap_or(Target::Own))
            }
            target if method.rule.no_scope => return Ok((Self::Nothing, target)),
            Target::Own if method.names_phase => {
                return unified(method, message, table).map(|head| (head, Target::Own));
            }
            target => (decoded::<Scoped>(message)?.scope, target),
        };
        let rule = &method.rule;
        if rule.no_scope || (rule.scope_optional && is_across(scope.as_ref())) {
            return match violations.is_empty() {
                true => Ok((Self::Nothing, target)),
                false => Err(Refusal::invalid(violations)),
            };
        }
        let need = PhaseNeed::Optional;
        match scope_from_wire(scope, "scope", need, table, &mut violations) {
            Some(scope) if violations.is_empty() => Ok((Self::Scope(scope), target)),
            Some(_) | None => Err(Refusal::invalid(violations)),
        }
    }
}

/// What is wrong with two names of different phases.
const OTHER_PHASE: &str = "is another phase than that of the scope";

/// Of a request that names its phase by the scope, by a text, or by a version.
fn unified(method: &Method, message: &[u8], table: &PhaseTable) -> Result<Head, Refusal> {
    let head: OfPhase = decoded(message)?;
    let mut violations = Violations::default();
    let named = match head.phase_name.as_str() {
        "" => None,
        name => match table.named(name) {
            Ok(row) => Some(row.phase),
            Err(unknown) => {
                violations.add("phase_name", unknown.to_string());
                None
            }
        },
    };
    if method.names_version && is_across(head.scope.as_ref()) {
        let version: OfVersion = decoded(message)?;
        let by_scope = head.scope.map(|scope| scope.phase).filter(|phase| *phase != 0);
        if named.is_some_and(|named| by_scope.is_some_and(|phase| phase != named.number())) {
            violations.add("phase_name", OTHER_PHASE);
        }
        let id = uuid(&version.version_id, "version_id", &mut violations);
        return match id {
            Some(id) if violations.is_empty() => {
                Ok(Head::Version(id, named.or(by_scope.map(Phase::new))))
            }
            Some(_) | None => Err(Refusal::invalid(violations)),
        };
    }
    let scope = scope_from_wire(head.scope, "scope", PhaseNeed::Optional, table, &mut violations);
    let Some(mut scope) = scope.filter(|_| violations.is_empty()) else {
        return Err(Refusal::invalid(violations));
    };
    match (scope.phase, named) {
        (Some(by_scope), Some(by_name)) if by_scope != by_name => {
            Err(Refusal::invalid(Violations::one("phase_name", OTHER_PHASE)))
        }
        (by_scope, by_name) => {
            scope.phase = by_scope.or(by_name);
            Ok(Head::Scope(scope))
        }
    }
}

fn decoded<M: prost::Message + Default>(message: &[u8]) -> Result<M, Refusal> {
    M::decode(message).map_err(|_| {
        let what = "is not a message of the type that the method takes";
        Refusal::invalid(Violations::one("message", what))
    })
}

/// The text in a field of a message, whatever else is in it: the last one, as a decoder has it.
pub(crate) fn text_field(message: &[u8], field: u32) -> Option<String> {
    use prost::bytes::Buf;
    use prost::encoding::{DecodeContext, WireType, decode_key, skip_field, string};

    let mut found = None;
    let mut rest = message;
    while rest.has_remaining() {
        let (tag, kind) = decode_key(&mut rest).ok()?;
        let context = DecodeContext::default();
        if tag == field && kind == WireType::LengthDelimited {
            let mut text = String::new();
            string::merge(kind, &mut text, &mut rest, context).ok()?;
            found = Some(text);
        } else {
            skip_field(kind, tag, &mut rest, context).ok()?;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use signoff_contract::access::AccessPolicy;
    use signoff_contract::feed::v1::GetTrailRequest;
    use signoff_contract::gateway::v1::ApproveVersionRequest;
    use signoff_contract::versioning::v1::CreateVersionRequest;

    use super::super::{FORWARDED, Methods, OWN};
    use super::*;

    const ONE: &str = "00000000-0000-0000-0000-000000000001";
    const TWO: &str = "00000000-0000-0000-0000-000000000002";

    fn read(path: &str, message: &[u8]) -> Result<(Head, Target), Refusal> {
        let services: Vec<&str> = OWN.into_iter().chain(FORWARDED).collect();
        let methods = Methods::load(&AccessPolicy::load(&services).unwrap()).unwrap();
        Head::of(methods.get(path).unwrap(), message, PhaseTable::standard())
    }

    fn scope(phase: i32) -> Option<Scope> {
        Some(Scope { cycle_id: ONE.to_owned(), report_id: TWO.to_owned(), phase })
    }

    #[test]
    fn a_scope_that_comes_twice_is_merged() {
        let path = "/signoff.versioning.v1.VersioningService/CreateVersion";
        let request = |scope| CreateVersionRequest { scope, ..Default::default() };
        let first = request(scope(1)).encode_to_vec();
        let second =
            request(Some(Scope { report_id: ONE.to_owned(), ..Scope::default() })).encode_to_vec();
        let (head, target) = read(path, &[first, second].concat()).unwrap();
        assert_eq!(target, Target::Versioning);
        let Head::Scope(scope) = head else { panic!("{head:?}") };
        assert_eq!(scope.workflow.report_id.to_string(), ONE);
        assert_eq!(scope.phase, Some(Phase::PLANNING));
    }

    #[test]
    fn a_trail_is_had_from_its_source() {
        let path = "/signoff.feed.v1.TrailService/GetTrail";
        let request = |source: Source| GetTrailRequest {
            scope: scope(0),
            source: source.into(),
            ..Default::default()
        };
        let cases = [
            (Source::Versioning, Target::Versioning),
            (Source::Audit, Target::Audit),
            (Source::Gateway, Target::Own),
        ];
        for (source, target) in cases {
            assert_eq!(read(path, &request(source).encode_to_vec()).unwrap().1, target);
        }
        assert!(read(path, &request(Source::Unspecified).encode_to_vec()).is_err());
    }

    #[test]
    fn a_phase_may_be_named_and_a_version_be_enough() {
        let path = "/signoff.gateway.v1.PhaseService/ApproveVersion";
        let request = |scope, phase_name: &str, version_id: &str| ApproveVersionRequest {
            scope,
            phase_name: phase_name.to_owned(),
            version_id: version_id.to_owned(),
            ..Default::default()
        };
        let read = |request: ApproveVersionRequest| read(path, &request.encode_to_vec());
        let (head, _) = read(request(scope(0), "sampling", ONE)).unwrap();
        let Head::Scope(found) = head else { panic!("{head:?}") };
        assert_eq!(found.phase, Some(Phase::SAMPLE_SELECTION));
        assert!(read(request(scope(1), "Scoping", ONE)).is_err());
        let (head, _) = read(request(None, "Scoping", ONE)).unwrap();
        assert_eq!(head, Head::Version(Uuid::from_u128(1), Some(Phase::SCOPING)));
        assert!(read(request(None, "", "x")).is_err());
        assert!(read(request(None, "no phase", ONE)).is_err());
    }

    #[test]
    fn a_text_is_found_in_any_message() {
        let request = CreateVersionRequest {
            scope: scope(1),
            notes: "some".to_owned(),
            request_id: ONE.to_owned(),
            ..Default::default()
        };
        assert_eq!(text_field(&request.encode_to_vec(), 6).as_deref(), Some(ONE));
        assert_eq!(text_field(&request.encode_to_vec(), 9), None);
        assert_eq!(text_field(&[0xff], 6), None);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let path = "/signoff.versioning.v1.VersioningService/CreateVersion";
        assert!(read(path, &[0xff, 0xff]).is_err());
        assert!(read(path, &[]).is_err());
    }
}

//! Messages as the gateway reads them, before anybody decodes them, and free-form JSON.

use std::sync::Arc;

use http_body_util::{BodyExt as _, StreamBody};
use prost::Message as _;
use prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, ReflectMessage as _};
use prost_types::Struct;
use signoff_contract::access::AccessPolicy;
use signoff_contract::convert::{
    JsonLimits, PhaseNeed, is_across, json_from_wire, json_to_wire, scope_from_wire,
};
use signoff_contract::gateway::v1 as gateway;
use signoff_contract::versioning::v1 as wire;
use signoff_contract::workflow::v1::Scope;
use signoff_gateway::forward::{FORWARDED, Head, Method, Methods, OWN, Target, first_message};
use signoff_tests::rpc::{Sent, methods};
use signoff_tests::{build, people};
use signoff_workflow::{PhaseTable, Violations, Workflow};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::body::Body;
use uuid::Uuid;

use super::{Decoder, Outcome, Tried, read, same};

/// Longest message of the test, in bytes.
const LONGEST: usize = 1_000;

/// What comes of a body that is cut into frames of this size: its first message and what is behind it.
fn first(runtime: &Runtime, input: &[u8], size: usize) -> Result<(Bytes, Bytes), String> {
    let frames: Vec<Result<_, Status>> = input
        .chunks(size)
        .map(|data| Ok(http_body::Frame::data(Bytes::copy_from_slice(data))))
        .collect();
    let body = Body::new(StreamBody::new(futures::stream::iter(frames)));
    let room = Arc::new(Semaphore::new(1024));
    let read = async {
        let first = first_message(body, LONGEST, &room).await;
        let first = first.map_err(|none| format!("{:?}", Status::from(none).code()))?;
        let rest = first.rest.collect().await.expect("the rest").to_bytes();
        let whole: Bytes = [first.read.as_ref(), rest.as_ref()].concat().into();
        Ok((first.message, whole))
    };
    runtime.block_on(read)
}

#[test]
fn the_first_message_of_a_body_is_the_same_however_it_is_cut() {
    let words = ["\0\0\0\0\0", "\0\0\0\0\u{1}", "\u{1}\0\0\0\u{1}", "\0\0\0\u{3}"];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = |input: &[u8], size| first(&runtime, input, size);
    let decoder = Decoder { name: "frames", words: &words, more: Vec::new(), inputs: 4_000 };
    decoder.try_all(|input| {
        // A message that is just too long is the longest that tells something.
        let input = &input[..input.len().min(LONGEST + 50)];
        let whole = first(input, input.len().max(1));
        for size in [1, 4, 7] {
            same(&first(input, size), &whole)?;
        }
        read(whole.ok(), |(message, all)| {
            same(&all, &Bytes::copy_from_slice(input))?;
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            let framed = [&[0], length.as_slice(), &message].concat();
            same(&input.starts_with(&framed), &true)
        })
    });
}

/// Scopes twice, in parts, with what nobody knows between them.
fn requests() -> Vec<Vec<u8>> {
    let workflow =
        |cycle_id| Workflow { cycle_id: Uuid::from_u128(cycle_id), report_id: Uuid::from_u128(2) };
    let scope = |cycle| people::scope(workflow(cycle), signoff_workflow::Phase::PLANNING);
    let request = |scope: Scope| wire::GetVersionRequest {
        scope: Some(scope),
        version_id: build::attribute_id(1),
    };
    let one = request(scope(1)).encode_to_vec();
    let half = request(Scope { cycle_id: scope(3).cycle_id, ..Scope::default() }).encode_to_vec();
    let unknown = [0xfa, 0x3e, 3, 1, 2, 3];
    let named = gateway::ApproveVersionRequest {
        scope: Some(Scope { phase: 0, ..scope(1) }),
        phase_name: "planning".to_owned(),
        version_id: build::attribute_id(1),
        ..Default::default()
    };
    let by_version = gateway::ApproveVersionRequest { scope: None, ..named.clone() };
    vec![
        one.clone(),
        [one.as_slice(), &half].concat(),
        [one.as_slice(), &unknown, &half].concat(),
        [&unknown, one.as_slice()].concat(),
        named.encode_to_vec(),
        by_version.encode_to_vec(),
    ]
}

/// What the gateway authorises is what the backend decodes.
#[test]
fn what_the_gateway_reads_of_a_message_is_what_a_backend_decodes() {
    let services: Vec<&str> = OWN.into_iter().chain(FORWARDED).collect();
    let known = Methods::load(&AccessPolicy::load(&services).unwrap()).unwrap();
    let paths = methods();
    let words = ["\n\u{2}", "\u{12}\0", "\u{18}\u{1}", "\u{10}\u{2}", "\n&\n$", "planning"];
    let decoder = Decoder { name: "heads", words: &words, more: requests(), inputs: 20_000 };
    decoder.try_all(|input| {
        let sum: usize = input.iter().map(|byte| usize::from(*byte)).sum();
        // Each input is tried on a few methods, of all kinds in the long run.
        let mut outcome = Outcome::Refused;
        for step in 0..4 {
            let path = &paths[(sum + input.len() * step) % paths.len()];
            if let Outcome::Accepted = as_decoded(known.get(path).unwrap(), input)? {
                outcome = Outcome::Accepted;
            }
        }
        Ok(outcome)
    });
}

fn as_decoded(method: &Method, input: &[u8]) -> Tried {
    let table = PhaseTable::standard();
    let Ok((head, target)) = Head::of(method, input, table) else { return Ok(Outcome::Refused) };
    let sent = Sent { path: method.path.to_string(), bytes: Vec::new() };
    let input_type = sent.message().descriptor();
    // What no backend decodes is refused there.
    let Ok(message) = DynamicMessage::decode(input_type, input) else {
        return Ok(Outcome::Refused);
    };
    let scope = message.get_field_by_name("scope").map(|scope| {
        let bytes = scope.as_message().expect("a message").encode_to_vec();
        Scope::decode(bytes.as_slice()).expect("a scope")
    });
    if let Some(source) = message.get_field_by_name("source").and_then(|of| of.as_enum_number())
        && method.target == Target::Source
    {
        let expected = [Target::Versioning, Target::Audit, Target::Own];
        let expected = usize::try_from(source - 1).ok().and_then(|at| expected.get(at));
        same(&Some(&target), &expected)?;
    }
    match head {
        Head::Scope(found) => {
            let mut violations = Violations::default();
            let need = PhaseNeed::Optional;
            let decoded = scope_from_wire(scope, "scope", need, table, &mut violations);
            let decoded = decoded.ok_or("a backend finds no scope")?;
            same(&found.workflow, &decoded.workflow)?;
            if decoded.phase.is_some() {
                same(&found.phase, &decoded.phase)?;
            }
        }
        Head::Version(id, _) => {
            let said = message.get_field_by_name("version_id");
            let said = said.and_then(|said| said.as_str()?.parse().ok());
            same(&said, &Some(id))?;
            same(&is_across(scope.as_ref()), &true)?;
        }
        Head::Nothing => {
            let is_free = method.rule.no_scope || is_across(scope.as_ref());
            same(&is_free, &true)?;
        }
    }
    Ok(Outcome::Accepted)
}

/// What a free-form object may be.
const LIMITS: JsonLimits = JsonLimits { depth: 5, encoded_bytes: 2_000 };

/// Checks an object of the wire: it is refused with a reason, or it comes back as it was.
fn free_form(object: Struct) -> Tried {
    let mut violations = Violations::default();
    let value = json_from_wire(object, "data", LIMITS, &mut violations);
    same(&violations.is_empty(), &value.is_some())?;
    read(value, |value| {
        let bytes = serde_json::to_vec(&value).expect("JSON");
        same(&(bytes.len() <= LIMITS.encoded_bytes), &true)?;
        let again = json_to_wire(&value).map_err(|error| error.to_string())?;
        let again = json_from_wire(again, "data", LIMITS, &mut Violations::default());
        same(&again, &Some(value))
    })
}

#[test]
fn free_form_json_comes_back_as_it_was() {
    let words = ["\"a\":", "1e308", "-0", "9007199254740993", "{\"a\":{", "[[[[[[[[", "}}", "0.1"];
    let decoder = Decoder { name: "json", words: &words, more: Vec::new(), inputs: 10_000 };
    decoder.try_all(|input| {
        let Ok(value) = serde_json::from_slice(input) else { return Ok(Outcome::Refused) };
        match json_to_wire(&value) {
            Ok(object) => free_form(object),
            Err(_) => Ok(Outcome::Refused),
        }
    });
}

#[test]
fn free_form_json_of_any_message_comes_back_as_it_was() {
    let more = [r#"{"a":[1,2.5,null,true,{"b":"c"}]}"#, r#"{"":{"a":{"b":{"c":{"d":1}}}}}"#]
        .map(|text| json_to_wire(&serde_json::from_str(text).unwrap()).unwrap().encode_to_vec());
    let decoder = Decoder {
        name: "structs",
        words: &["\u{1a}\0", "*\0", "2\0"],
        more: more.to_vec(),
        inputs: 20_000,
    };
    decoder.try_all(|input| match Struct::decode(input) {
        Ok(object) => free_form(object),
        Err(_) => Ok(Outcome::Refused),
    });
}

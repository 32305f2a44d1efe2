//! Who somebody says they are: tokens, assertions, and the files of keys that they are verified with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use signoff_chassis::identity::{
    AssertionVerifier, Claims, INTERNAL_AUDIENCE, Jwks, KeySource, LOCAL_ISSUER, SigningKey,
    TokenClaims, TokenOptions, TokenVerifier, VerifierOptions,
};
use signoff_workflow::{Role, Workflow};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Decoder, Outcome, read, same};

/// Words of a JSON Web Token, some of them encoded.
const WORDS: [&str; 14] = [
    ".",
    "..",
    "=",
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJIUzI1NiJ9",
    "\"alg\":\"none\"",
    "\"alg\":\"HS256\"",
    "\"alg\":\"RS256\"",
    "\"kid\":",
    "\"crit\":[\"exp\"]",
    "\"jwk\":{}",
    "\"exp\":99999999999",
    "\"roles\":[\"admin\"]",
    "\"aud\":[\"signoff\"]",
];

/// A key, and a folder with its public part.
struct Keys {
    key: SigningKey,
    folder: TempDir,
}

impl Keys {
    fn new() -> Self {
        let (key, folder) = (SigningKey::generate().unwrap(), tempfile::tempdir().unwrap());
        Jwks::of([&key]).save(&folder.path().join("jwks.json")).unwrap();
        Self { key, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("jwks.json")
    }
}

fn workflow() -> Workflow {
    Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) }
}

/// A good token with another header and other claims, under its signature.
fn with_parts(token: &str, header: &str, claims: &str) -> Vec<u8> {
    let parts: Vec<&str> = token.split('.').collect();
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encoded(header), encoded(claims), parts[2]).into_bytes()
}

/// What is wrong with a good token on purpose.
fn near(token: &str, kid: &str) -> Vec<Vec<u8>> {
    let parts: Vec<&str> = token.split('.').collect();
    let plain = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims) = (plain(parts[0]), plain(parts[1]));
    let none = format!("{{\"alg\":\"none\",\"kid\":\"{kid}\"}}");
    let shared = format!("{{\"alg\":\"HS256\",\"kid\":\"{kid}\"}}");
    vec![
        token.as_bytes().to_vec(),
        with_parts(token, &header, &claims.replace("\"tester\"", "\"admin\"")),
        with_parts(token, &format!(" {header}"), &claims),
        with_parts(token, &none, &claims),
        with_parts(token, &shared, &claims),
        format!("{}.{}.", parts[0], parts[1]).into_bytes(),
        format!("{token}=").into_bytes(),
    ]
}

#[test]
fn an_altered_token_is_not_believed() {
    let keys = Keys::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let options = TokenOptions::new(LOCAL_ISSUER, "signoff", KeySource::File(keys.path()));
    let verifier = runtime.block_on(TokenVerifier::open(options)).unwrap();
    let of = |user_id, roles: &[Role]| {
        let claims = TokenClaims::new(user_id, "ann", Duration::from_secs(3600));
        keys.key.sign_token(&claims.with_roles(roles.iter().copied())).unwrap()
    };
    let good = [of(10, &[]), of(11, &[Role::Auditor]), of(12, &[Role::Admin, Role::Service])];
    let more: Vec<Vec<u8>> = good.iter().flat_map(|token| near(token, keys.key.kid())).collect();
    Decoder { name: "tokens", words: &WORDS, more, inputs: 8_000 }.try_all(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Outcome::Refused) };
        let who = runtime.block_on(verifier.verify(text));
        read(who.ok(), |who| {
            let at = good.iter().position(|token| token == text).ok_or("nobody signed it")?;
            let expected = 10 + i64::try_from(at).unwrap();
            same(&who.user_id, &expected)
        })
    });
}

#[test]
fn an_altered_assertion_is_not_believed() {
    let keys = Keys::new();
    // A key that is unknown is looked for again, mostly not.
    let options = VerifierOptions { recheck: Duration::from_secs(3600), ..Default::default() };
    let verifier = AssertionVerifier::new(vec![keys.path()], options).unwrap();
    let of = |user_id, role| {
        let claims = Claims::new(user_id, "ann", Duration::from_secs(50)).with_roles([role]);
        keys.key.sign(&claims.on(workflow()).calling("/a.B/C")).unwrap()
    };
    let good = [of(10, Role::Tester), of(11, Role::ReportOwner), of(12, Role::Gateway)];
    let more: Vec<Vec<u8>> = good.iter().flat_map(|token| near(token, keys.key.kid())).collect();
    Decoder { name: "assertions", words: &WORDS, more, inputs: 8_000 }.try_all(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Outcome::Refused) };
        read(verifier.verify(text).ok(), |who| {
            // It may expire while the test goes on, but never becomes another.
            let is_signed = good.iter().any(|token| token == text);
            same(&is_signed, &true)?;
            same(&who.workflow, &Some(workflow()))
        })
    });
}

/// What is signed is believed as far as it is understood, and no further.
#[test]
fn claims_are_read_or_the_assertion_is_refused() {
    let keys = Keys::new();
    let key = Arc::new(&keys.key);
    let verifier = AssertionVerifier::new(vec![keys.path()], VerifierOptions::default()).unwrap();
    let claims = |claims: Claims| serde_json::to_vec(&claims).unwrap();
    let ann = Claims::new(10, "ann", Duration::from_secs(50)).with_roles([Role::Tester]);
    let more = vec![claims(ann.clone()), claims(ann.clone().on(workflow()).calling("/a.B/C"))];
    let words = ["\"phase\":3", "\"roles\":[\"gateway\"]", "\"on_behalf_of\":", "\"exp\":", "-1"];
    Decoder { name: "claims", words: &words, more, inputs: 3_000 }.try_all(|input| {
        // What can be said at all is signed.
        let Ok(said) = serde_json::from_slice::<Claims>(input) else { return Ok(Outcome::Refused) };
        let Ok(signed) = key.sign(&said) else { return Ok(Outcome::Refused) };
        read(verifier.verify(&signed).ok(), |who| {
            same(&said.aud.as_str(), &INTERNAL_AUDIENCE)?;
            same(&(said.signoff_uid > 0), &true)?;
            same(&who.method, &said.method)?;
            let both = said.cycle_id.zip(said.report_id);
            same(&who.workflow.map(|of| (of.cycle_id, of.report_id)), &both)
        })
    });
}

#[test]
fn a_file_of_keys_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("jwks.json"), folder.path().join("copy.json"));
    let words = [
        "\"kty\":\"OKP\"",
        "\"kty\":\"RSA\"",
        "\"crv\":\"Ed25519\"",
        "\"keys\":[",
        "\"kid\":",
        "\"x\":\"\"",
        "\"use\":\"enc\"",
        "\"n\":",
        "\"e\":\"AQAB\"",
    ];
    let keys = Keys::new();
    let more = vec![std::fs::read(keys.path()).unwrap()];
    Decoder { name: "jwks", words: &words, more, inputs: 1_000 }.try_all(|input| {
        std::fs::write(&path, input).unwrap();
        let set = Jwks::load(&path).ok();
        // A verifier is made of it, or says why not.
        let _ = AssertionVerifier::new(vec![path.clone()], VerifierOptions::default());
        read(set, |set| {
            set.save(&copy).map_err(|error| error.to_string())?;
            same(&Jwks::load(&copy).ok(), &Some(set))
        })
    });
}

#[test]
fn a_file_with_a_private_key_is_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.key");
    Keys::new().key.save(&path).unwrap();
    let more = vec![std::fs::read(&path).unwrap()];
    let words = ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "MC4CAQ", "\n", "="];
    Decoder { name: "keys", words: &words, more, inputs: 2_000 }.try_all(|input| {
        std::fs::write(&path, input).unwrap();
        read(SigningKey::load(&path).ok(), |key| {
            let claims = Claims::new(10, "ann", Duration::from_secs(50));
            key.sign(&claims).map(drop).map_err(|error| error.to_string())
        })
    });
}

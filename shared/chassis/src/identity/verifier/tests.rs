use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use signoff_workflow::{Role, Workflow};
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::identity::{AUDIENCE, Jwks, SigningKey};

const WORKFLOW: Workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
const METHOD: &str = "/signoff.feed.v1.TrailService/GetTrail";

struct Setup {
    folder: TempDir,
    key: SigningKey,
    verifier: AssertionVerifier,
}

impl Setup {
    fn new(options: VerifierOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate().unwrap();
        let path = folder.path().join("jwks.json");
        Jwks::of([&key]).save(&path).unwrap();
        let verifier = AssertionVerifier::new(vec![path], options).unwrap();
        Self { folder, key, verifier }
    }

    fn strict() -> Self {
        Self::new(VerifierOptions { leeway: Duration::ZERO, ..VerifierOptions::default() })
    }

    fn verify(&self, claims: &Claims) -> Result<Arc<Caller>, TokenError> {
        self.verifier.verify(&self.key.sign(claims).unwrap())
    }

    /// Verifies a token whose claims are changed in ways that the type does not allow.
    fn verify_changed(&self, change: impl FnOnce(&mut Value)) -> Result<Arc<Caller>, TokenError> {
        let mut claims = serde_json::to_value(call()).unwrap();
        change(&mut claims);
        let path = self.folder.path().join("gateway.key");
        self.key.save(&path).unwrap();
        let pem = std::fs::read_to_string(path).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
        let header =
            Header { kid: Some(self.key.kid().to_owned()), ..Header::new(Algorithm::EdDSA) };
        let token =
            jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&der)).unwrap();
        self.verifier.verify(&token)
    }
}

/// An assertion for one call, as the gateway makes it.
fn call() -> Claims {
    Claims::new(7, "ann", Duration::from_secs(30))
        .on(WORKFLOW)
        .with_roles([Role::Tester])
        .calling(METHOD)
}

#[test]
fn a_good_assertion_names_its_caller_each_time() {
    let setup = Setup::strict();
    let token = setup.key.sign(&call()).unwrap();
    let caller = setup.verifier.verify(&token).unwrap();
    assert_eq!(caller.user_id, 7);
    assert_eq!(caller.method.as_deref(), Some(METHOD));
    assert!(Arc::ptr_eq(&caller, &setup.verifier.verify(&token).unwrap()), "verified once");
}

#[test]
fn times_are_checked() {
    let setup = Setup::strict();
    let now = call().iat;
    let ending = |exp| Claims { exp, ..call() };
    assert_eq!(setup.verify(&ending(now - 2)), Err(TokenError::Expired));
    assert_eq!(setup.verify(&ending(now + 120)), Err(TokenError::TooLong(60)));
    assert!(setup.verify(&ending(now + 60)).is_ok());
    let early = setup.verify_changed(|claims| claims["nbf"] = json!(now + 100));
    assert_eq!(early, Err(TokenError::NotYetValid));
}

#[test]
fn leeway_stretches_both_ends() {
    let leeway = Duration::from_secs(30);
    let setup = Setup::new(VerifierOptions { leeway, ..VerifierOptions::default() });
    let now = call().iat;
    assert!(setup.verify(&Claims { exp: now - 10, ..call() }).is_ok());
    assert!(setup.verify(&Claims { exp: now + 80, ..call() }).is_ok());
    assert_eq!(setup.verify(&Claims { exp: now - 60, ..call() }), Err(TokenError::Expired));
}

#[test]
fn a_missing_claim_is_never_taken_for_a_right_one() {
    for claim in ["exp", "aud", "iss", "sub"] {
        let setup = Setup::strict();
        let refused = setup.verify_changed(|claims| {
            claims.as_object_mut().unwrap().remove(claim);
        });
        assert_eq!(refused, Err(TokenError::MissingClaim(claim)));
    }
    let without_id = Setup::strict().verify_changed(|claims| {
        claims.as_object_mut().unwrap().remove("signoff_uid");
    });
    assert!(matches!(without_id, Err(TokenError::Malformed(_))));
}

#[test]
fn audience_and_issuer_are_checked() {
    let setup = Setup::strict();
    let people = Claims { aud: AUDIENCE.to_owned(), ..call() };
    assert_eq!(setup.verify(&people), Err(TokenError::Audience));
    let stranger = Claims { iss: "https://idp.example".to_owned(), ..call() };
    assert_eq!(setup.verify(&stranger), Err(TokenError::Issuer));
    let several = setup.verify_changed(|claims| claims["aud"] = json!(["signoff-internal", "x"]));
    assert!(several.is_err(), "an assertion has one audience");
}

#[test]
fn unknown_roles_and_wrong_types_are_refused() {
    for (claim, value) in [
        ("roles", json!(["boss"])),
        ("signoff_uid", json!("7")),
        ("cycle_id", json!("not-a-uuid")),
        ("phase", json!("scoping")),
    ] {
        let refused = Setup::strict().verify_changed(|claims| claims[claim] = value);
        assert!(matches!(refused, Err(TokenError::Malformed(_))), "{claim}");
    }
}

#[test]
fn only_a_known_key_counts() {
    let setup = Setup::strict();
    let stranger = SigningKey::generate().unwrap().sign(&call()).unwrap();
    assert_eq!(setup.verifier.verify(&stranger), Err(TokenError::UnknownKey));

    // A token of the right key, its payload that of another.
    let good = setup.key.sign(&call()).unwrap();
    let other = setup.key.sign(&Claims { signoff_uid: 8, ..call() }).unwrap();
    let (good, other): (Vec<_>, Vec<_>) = (good.split('.').collect(), other.split('.').collect());
    let mixed = [good[0], other[1], good[2]].join(".");
    assert_eq!(setup.verifier.verify(&mixed), Err(TokenError::Signature));
}

#[test]
fn other_algorithms_are_refused() {
    let setup = Setup::strict();
    let kid = Some(setup.key.kid().to_owned());
    let good = setup.key.sign(&call()).unwrap();
    let payload = good.split('.').nth(1).unwrap();

    // Signed with the public key as a shared secret.
    let jwks = std::fs::read_to_string(setup.folder.path().join("jwks.json")).unwrap();
    let public = serde_json::from_str::<Value>(&jwks).unwrap()["keys"][0]["x"].clone();
    let secret = URL_SAFE_NO_PAD.decode(public.as_str().unwrap()).unwrap();
    let header = Header { kid: kid.clone(), ..Header::new(Algorithm::HS256) };
    let key = EncodingKey::from_secret(&secret);
    let shared = jsonwebtoken::encode(&header, &call(), &key).unwrap();
    assert_eq!(setup.verifier.verify(&shared), Err(TokenError::Algorithm));

    for header in [json!({"alg": "none", "kid": kid}), json!({"alg": "EdDSA"})] {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        assert!(setup.verifier.verify(&format!("{header}.{payload}.")).is_err());
    }
    let critical = json!({"alg": "EdDSA", "kid": kid, "crit": ["b64"], "b64": false});
    let header = URL_SAFE_NO_PAD.encode(critical.to_string());
    let refused = setup.verifier.verify(&format!("{header}.{payload}.AA"));
    assert!(matches!(refused, Err(TokenError::Malformed(_))));
}

#[test]
fn what_is_no_token_is_malformed() {
    let setup = Setup::strict();
    for text in ["", "a", "a.b", "a.b.c", "a.b.c.d", &"a".repeat(10_000)] {
        assert!(matches!(setup.verifier.verify(text), Err(TokenError::Malformed(_))), "{text}");
    }
}

#[test]
fn an_assertion_names_its_call() {
    let refused = Setup::strict().verify(&Claims { method: None, ..call() });
    assert_eq!(refused, Err(TokenError::MissingClaim("method")));
}

#[test]
fn a_key_that_is_taken_away_no_longer_counts_even_for_tokens_seen_before() {
    let recheck = Duration::ZERO;
    let setup = Setup::new(VerifierOptions { recheck, ..VerifierOptions::default() });
    let path = setup.folder.path().join("jwks.json");
    let old = setup.key.sign(&call()).unwrap();
    assert!(setup.verifier.verify(&old).is_ok());

    let successor = SigningKey::generate().unwrap();
    Jwks::of([&successor]).save(&path).unwrap();
    assert!(setup.verifier.verify(&successor.sign(&call()).unwrap()).is_ok());
    assert_eq!(setup.verifier.verify(&old), Err(TokenError::UnknownKey));
}

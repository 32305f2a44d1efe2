//! What a token must be.

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use signoff_workflow::{Role, Workflow};
use tempfile::TempDir;
use uuid::Uuid;

use super::super::*;
use super::fake::{AUDIENCE, ISSUER, Key, claims, set};
use crate::identity::{Claims, Jwks, LOCAL_ISSUER, SigningKey, TokenClaims};

struct Setup {
    folder: TempDir,
    verifier: TokenVerifier,
}

impl Setup {
    async fn of(set: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("provider-jwks.json");
        std::fs::write(&path, set).unwrap();
        let options = TokenOptions::new(ISSUER, AUDIENCE, KeySource::File(path));
        let options = TokenOptions { leeway: Duration::ZERO, ..options };
        Self { verifier: TokenVerifier::open(options).await.unwrap(), folder }
    }

    async fn with(key: &Key) -> Self {
        Self::of(set([("one", key)])).await
    }
}

#[tokio::test]
async fn a_good_token_names_its_bearer_each_time() {
    let key = Key::ed();
    let setup = Setup::with(&key).await;
    let token = key.token("one", "EdDSA", &claims(json!({})));
    let principal = setup.verifier.verify(&token).await.unwrap();
    assert_eq!((principal.user_id, principal.subject.as_str()), (7, "ann"));
    assert_eq!(
        (principal.roles.as_slice(), principal.workflow),
        ([Role::Auditor].as_slice(), None)
    );
    let again = setup.verifier.verify(&token).await.unwrap();
    assert!(Arc::ptr_eq(&principal, &again), "verified once");
}

#[tokio::test]
async fn every_algorithm_that_fits_its_key_is_taken_and_no_other() {
    let keys = [Key::ed(), Key::rsa(), Key::p256(), Key::p384()];
    let fitting: [&[&str]; 4] = [
        &["EdDSA"],
        &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
        &["ES256"],
        &["ES384"],
    ];
    for (key, fitting) in keys.iter().zip(fitting) {
        let setup = Setup::with(key).await;
        for algorithm in fitting {
            let token = key.token("one", algorithm, &claims(json!({})));
            assert_eq!(setup.verifier.verify(&token).await.map(|known| known.user_id), Ok(7));
        }
        for other in ["EdDSA", "RS256", "PS256", "ES256", "ES384", "HS256", "HS512"] {
            if !fitting.contains(&other) {
                let token = key.token("one", other, &claims(json!({})));
                let refused = setup.verifier.verify(&token).await;
                assert_eq!(refused, Err(TokenError::Algorithm), "{other}, not {fitting:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    for key in [Key::rsa(), Key::ed()] {
        let setup = Setup::with(&key).await;
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
        let jwk = key.jwk("one").to_string();
        for secret in [key.public(), jwk.into_bytes()] {
            let secret = EncodingKey::from_secret(&secret);
            let token = jsonwebtoken::encode(&header, &claims(json!({})), &secret).unwrap();
            assert_eq!(setup.verifier.verify(&token).await, Err(TokenError::Algorithm));
        }
        // Even if the set has a secret, it verifies nothing.
        let jwk = json!({"keys": [key.jwk("other"), {"kty": "oct", "k": "AAAA", "kid": "one"}]});
        let setup = Setup::of(jwk.to_string()).await;
        let secret = EncodingKey::from_secret(&[0; 3]);
        let token = jsonwebtoken::encode(&header, &claims(json!({})), &secret).unwrap();
        assert_eq!(setup.verifier.verify(&token).await, Err(TokenError::UnknownKey));
    }
}

#[tokio::test]
async fn what_is_not_signed_is_refused() {
    let key = Key::ed();
    let setup = Setup::with(&key).await;
    let none = key.token("one", "none", &claims(json!({})));
    let (head, _) = none.rsplit_once('.').unwrap();
    for token in [none.clone(), format!("{head}.")] {
        assert!(matches!(setup.verifier.verify(&token).await, Err(TokenError::Malformed(_))));
    }
    let good = key.token("one", "EdDSA", &claims(json!({})));
    let (head, _) = good.rsplit_once('.').unwrap();
    assert_eq!(setup.verifier.verify(&format!("{head}.")).await, Err(TokenError::Signature));
    let other = key.token("one", "EdDSA", &claims(json!({"signoff_uid": 8})));
    let (good, other): (Vec<_>, Vec<_>) = (good.split('.').collect(), other.split('.').collect());
    let mixed = [good[0], other[1], good[2]].join(".");
    assert_eq!(setup.verifier.verify(&mixed).await, Err(TokenError::Signature));
    for text in ["", "a.b.c", "a.b.c.d", &"a".repeat(10_000)] {
        assert!(matches!(setup.verifier.verify(text).await, Err(TokenError::Malformed(_))));
    }
}

#[tokio::test]
async fn critical_extensions_are_refused() {
    let key = Key::ed();
    let setup = Setup::with(&key).await;
    let header = json!({"alg": "EdDSA", "kid": "one", "crit": ["b64"], "b64": false});
    let refused = setup.verifier.verify(&key.token_with(&header, &claims(json!({})))).await;
    assert!(matches!(refused, Err(TokenError::Malformed(_))));
}

#[tokio::test]
async fn only_a_key_of_the_set_counts_by_its_name() {
    let (key, other) = (Key::ed(), Key::ed());
    let setup = Setup::of(set([("one", &key), ("two", &other)])).await;
    let stranger = Key::ed().token("one", "EdDSA", &claims(json!({})));
    assert_eq!(setup.verifier.verify(&stranger).await, Err(TokenError::Signature));
    let swapped = other.token("one", "EdDSA", &claims(json!({})));
    assert_eq!(setup.verifier.verify(&swapped).await, Err(TokenError::Signature));
    let unknown = key.token("three", "EdDSA", &claims(json!({})));
    assert_eq!(setup.verifier.verify(&unknown).await, Err(TokenError::UnknownKey));
    // A key that the token brings along is nobody's.
    let own = Key::ed();
    let header = json!({"alg": "EdDSA", "jwk": own.jwk("own"), "jku": "https://evil.example"});
    let nameless = own.token_with(&header, &claims(json!({})));
    assert_eq!(setup.verifier.verify(&nameless).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn a_key_is_good_only_for_what_its_set_says() {
    let (key, other) = (Key::rsa(), Key::ed());
    let say = |name: &str, value: &str| {
        let mut jwk = key.jwk("one");
        jwk[name] = json!(value);
        json!({"keys": [jwk, other.jwk("two")]}).to_string()
    };
    let setup = Setup::of(say("alg", "PS256")).await;
    let token = |algorithm| key.token("one", algorithm, &claims(json!({})));
    assert!(setup.verifier.verify(&token("PS256")).await.is_ok());
    assert_eq!(setup.verifier.verify(&token("RS256")).await, Err(TokenError::Algorithm));
    let setup = Setup::of(say("use", "enc")).await;
    assert_eq!(setup.verifier.verify(&token("RS256")).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn times_are_checked() {
    let key = Key::p256();
    let mut setup = Setup::with(&key).await;
    let token = |changed| key.token("one", "ES256", &claims(changed));
    let expired = token(json!({"exp": now() - 2}));
    assert_eq!(setup.verifier.verify(&expired).await, Err(TokenError::Expired));
    let early = token(json!({"nbf": now() + 100}));
    assert_eq!(setup.verifier.verify(&early).await, Err(TokenError::NotYetValid));
    assert!(setup.verifier.verify(&token(json!({"nbf": now() - 1}))).await.is_ok());

    let options =
        TokenOptions { leeway: Duration::from_secs(200), ..setup.verifier.options.clone() };
    setup.verifier = TokenVerifier::open(options).await.unwrap();
    assert!(setup.verifier.verify(&expired).await.is_ok());
    assert!(setup.verifier.verify(&early).await.is_ok());
}

#[tokio::test]
async fn a_missing_claim_is_never_taken_for_a_right_one() {
    let key = Key::ed();
    let setup = Setup::with(&key).await;
    for claim in ["iss", "aud", "exp", "sub", "signoff_uid"] {
        let mut claims = claims(json!({}));
        claims.as_object_mut().unwrap().remove(claim);
        let refused = setup.verifier.verify(&key.token("one", "EdDSA", &claims)).await;
        assert_eq!(refused, Err(TokenError::MissingClaim(claim)));
    }
}

#[tokio::test]
async fn audience_and_issuer_are_checked() {
    let key = Key::ed();
    let setup = Setup::with(&key).await;
    let token = |changed| key.token("one", "EdDSA", &claims(changed));
    for (aud, verdict) in [
        (json!("signoff"), Ok(7)),
        (json!(["account", "signoff"]), Ok(7)),
        (json!("account"), Err(TokenError::Audience)),
        (json!("signoff-internal"), Err(TokenError::Audience)),
        (json!(["account"]), Err(TokenError::Audience)),
        (json!([]), Err(TokenError::Audience)),
        (json!(7), Err(TokenError::MissingClaim("aud"))),
    ] {
        let found = setup.verifier.verify(&token(json!({ "aud": aud }))).await;
        assert_eq!(found.map(|known| known.user_id), verdict, "{aud}");
    }
    for issuer in ["https://idp.example/realms/ban", "signoff-gateway", ""] {
        let refused = setup.verifier.verify(&token(json!({ "iss": issuer }))).await;
        assert_eq!(refused, Err(TokenError::Issuer), "{issuer}");
    }
    let several = setup.verifier.verify(&token(json!({"iss": [ISSUER, "x"]}))).await;
    assert!(matches!(several, Err(TokenError::Malformed(_))));
}

#[tokio::test]
async fn what_is_signed_here_is_believed_and_an_assertion_is_not() {
    let workflow = Workflow { cycle_id: Uuid::from_u128(1), report_id: Uuid::from_u128(2) };
    let setup = Setup::with(&Key::ed()).await;
    let key = SigningKey::generate().unwrap();
    let path = setup.folder.path().join("jwks.json");
    Jwks::of([&key]).save(&path).unwrap();
    let options = TokenOptions::new(LOCAL_ISSUER, AUDIENCE, KeySource::File(path));
    let verifier = TokenVerifier::open(options).await.unwrap();

    let hour = Duration::from_secs(3600);
    let claims = TokenClaims::new(9, "bob", hour).with_roles([Role::Service]).on(workflow);
    let principal = verifier.verify(&key.sign_token(&claims).unwrap()).await.unwrap();
    assert_eq!((principal.user_id, principal.until), (9, claims.exp));
    assert_eq!(
        (principal.roles.as_slice(), principal.workflow),
        ([Role::Service].as_slice(), Some(workflow))
    );

    let assertion = key.sign(&Claims::new(9, "bob", hour)).unwrap();
    assert_eq!(verifier.verify(&assertion).await, Err(TokenError::Issuer));
}

//! Where the keys come from, and how they change.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::super::*;
use super::fake::{AUDIENCE, Answer, ISSUER, Key, Server, claims, set};

const NEVER: Duration = Duration::from_secs(3600);

fn options(jwks: KeySource, refresh: Duration, cooldown: Duration) -> TokenOptions {
    TokenOptions { refresh, cooldown, ..TokenOptions::new(ISSUER, AUDIENCE, jwks) }
}

async fn asking(server: &Server, refresh: Duration, cooldown: Duration) -> TokenVerifier {
    let source = KeySource::Url(server.url());
    TokenVerifier::open(options(source, refresh, cooldown)).await.unwrap()
}

fn token(key: &Key, kid: &str) -> String {
    key.token(kid, "EdDSA", &claims(json!({})))
}

#[tokio::test]
async fn an_unknown_key_has_the_keys_fetched_again_and_the_old_ones_forgotten() {
    let (old, new) = (Key::ed(), Key::ed());
    let server = Server::start(Answer::Set(set([("old", &old)]))).await;
    let verifier = asking(&server, NEVER, Duration::ZERO).await;
    let before = token(&old, "old");
    assert!(verifier.verify(&before).await.is_ok());
    assert_eq!(server.asked(), 1);

    server.answer(Answer::Set(set([("new", &new)])));
    assert!(verifier.verify(&before).await.is_ok(), "nobody has asked yet");
    assert!(verifier.verify(&token(&new, "new")).await.is_ok());
    assert_eq!(verifier.verify(&before).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn a_flood_of_invented_keys_is_no_flood_of_fetches() {
    let key = Key::ed();
    let server = Server::start(Answer::Set(set([("one", &key)]))).await;
    let verifier = Arc::new(asking(&server, 2 * NEVER, NEVER).await);
    let flood = || async {
        let invented = (0..200).map(|i| token(&key, &format!("invented {i}")));
        let all = invented.map(|token| {
            let verifier = Arc::clone(&verifier);
            tokio::spawn(async move { verifier.verify(&token).await })
        });
        for one in all.collect::<Vec<_>>() {
            assert_eq!(one.await.unwrap(), Err(TokenError::UnknownKey));
        }
    };
    flood().await;
    assert_eq!(server.asked(), 1, "at the start, a moment ago");
    tokio::time::pause();
    tokio::time::advance(NEVER).await;
    tokio::time::resume();
    flood().await;
    assert_eq!(server.asked(), 2);
    assert!(verifier.verify(&token(&key, "one")).await.is_ok());
}

#[tokio::test]
async fn the_last_good_keys_stay_when_there_are_no_better_ones() {
    let key = Key::ed();
    let server = Server::start(Answer::Set(set([("one", &key)]))).await;
    let verifier = asking(&server, NEVER, Duration::ZERO).await;
    let bad = [
        Answer::Fault,
        Answer::Redirect,
        Answer::Endless,
        Answer::Set("{".to_owned()),
        Answer::Set(json!({"keys": []}).to_string()),
        Answer::Set(json!({"keys": [{"kty": "oct", "k": "AAAA", "kid": "one"}]}).to_string()),
    ];
    let asked = bad.len() + 1;
    for answer in bad {
        server.answer(answer);
        assert_eq!(verifier.verify(&token(&key, "two")).await, Err(TokenError::UnknownKey));
        assert!(verifier.verify(&token(&key, "one")).await.is_ok());
    }
    assert_eq!(server.asked(), asked);
}

#[tokio::test]
async fn a_provider_may_come_up_later() {
    let key = Key::ed();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let source = KeySource::Url(format!("http://{address}/keys"));
    let verifier = TokenVerifier::open(options(source, NEVER, Duration::ZERO)).await.unwrap();
    let token = token(&key, "one");
    assert_eq!(verifier.verify(&token).await, Err(TokenError::KeysUnavailable));
    let listener = TcpListener::bind(address).await.unwrap();
    let _server = Server::on(listener, Answer::Set(set([("one", &key)])));
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_not_waited_for() {
    let server = Server::start(Answer::Silence).await;
    let source = KeySource::Url(server.url());
    // The clock leaps to whatever is waited for next.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let verifier = TokenVerifier::open(options(source, NEVER, NEVER)).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 5);
    let refused = verifier.verify(&token(&Key::ed(), "one")).await;
    assert_eq!(refused, Err(TokenError::KeysUnavailable));
}

#[tokio::test(start_paused = true)]
async fn files_are_read_again_when_it_is_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("provider-jwks.json");
    let (old, new) = (Key::ed(), Key::ed());
    std::fs::write(&path, set([("old", &old)])).unwrap();
    let source = KeySource::File(path.clone());
    let second = Duration::from_secs(1);
    let verifier = TokenVerifier::open(options(source, second, NEVER)).await.unwrap();
    let before = token(&old, "old");
    assert!(verifier.verify(&before).await.is_ok());

    let mut keys = verifier.keys.current.clone();
    keys.mark_unchanged();
    std::fs::write(&path, set([("new", &new)])).unwrap();
    keys.changed().await.unwrap();
    assert_eq!(verifier.verify(&before).await, Err(TokenError::UnknownKey));
    assert!(verifier.verify(&token(&new, "new")).await.is_ok());
}

#[tokio::test]
async fn a_bad_file_or_url_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("provider-jwks.json");
    let open =
        |source| async { TokenVerifier::open(options(source, NEVER, NEVER)).await.err().unwrap() };
    let file = || KeySource::File(path.clone());
    assert!(matches!(open(file()).await, KeyError::File { .. }));
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(open(file()).await, KeyError::NotAKeySet { .. }));
    std::fs::write(&path, r#"{"keys": []}"#).unwrap();
    assert!(matches!(open(file()).await, KeyError::NoUsableKey(_)));
    let url = KeySource::Url("http://not a url".to_owned());
    assert!(matches!(open(url).await, KeyError::Fetch { .. }));
}

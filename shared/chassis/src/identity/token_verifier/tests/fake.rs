//! An identity provider: keys of all kinds, and a server that shows them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::identity::jwt::now;

pub(super) const ISSUER: &str = "https://idp.example/realms/bank";
pub(super) const AUDIENCE: &str = "signoff";

pub(super) enum Key {
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

impl Key {
    pub(super) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    pub(super) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(super) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(super) fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    /// The public part as it is, in a form of its kind.
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Ed(key) => key.public_key().as_ref().to_vec(),
            Self::Rsa(key) => key.public_key().as_ref().to_vec(),
            Self::P256(key) | Self::P384(key) => key.public_key().as_ref().to_vec(),
        }
    }

    /// The public part, for a set.
    pub(super) fn jwk(&self, kid: &str) -> Value {
        let public = self.public();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // A point is a 4 and two coordinates.
        let point = |curve| {
            let (x, y) = public[1..].split_at(public.len() / 2);
            json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y), "kid": kid})
        };
        match self {
            Self::Ed(_) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(&public), "kid": kid})
            }
            Self::Rsa(_) => {
                // DER: a sequence of two numbers, of 257 bytes (a zero first) and of 3.
                let (modulus, exponent) = (&public[9..265], &public[267..]);
                json!({"kty": "RSA", "n": text(modulus), "e": text(exponent), "kid": kid})
            }
            Self::P256(_) => point("P-256"),
            Self::P384(_) => point("P-384"),
        }
    }

    /// A token with this algorithm in its header.
    pub(super) fn token(&self, kid: &str, algorithm: &str, claims: &Value) -> String {
        self.token_with(&json!({"alg": algorithm, "kid": kid, "typ": "JWT"}), claims)
    }

    /// A token with this header.
    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", text(header), text(claims));
        let algorithm = header["alg"].as_str().unwrap();
        let signature = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
            Self::Rsa(key) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(key) | Self::P384(key) => {
                key.sign(&random, message).unwrap().as_ref().to_vec()
            }
        }
    }
}

/// The claims of a good token, with these instead of the usual ones.
pub(super) fn claims(changed: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 600, "iat": now(), "sub": "ann",
        "signoff_uid": 7, "roles": ["auditor"],
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// The text of a key set.
pub(super) fn set<'a>(keys: impl IntoIterator<Item = (&'a str, &'a Key)>) -> String {
    let keys: Vec<Value> = keys.into_iter().map(|(kid, key)| key.jwk(kid)).collect();
    json!({ "keys": keys }).to_string()
}

/// What the server answers.
#[derive(Clone)]
pub(super) enum Answer {
    Set(String),
    Fault,
    Redirect,
    Endless,
    Silence,
}

/// A server that shows a key set.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start(answer: Answer) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    pub(super) fn on(listener: TcpListener, answer: Answer) -> Self {
        let server = Self {
            address: listener.local_addr().unwrap(),
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::default(),
        };
        let (answer, asked) = (Arc::clone(&server.answer), Arc::clone(&server.asked));
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = connection.read(&mut request).await.unwrap();
                asked.fetch_add(1, Ordering::SeqCst);
                let answer = answer.lock().unwrap().clone();
                let head = |status: &str, length: usize| {
                    format!(
                        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n"
                    )
                };
                let text = match answer {
                    Answer::Set(set) => format!("{}\r\n{set}", head("200 OK", set.len())),
                    Answer::Fault => format!("{}\r\n", head("503 Service Unavailable", 0)),
                    Answer::Redirect => {
                        format!("{}location: /elsewhere\r\n\r\n", head("302 Found", 0))
                    }
                    Answer::Endless => {
                        let much = " ".repeat(2 * 1024 * 1024);
                        format!("{}\r\n{much}", head("200 OK", much.len()))
                    }
                    Answer::Silence => {
                        tokio::spawn(async move {
                            let _held = connection;
                            std::future::pending::<()>().await;
                        });
                        continue;
                    }
                };
                // Whoever reads no further has seen enough.
                let _ = connection.write_all(text.as_bytes()).await;
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub(super) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

//! A public key, and what it may verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};

/// Bytes of an Ed25519 public key.
const ED25519_BYTES: usize = 32;
/// The shortest RSA keys that count.
const MIN_RSA_BITS: usize = 2048;
/// What a key of an elliptic curve begins with whose two coordinates follow.
const UNCOMPRESSED: u8 = 4;

const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// A public key, and the algorithms that it is for: those that fit its kind, or the one that its
/// set names.
#[derive(Clone)]
pub(super) struct PublicKey {
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl PublicKey {
    /// The key and its kid, if it can verify a signature: it is of a kind that counts, long enough,
    /// and not meant for something else. No shared secret is a public key.
    pub(super) fn of(jwk: &Jwk) -> Option<(String, Self)> {
        let common = &jwk.common;
        let (key, mut algorithms) = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                let bytes = bytes(&key.x, ED25519_BYTES)?;
                (DecodingKey::from_ed_der(&bytes), vec![Algorithm::EdDSA])
            }
            AlgorithmParameters::EllipticCurve(key) => {
                let (coordinate, algorithm) = match key.curve {
                    EllipticCurve::P256 => (32, Algorithm::ES256),
                    EllipticCurve::P384 => (48, Algorithm::ES384),
                    _ => return None,
                };
                let mut point = vec![UNCOMPRESSED];
                point.extend(bytes(&key.x, coordinate)?);
                point.extend(bytes(&key.y, coordinate)?);
                (DecodingKey::from_ec_der(&point), vec![algorithm])
            }
            AlgorithmParameters::RSA(key) => {
                let modulus = URL_SAFE_NO_PAD.decode(&key.n).ok()?;
                let first = modulus.iter().position(|byte| *byte != 0)?;
                let modulus = &modulus[first..];
                if modulus.len() * 8 - (modulus[0].leading_zeros() as usize) < MIN_RSA_BITS {
                    return None;
                }
                let exponent = URL_SAFE_NO_PAD.decode(&key.e).ok()?;
                (DecodingKey::from_rsa_raw_components(modulus, &exponent), RSA.to_vec())
            }
            _ => return None,
        };
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == only);
        }
        let is_for_signatures =
            matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
                && common
                    .key_operations
                    .as_ref()
                    .is_none_or(|all| all.contains(&KeyOperations::Verify));
        let kid = common.key_id.clone()?;
        (is_for_signatures && !algorithms.is_empty()).then_some((kid, Self { key, algorithms }))
    }

    /// The key for this algorithm, if it is for it.
    pub(super) fn for_algorithm(&self, algorithm: Algorithm) -> Option<&DecodingKey> {
        self.algorithms.contains(&algorithm).then_some(&self.key)
    }
}

/// So many bytes.
fn bytes(text: &str, length: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == length)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The algorithms of a key, with these parameters.
    fn algorithms(mut key: Value, more: Value) -> Vec<Algorithm> {
        key["kid"] = json!("one");
        for (name, value) in more.as_object().unwrap() {
            key[name] = value.clone();
        }
        let key = PublicKey::of(&serde_json::from_value(key).unwrap());
        key.map(|(_, key)| key.algorithms).unwrap_or_default()
    }

    fn rsa(bits: usize) -> Value {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB"})
    }

    fn ec(curve: &str, coordinate: usize) -> Value {
        let number = URL_SAFE_NO_PAD.encode(vec![1; coordinate]);
        json!({"kty": "EC", "crv": curve, "x": number, "y": number})
    }

    #[test]
    fn the_kind_of_a_key_says_what_it_is_for() {
        let any = || json!({});
        assert_eq!(algorithms(rsa(2048), any()), RSA);
        assert_eq!(algorithms(ec("P-256", 32), any()), [Algorithm::ES256]);
        assert_eq!(algorithms(ec("P-384", 48), any()), [Algorithm::ES384]);
        for useless in [
            rsa(2047),
            rsa(1024),
            json!({"kty": "RSA", "n": "AAAA", "e": "AQAB"}),
            json!({"kty": "RSA", "n": "", "e": "AQAB"}),
            ec("P-521", 66),
            ec("P-256", 31),
            ec("Ed25519", 32),
            json!({"kty": "oct", "k": "AAAA"}),
        ] {
            assert!(algorithms(useless.clone(), any()).is_empty(), "{useless}");
        }
        // Zeros before a number do not make it longer.
        let mut padded = vec![0; 200];
        padded.extend([0xff; 128]);
        let padded = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(padded), "e": "AQAB"});
        assert!(algorithms(padded, any()).is_empty());
    }

    #[test]
    fn what_the_set_says_about_a_key_holds() {
        assert_eq!(algorithms(rsa(2048), json!({"alg": "PS256"})), [Algorithm::PS256]);
        assert_eq!(algorithms(rsa(2048), json!({"use": "sig"})), RSA);
        assert_eq!(algorithms(rsa(2048), json!({"key_ops": ["verify"]})), RSA);
        for otherwise in [
            json!({"alg": "ES256"}),
            json!({"alg": "RSA-OAEP"}),
            json!({"alg": "unheard of"}),
            json!({"use": "enc"}),
            json!({"key_ops": ["encrypt"]}),
            json!({"kid": null}),
        ] {
            assert!(algorithms(rsa(2048), otherwise.clone()).is_empty(), "{otherwise}");
        }
    }
}

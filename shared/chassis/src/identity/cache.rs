//! Tokens that were verified, so that a signature is checked once.

use std::collections::HashMap;
use std::sync::Arc;

/// How many tokens are kept at most, in two generations.
const CAPACITY: usize = 8192;

/// The SHA-256 of a token: a key that cannot be made to collide, and keeps no token in memory.
pub(super) type TokenHash = [u8; 32];

/// Verified tokens until they expire. Bounded: when the younger generation is full, the older one
/// is dropped.
#[derive(Debug)]
pub(super) struct TokenCache<P> {
    younger: HashMap<TokenHash, Verified<P>>,
    older: HashMap<TokenHash, Verified<P>>,
    generation: usize,
}

/// A verified token.
#[derive(Clone, Debug)]
struct Verified<P> {
    presenter: Arc<P>,
    /// When it expires, the leeway included; seconds since 1970.
    until: u64,
}

impl<P> Default for TokenCache<P> {
    fn default() -> Self {
        Self::holding(CAPACITY)
    }
}

impl<P> TokenCache<P> {
    fn holding(capacity: usize) -> Self {
        Self { younger: HashMap::new(), older: HashMap::new(), generation: capacity / 2 }
    }

    /// Who presented this token, if it was verified before and still holds at `now`.
    pub(super) fn get(&self, token: &TokenHash, now: u64) -> Option<Arc<P>> {
        let verified = self.younger.get(token).or_else(|| self.older.get(token))?;
        (now <= verified.until).then(|| Arc::clone(&verified.presenter))
    }

    /// Keeps a verified token.
    pub(super) fn put(&mut self, token: TokenHash, presenter: Arc<P>, until: u64) {
        if self.younger.len() >= self.generation {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(token, Verified { presenter, until });
    }

    /// Forgets all tokens: their keys may be gone.
    pub(super) fn clear(&mut self) {
        self.younger.clear();
        self.older.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_until_it_expires() {
        let mut cache = TokenCache::default();
        cache.put([1; 32], Arc::new(()), 100);
        assert!(cache.get(&[1; 32], 100).is_some());
        assert!(cache.get(&[1; 32], 101).is_none());
        assert!(cache.get(&[2; 32], 100).is_none());
        cache.clear();
        assert!(cache.get(&[1; 32], 100).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let mut cache = TokenCache::holding(4);
        for i in 0..5 {
            cache.put([i; 32], Arc::new(()), 100);
            assert!(cache.younger.len() + cache.older.len() <= 4);
        }
        assert!(cache.get(&[0; 32], 0).is_none());
        assert!(cache.get(&[4; 32], 0).is_some());
    }
}

//! The cryptography behind the tokens.

use std::sync::OnceLock;

use jsonwebtoken::crypto::aws_lc;

/// Installs aws-lc as the provider of `jsonwebtoken`, which panics at run time where it finds
/// none or several. Whoever makes or loads keys calls it; calling it again changes nothing.
pub fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // It fails if a provider is installed already, which is as good.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
    });
}

//! A chain as a file: JSON Lines, as `FORMAT.md` describes them.

mod line;
mod pages;
mod reader;
mod writer;

pub use pages::Export;
pub use reader::{
    ExportError, ExportFault, ExportFlaw, VerifiedExport, verify_export, verify_export_against,
};

/// How long a line may be, in bytes with its end: what 64 KiB take at most when each byte is
/// escaped, and room for the rest.
pub const MAX_EXPORT_LINE: usize = 512 * 1024;

/// The version of the lines that are written now.
const VERSION: u32 = 1;

#[cfg(test)]
mod flips;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

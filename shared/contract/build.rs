//! Compiles the `.proto` files of the workspace, without protoc.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Messages of the gates: each service has its own, as the lint asks, field for field the same. In Rust
/// they are one type, so that what handles them is written once. (tests/gate_messages.rs compares them)
const SHARED_BY_AUDIT: [&str; 20] = [
    "BeginOpenRequest",
    "BeginOpenResponse",
    "BeginReopenRequest",
    "BeginReopenResponse",
    "CloseWorkflowRequest",
    "CloseWorkflowResponse",
    "FenceRequest",
    "FenceResponse",
    "FinishReopenRequest",
    "FinishReopenResponse",
    "GetPhaseStatusRequest",
    "GetPhaseStatusResponse",
    "MarkStaleRequest",
    "MarkStaleResponse",
    "OpenRequest",
    "OpenResponse",
    "ReleaseSealRequest",
    "ReleaseSealResponse",
    "SealRequest",
    "SealResponse",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files = proto_files(&root.join("signoff"))?;
    // A folder stands for everything below it, so a new file is seen too.
    println!("cargo:rerun-if-changed={}", root.display());
    println!("cargo:rerun-if-changed=build.rs");

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;

    // Encoded by protox itself: decoding into prost-types would drop the method options.
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out_dir.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    // Maps in key order: the same message gives the same bytes.
    let mut config = tonic_prost_build::configure().btree_map(".");
    for message in SHARED_BY_AUDIT {
        let rust = format!("crate::versioning::v1::{message}");
        config = config.extern_path(format!(".signoff.audit.v1.{message}"), rust);
    }
    config.compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

/// Every `.proto` file below a folder, in order of their paths.
fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

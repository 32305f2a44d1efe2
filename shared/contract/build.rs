//! Compiles the `.proto` files of the workspace, without protoc.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use protox::prost_reflect::prost_types::FileDescriptorProto;
use protox::prost_reflect::prost_types::field_descriptor_proto::{Label, Type};

/// The package whose messages of gates are those of versioning.
const AUDIT: &str = "signoff.audit.v1";

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

    let files = compiler.file_descriptor_set();
    fs::write(out_dir.join("requests.rs"), requests(&files.file))?;
    // Maps in key order: the same message gives the same bytes.
    let mut config = tonic_prost_build::configure().btree_map(".");
    for message in SHARED_BY_AUDIT {
        let rust = format!("crate::versioning::v1::{message}");
        config = config.extern_path(format!(".{AUDIT}.{message}"), rust);
    }
    config.compile_fds(files)?;
    Ok(())
}

/// What requests have in common, implemented for each that has the fields: see `src/requests.rs`.
fn requests(files: &[FileDescriptorProto]) -> String {
    let mut code = String::new();
    for file in files {
        let Some(package) = file.package().strip_prefix("signoff.") else { continue };
        let module = format!("crate::{}", package.replace('.', "::"));
        let elsewhere = |name: &str| file.package() == AUDIT && SHARED_BY_AUDIT.contains(&name);
        let requests = file.message_type.iter().filter(|of| of.name().ends_with("Request"));
        for message in requests.filter(|of| !elsewhere(of.name())) {
            let has = |name: &str, kind: Type| {
                message.field.iter().any(|field| {
                    field.name() == name
                        && field.r#type() == kind
                        && field.label() != Label::Repeated
                        && !field.proto3_optional()
                })
            };
            let of = format!("for {module}::{}", message.name());
            if has("scope", Type::Message) {
                code += &format!("scoped!({of});\n");
            }
            if has("request_id", Type::String) {
                code += &format!("changing!({of});\n");
            }
            if has("page_size", Type::Int32) && has("page_token", Type::String) {
                code += &format!("paged!({of});\n");
            }
        }
    }
    code
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

//! What the build makes of the `.proto` files, laid out like their packages.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated code; its documentation is the comments in the .proto files"
)]

/// Package `signoff.workflow`.
pub mod workflow {
    /// The words that every other package uses.
    pub mod v1 {
        tonic::include_proto!("signoff.workflow.v1");
    }
}

/// Package `signoff.versioning`.
pub mod versioning {
    /// The six full-versioning phases.
    pub mod v1 {
        tonic::include_proto!("signoff.versioning.v1");
    }
}

/// Package `signoff.feed`.
pub mod feed {
    /// The trail.
    pub mod v1 {
        tonic::include_proto!("signoff.feed.v1");
    }
}

/// Package `signoff.metrics`.
pub mod metrics {
    /// What the trails add up to.
    pub mod v1 {
        tonic::include_proto!("signoff.metrics.v1");
    }
}

/// Package `signoff.gateway`.
pub mod gateway {
    /// Workflows and phases as a whole.
    pub mod v1 {
        tonic::include_proto!("signoff.gateway.v1");
    }
}

/// Package `signoff.audit`.
pub mod audit {
    /// The three audit-only phases.
    pub mod v1 {
        tonic::include_proto!("signoff.audit.v1");
    }
}

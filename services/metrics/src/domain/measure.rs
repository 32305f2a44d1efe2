//! What is counted: the rows that every metric is made of.

/// Declares an enum whose values have names in the database.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident: $($(#[$of:meta])* $value:ident = $text:literal,)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of])* $value,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }

            /// The one of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|of| of.name() == name)
            }
        }
    };
}
pub(crate) use named;

named! {
    /// What is counted. Times are added up in microseconds beside their number.
    Measure:
    /// Versions that were made; outcome: created or revised.
    VersionCreated = "version_created",
    /// Versions that were given up.
    VersionDeleted = "version_deleted",
    /// Versions that a reviewer closed; outcome: approved or rejected.
    VersionClosed = "version_closed",
    /// From a version's creation to its approval.
    ApprovalTime = "approval_time",
    /// From a version's last submission to its approval or rejection; outcome: which.
    ReviewTime = "review_time",
    /// Decisions by the verdict that stands; by source; outcome: approved, rejected or modified.
    DecisionRuled = "decision_ruled",
    /// Decisions that revised versions hold.
    RevisedItems = "revised_items",
    /// Those of them that were carried forward.
    CarriedItems = "carried_items",
    /// What happened to assignments; outcome: assigned, transferred or deactivated.
    DataOwner = "data_owner",
    /// Documents; outcome: submitted, supplemented or revised.
    Document = "document",
    /// Requests for action; by action type.
    TestRequest = "test_request",
    /// Answers to them; by action type; outcome: fulfilled, rejected or partial.
    TestResponse = "test_response",
    /// From a request to its answer; by action type.
    Turnaround = "turnaround_time",
    /// What answered requests did to the timeline; by action type; outcome: none, minor or major delay.
    TimelineImpact = "timeline_impact",
    /// Workflows; outcome: opened or closed.
    Workflow = "workflow",
}

/// What is asked for (seed 002, part G).
pub const ACTION_TYPES: [&str; 3] = ["document_request", "data_update_request", "test_rerun"];
/// How requests are answered.
pub const RESPONSES: [&str; 3] = ["fulfilled", "rejected", "partial"];
/// What they do to the timeline.
pub const IMPACTS: [&str; 3] = ["none", "minor_delay", "major_delay"];

/// A word as one of those that are known: labels are never what somebody else made up.
pub fn known(words: &'static [&'static str], word: &str) -> Option<&'static str> {
    words.iter().copied().find(|known| *known == word)
}

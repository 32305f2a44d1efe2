//! What the metrics are (design: seeds 002 part 4, 003 "Key Metrics to Track", 004 part 4).

use super::measure::{Measure, named};

named! {
    /// A metric.
    MetricType:
    /// Versions that were made.
    VersionCreated = "version_created",
    /// Versions that there are.
    VersionCount = "version_count",
    /// How long approval takes.
    ApprovalTime = "approval_time_hours",
    /// How long a reviewer takes.
    ReviewTime = "review_time_hours",
    /// How many versions are rejected.
    RejectionRate = "rejection_rate",
    /// How many decisions are rejected.
    DecisionRejectionRate = "decision_rejection_rate",
    /// How many decisions are accepted.
    AcceptanceRate = "acceptance_rate",
    /// How much is carried forward.
    CarryForwardRate = "carry_forward_rate",
    /// How often data owners change.
    DataOwnerChanges = "data_owner_changes",
    /// How often documents are revised.
    DocumentRevisions = "document_revisions",
    /// Requests for action.
    TestRequests = "test_requests",
    /// Their answers.
    TestResponses = "test_responses",
    /// How long they take.
    Turnaround = "turnaround_time_hours",
    /// What they cost.
    ImpactOnTimeline = "impact_on_timeline",
    /// Workflows that were opened.
    WorkflowsOpened = "workflows_opened",
    /// Workflows that were closed.
    WorkflowsClosed = "workflows_closed",
}

/// In what a metric is given (UCUM).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number.
    Count,
    /// A share of something, or so many for each.
    Ratio,
    /// Hours.
    Hours,
}

impl Unit {
    /// Its symbol.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Count | Self::Ratio => "1",
            Self::Hours => "h",
        }
    }
}

/// Which counts are part of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Of what.
    pub measure: Measure,
    /// Only of these outcomes; of all, if there are none.
    pub outcomes: &'static [&'static str],
    /// Whether they are taken away.
    pub less: bool,
    /// Whether everything counts that there was until the period's end.
    pub until_end: bool,
}

/// By what else a figure is broken down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Where decisions were recommended.
    Source,
    /// What was asked for.
    ActionType,
    /// How it ended.
    Outcome,
}

impl Split {
    /// Its name in a figure's metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "by_source",
            Self::ActionType => "by_action_type",
            Self::Outcome => "by_outcome",
        }
    }
}

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// In a sentence.
    pub text: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What is divided.
    pub numerator: &'static [Part],
    /// By what; nothing for a plain count.
    pub denominator: &'static [Part],
    /// Its breakdowns.
    pub splits: &'static [Split],
}

const fn all(measure: Measure) -> Part {
    Part { measure, outcomes: &[], less: false, until_end: false }
}

const fn some(measure: Measure, outcomes: &'static [&'static str]) -> Part {
    Part { outcomes, ..all(measure) }
}

const fn until_end(part: Part) -> Part {
    Part { until_end: true, ..part }
}

const fn less(part: Part) -> Part {
    Part { less: true, ..part }
}

impl MetricType {
    /// What it is.
    pub const fn definition(self) -> Definition {
        use Measure as M;
        use Split::{ActionType, Outcome, Source};
        use Unit::{Count, Hours, Ratio};
        match self {
            Self::VersionCreated => Definition {
                text: "Versions that were created or revised in the period.",
                unit: Count,
                numerator: const { &[all(M::VersionCreated)] },
                denominator: &[],
                splits: &[Outcome],
            },
            Self::VersionCount => Definition {
                text: "Versions that there were at the end of the period, without deleted ones.",
                unit: Count,
                numerator: const {
                    &[until_end(all(M::VersionCreated)), less(until_end(all(M::VersionDeleted)))]
                },
                denominator: &[],
                splits: &[],
            },
            Self::ApprovalTime => Definition {
                text: "From a version's creation to its approval, on average, of those approved in the period.",
                unit: Hours,
                numerator: const { &[all(M::ApprovalTime)] },
                denominator: const { &[all(M::ApprovalTime)] },
                splits: &[],
            },
            Self::ReviewTime => Definition {
                text: "From a version's last submission to its approval or rejection, on average, of those decided in the period.",
                unit: Hours,
                numerator: const { &[all(M::ReviewTime)] },
                denominator: const { &[all(M::ReviewTime)] },
                splits: &[Outcome],
            },
            Self::RejectionRate => Definition {
                text: "The share of versions rejected of all that were approved or rejected in the period.",
                unit: Ratio,
                numerator: const { &[some(M::VersionClosed, &["rejected"])] },
                denominator: const { &[all(M::VersionClosed)] },
                splits: &[],
            },
            Self::DecisionRejectionRate => Definition {
                text: "The share of decisions rejected of all that were ruled on in the period, by the verdict that stands in their version.",
                unit: Ratio,
                numerator: const { &[some(M::DecisionRuled, &["rejected"])] },
                denominator: const { &[all(M::DecisionRuled)] },
                splits: &[Source],
            },
            Self::AcceptanceRate => Definition {
                text: "The share of decisions approved, as they were or as modified, of all that were ruled on in the period, by the verdict that stands in their version.",
                unit: Ratio,
                numerator: const { &[some(M::DecisionRuled, &["approved", "modified"])] },
                denominator: const { &[all(M::DecisionRuled)] },
                splits: &[Source],
            },
            Self::CarryForwardRate => Definition {
                text: "The share of decisions carried forward of all that are held by the versions revised from another one in the period, without deleted ones.",
                unit: Ratio,
                numerator: const { &[all(M::CarriedItems)] },
                denominator: const { &[all(M::RevisedItems)] },
                splits: &[],
            },
            Self::DataOwnerChanges => Definition {
                text: "Assignments of data owners that were transferred or deactivated in the period.",
                unit: Count,
                numerator: const { &[some(M::DataOwner, &["transferred", "deactivated"])] },
                denominator: &[],
                splits: &[Outcome],
            },
            Self::DocumentRevisions => Definition {
                text: "Revisions made in the period for each document submitted until its end.",
                unit: Ratio,
                numerator: const { &[some(M::Document, &["revised"])] },
                denominator: const { &[until_end(some(M::Document, &["submitted", "supplemented"]))] },
                splits: &[],
            },
            Self::TestRequests => Definition {
                text: "Requests for action that were made in the period.",
                unit: Count,
                numerator: const { &[all(M::TestRequest)] },
                denominator: &[],
                splits: &[ActionType],
            },
            Self::TestResponses => Definition {
                text: "Requests for action that were answered in the period.",
                unit: Count,
                numerator: const { &[all(M::TestResponse)] },
                denominator: &[],
                splits: &[ActionType, Outcome],
            },
            Self::Turnaround => Definition {
                text: "From a request for action to its answer, on average, of those answered in the period.",
                unit: Hours,
                numerator: const { &[all(M::Turnaround)] },
                denominator: const { &[all(M::Turnaround)] },
                splits: &[ActionType],
            },
            Self::ImpactOnTimeline => Definition {
                text: "The share of requests for action that delayed the timeline of all that were answered in the period with their impact on it.",
                unit: Ratio,
                numerator: const { &[some(M::TimelineImpact, &["minor_delay", "major_delay"])] },
                denominator: const { &[all(M::TimelineImpact)] },
                splits: &[ActionType],
            },
            Self::WorkflowsOpened => Definition {
                text: "Workflows that were opened in the period.",
                unit: Count,
                numerator: const { &[some(M::Workflow, &["opened"])] },
                denominator: &[],
                splits: &[],
            },
            Self::WorkflowsClosed => Definition {
                text: "Workflows that were closed in the period.",
                unit: Count,
                numerator: const { &[some(M::Workflow, &["closed"])] },
                denominator: &[],
                splits: &[],
            },
        }
    }

    /// The measure whose times it averages, if it does.
    pub fn times(self) -> Option<Measure> {
        let definition = self.definition();
        let measure = definition.numerator.first()?.measure;
        (definition.unit == Unit::Hours).then_some(measure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_hours_and_everything_else_is_a_number() {
        for metric in MetricType::ALL {
            let is_time = metric.name().ends_with("_hours");
            let symbol = if is_time { "h" } else { "1" };
            assert_eq!(metric.definition().unit.symbol(), symbol, "{metric:?}");
            assert_eq!(metric.times().is_some(), is_time, "{metric:?}");
        }
    }
}

//! Finalize Test Report (seed 002, part I).

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::MetadataBody;
use crate::domain::payload::check::{MAX_CONTENT, MAX_NAME};
use crate::domain::payload::{Check, Fields, ReportSection, words};

words! {
    /// How the document is made.
    pub enum GenerationMethod {
        /// By hand.
        Manual = "manual",
        /// By a program.
        Automated = "automated",
        /// By both.
        Hybrid = "hybrid",
    }
}

/// What a version of Finalize Test Report says about itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestReportMetadata {
    /// The report's title.
    #[serde(default)]
    pub report_title: String,
    /// The first day that it is about.
    #[serde(default)]
    pub report_period_start: Option<NaiveDate>,
    /// The last day that it is about.
    #[serde(default)]
    pub report_period_end: Option<NaiveDate>,
    /// What an executive reads of it.
    #[serde(default)]
    pub executive_summary: String,
    /// The keys of the sections that the document shows, in order.
    #[serde(default)]
    pub included_sections: Vec<String>,
    /// The template of the document.
    #[serde(default)]
    pub report_template_id: Option<Uuid>,
    /// When the document was made.
    #[serde(default)]
    pub generated_at: Option<DateTime<Utc>>,
    /// How the document is made, if that was said.
    #[serde(default)]
    pub generation_method: Option<GenerationMethod>,
    /// The document before approval.
    #[serde(default)]
    pub draft_document_id: Option<Uuid>,
    /// The document after approval.
    #[serde(default)]
    pub final_document_id: Option<Uuid>,
    /// Whether the test executive approves; unset means yes.
    #[serde(default)]
    pub requires_executive_approval: Option<bool>,
}

impl MetadataBody for TestReportMetadata {
    type Payload = ReportSection;
    const NAME: &'static str = "finalize_test_report";
    const FIELDS: &'static [&'static str] = &[
        "report_title",
        "report_period_start",
        "report_period_end",
        "executive_summary",
        "included_sections",
        "report_template_id",
        "generated_at",
        "generation_method",
        "draft_document_id",
        "final_document_id",
        "requires_executive_approval",
    ];

    fn check(&self, check: &mut Check<'_>) {
        check.text("report_title", &self.report_title, MAX_NAME);
        check.date("report_period_start", self.report_period_start);
        check.date("report_period_end", self.report_period_end);
        if let (Some(start), Some(end)) = (self.report_period_start, self.report_period_end)
            && start > end
        {
            check.refuse("report_period_end", "is before report_period_start");
        }
        check.text("executive_summary", &self.executive_summary, MAX_CONTENT);
        check.names("included_sections", &self.included_sections);
    }

    fn waives_approver(&self) -> bool {
        self.requires_executive_approval == Some(false)
    }

    fn shown_items(&self) -> &[String] {
        &self.included_sections
    }

    fn into_body(self) -> Value {
        Fields::new()
            .text("report_title", self.report_title)
            .date("report_period_start", self.report_period_start)
            .date("report_period_end", self.report_period_end)
            .text("executive_summary", self.executive_summary)
            .texts("included_sections", self.included_sections)
            .id("report_template_id", self.report_template_id)
            .time("generated_at", self.generated_at)
            .word("generation_method", self.generation_method.map(GenerationMethod::word))
            .id("draft_document_id", self.draft_document_id)
            .id("final_document_id", self.final_document_id)
            .flag("requires_executive_approval", self.requires_executive_approval)
            .into_body()
    }
}

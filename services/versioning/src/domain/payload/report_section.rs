//! Finalize Test Report: one section of the report (seed 002, part I).

use serde::Deserialize;
use serde_json::Value;

use super::check::{MAX_CONTENT, MAX_NAME};
use super::{Check, Fields, NamedKey, PayloadBody, words};

words! {
    /// Where the content of a section comes from.
    pub enum ContentSource {
        /// Written by hand.
        Manual = "manual",
        /// Written by a program.
        Generated = "generated",
        /// Taken over from elsewhere.
        Imported = "imported",
    }
}

/// A section. The item's key is of the client's choice.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportSection {
    /// "executive_summary", "findings", "recommendations", …
    pub section_type: String,
    /// Its heading.
    pub section_title: String,
    /// Its text.
    #[serde(default)]
    pub section_content: String,
    /// 1, 2, 3 …
    pub section_order: i32,
    /// Where the content comes from.
    pub content_source: ContentSource,
    /// Observations, test results and the like.
    #[serde(default)]
    pub source_references: Vec<String>,
}

impl PayloadBody for ReportSection {
    const KIND: &'static str = "report_section";
    const SCHEMA: i16 = 1;
    const ORDERED: bool = true;

    fn check(&self, check: &mut Check<'_>) {
        check.required_text("section_type", &self.section_type, MAX_NAME);
        check.required_text("section_title", &self.section_title, MAX_NAME);
        check.text("section_content", &self.section_content, MAX_CONTENT);
        if self.section_order < 1 {
            check.refuse("section_order", "is less than 1");
        }
        check.names("source_references", &self.source_references);
    }

    fn named_key(&self) -> NamedKey<'_> {
        NamedKey::Free
    }

    fn place(&self) -> Option<i32> {
        Some(self.section_order)
    }

    fn into_body(self) -> Value {
        Fields::new()
            .text("section_type", self.section_type)
            .text("section_title", self.section_title)
            .text("section_content", self.section_content)
            .integer("section_order", self.section_order)
            .word("content_source", self.content_source.word())
            .texts("source_references", self.source_references)
            .into_body()
    }
}

"""Seed 001's story of the samples: 100 recommended, 80 approved and 20 rejected, version 1
rejected; version 2 with 80 carried and 10 new ones, approved. And what can be read afterwards."""

import hashlib
import json
import unittest

from client import request_id
from signoff.feed.v1 import trail_pb2
from signoff.versioning.v1 import decision_pb2 as decision
from signoff.versioning.v1 import gates_pb2 as gates
from signoff.versioning.v1 import version_pb2
from signoff.versioning.v1 import versioning_service_pb2 as messages
from signoff.workflow.v1 import phase_status_pb2, scope_pb2
from story import OWNER, TESTER, Report, decisions_of, samples

SAMPLES = scope_pb2.PHASE_SAMPLE_SELECTION
VERSIONING = trail_pb2.SOURCE_VERSIONING


class SampleStory(unittest.TestCase):
    """The story is played once; each test looks at one side of it."""

    @classmethod
    def setUpClass(cls):
        cls.report = Report()
        cls.addClassCleanup(cls.report.close)
        cls.report.complete_up_to_samples()
        cls.scope = cls.report.workflow.scope(SAMPLES)

        first = cls.report.submit(cls.report.create(SAMPLES, samples(range(100))))
        cls.rejected = list(decisions_of(cls.report.owner, first))[80:]
        reviews = [
            decision.Review(
                decision_id=found.decision_id,
                verdict=decision.VERDICT_REJECTED,
                notes="closed before the period",
            )
            for found in cls.rejected
        ]
        reviewed = cls.report.review(cls.report.owner, first, reviews)
        cls.first = cls.report.owner.versioning.RejectVersion(
            messages.RejectVersionRequest(
                scope=cls.scope,
                version_id=first.version_id,
                notes="ten more, please",
                etag=reviewed.etag,
                request_id=request_id(),
            )
        ).version
        second = cls.report.tester.versioning.ReviseVersion(
            messages.ReviseVersionRequest(
                scope=cls.scope,
                notes="ten more",
                decisions=samples(range(100, 110)),
                request_id=request_id(),
            )
        ).version
        cls.drafted = second
        second = cls.report.review(cls.report.owner, cls.report.submit(second))
        cls.second = cls.report.approve(cls.report.owner, second)

    def test_versions_have_the_numbers_of_the_story(self):
        listed = self.report.owner.versioning.ListVersions(
            messages.ListVersionsRequest(scope=self.scope)
        ).versions
        self.assertEqual([version.number for version in listed], [2, 1])
        self.assertEqual(
            [version.state for version in listed],
            [version_pb2.VERSION_STATE_APPROVED, version_pb2.VERSION_STATE_REJECTED],
        )
        second, first = (version.counts for version in listed)
        self.assertEqual((first.total, first.approved, first.rejected), (100, 80, 20))
        self.assertEqual((second.total, second.carried, second.approved), (90, 80, 90))
        drafted = self.drafted.counts
        self.assertEqual((drafted.carried, drafted.approved, drafted.pending), (80, 80, 10))
        self.assertEqual(listed[0].parent_version_id, self.first.version_id)
        self.assertEqual(listed[0].metadata.sample_selection.actual_sample_size, 90)
        self.assertEqual(listed[1].review_notes, "ten more, please")
        current = self.report.tester.versioning.GetCurrentVersion(
            messages.GetCurrentVersionRequest(scope=self.scope)
        ).version
        self.assertEqual(current, listed[0])

    def test_carried_samples_keep_their_story(self):
        found = list(decisions_of(self.report.tester, self.second))
        sources = [item.source for item in found]
        carried = decision.RECOMMENDATION_SOURCE_CARRIED_FORWARD
        self.assertEqual(sources.count(carried), 80)
        self.assertEqual(
            {item.original_source for item in found if item.source == carried},
            {decision.RECOMMENDATION_SOURCE_TESTER, decision.RECOMMENDATION_SOURCE_LLM},
        )
        self.assertFalse({item.item_key for item in found} & {r.item_key for r in self.rejected})
        lineage = self.report.owner.versioning.GetLineage(
            messages.GetLineageRequest(scope=self.scope, decision_id=found[0].decision_id)
        ).entries
        newer, older = (entry.decision for entry in lineage)
        self.assertEqual((newer.version_number, older.version_number), (2, 1))
        self.assertEqual(newer.carried_from_version_id, self.first.version_id)
        self.assertEqual(newer.carried_from_decision_id, older.decision_id)
        self.assertEqual((older.recommended_by, older.decided_by), (TESTER, OWNER))
        self.assertEqual(newer.effective_payload, older.payload)
        self.assertEqual(older.payload.sample.sample_data["balance"], 100.25)

    def test_the_comparison_says_what_became_of_version_one(self):
        compared = self.report.owner.versioning.CompareVersions(
            messages.CompareVersionsRequest(
                scope=self.scope,
                version_id=self.first.version_id,
                other_version_id=self.second.version_id,
                page_size=1000,
            )
        )
        counts = compared.counts
        self.assertEqual((counts.added, counts.removed), (10, 20))
        self.assertEqual((counts.changed, counts.ruled_differently, counts.unchanged), (0, 0, 80))
        removed = {
            found.item_key
            for found in compared.differences
            if found.kind == decision.DIFFERENCE_KIND_REMOVED
        }
        self.assertEqual(removed, {found.item_key for found in self.rejected})

    def test_pages_add_up(self):
        whole = list(decisions_of(self.report.owner, self.first))
        for size in (1, 7, 99):
            self.assertEqual(list(decisions_of(self.report.owner, self.first, size)), whole)

    def test_what_was_approved_is_registered(self):
        artifacts = self.report.owner.versioning.ListArtifacts(
            messages.ListArtifactsRequest(scope=self.report.workflow.scope())
        ).artifacts
        self.assertEqual(
            {artifact.artifact_type for artifact in artifacts},
            {"attributes", "profiling_rules", "scope", "samples"},
        )
        status = self.report.owner.versioning.GetPhaseStatus(
            gates.GetPhaseStatusRequest(scope=self.scope)
        ).phase_status
        self.assertEqual(status.state, phase_status_pb2.PHASE_STATE_COMPLETE)
        self.assertEqual(status.current_version_id, self.second.version_id)
        below = self.report.owner.versioning.GetPhaseStatus(
            gates.GetPhaseStatusRequest(
                scope=self.report.workflow.scope(scope_pb2.PHASE_SCOPING)
            )
        ).phase_status
        self.assertEqual(below.state, phase_status_pb2.PHASE_STATE_SEALED)
        self.assertEqual([holder.phase for holder in below.holders], [SAMPLES])

    def test_the_trail_verifies_without_the_server(self):
        """FORMAT.md's steps 1 to 3, on what GetTrail answers."""
        scope = self.report.workflow.scope()
        answered = self.report.owner.trail.VerifyTrail(
            trail_pb2.VerifyTrailRequest(scope=scope, source=VERSIONING)
        )
        self.assertTrue(answered.intact, answered.first_damaged)

        request = trail_pb2.GetTrailRequest(scope=scope, source=VERSIONING, page_size=7)
        previous, count, actions = bytes(32), 0, []
        while True:
            page = self.report.owner.trail.GetTrail(request)
            for record in page.records:
                count += 1
                hashed = b"signoff-trail-v1\0" + previous + record.canonical
                self.assertEqual(record.sequence, count)
                self.assertEqual(record.previous_hash, previous)
                self.assertEqual(record.hash, hashlib.sha256(hashed).digest())
                self.assertEqual(json.loads(record.canonical)["sequence"], count)
                previous = record.hash
                actions.append(record.action)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        self.assertEqual((answered.records, answered.head.hash), (count, previous))
        self.assertEqual(actions[-1], "version.approved")
        self.assertIn("version.rejected", actions)


if __name__ == "__main__":
    unittest.main()

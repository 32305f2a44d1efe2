"""What is refused, and how a client can tell why: the details of each status arrive in Python."""

import unittest
import uuid

import grpc
from client import Person, Refusal, request_id
from signoff.gateway.v1 import phase_service_pb2 as phases
from signoff.versioning.v1 import payloads_pb2 as payloads
from signoff.versioning.v1 import versioning_service_pb2 as messages
from signoff.workflow.v1 import access_pb2, scope_pb2
from story import MEMBERS, OWNER, TESTER, Report, decisions_of, recommended, samples

SAMPLES = scope_pb2.PHASE_SAMPLE_SELECTION


class Refusals(unittest.TestCase):
    """One report with a submitted version of five samples."""

    @classmethod
    def setUpClass(cls):
        cls.report = Report()
        cls.addClassCleanup(cls.report.close)
        cls.report.complete_up_to_samples()
        cls.scope = cls.report.workflow.scope(SAMPLES)
        cls.version = cls.report.submit(cls.report.create(SAMPLES, samples(range(5))))

    def refused(self, call, request, code, reason):
        """The refusal of a call, which must have this code and reason."""
        with self.assertRaises(grpc.RpcError) as raised:
            call(request)
        refusal = Refusal(raised.exception)
        self.assertEqual((refusal.code, refusal.reason), (code, reason), refusal.message)
        self.assertEqual(refusal.domain, "signoff")
        return refusal

    def named(self, kind, **fields):
        """A request about the version."""
        return kind(scope=self.scope, version_id=self.version.version_id, **fields)

    def test_without_a_token(self):
        stranger = Person("nothing that anybody signed")
        self.addCleanup(stranger.close)
        self.refused(
            stranger.versioning.GetVersion,
            self.named(messages.GetVersionRequest),
            grpc.StatusCode.UNAUTHENTICATED,
            "TOKEN_INVALID",
        )

    def test_on_another_report(self):
        elsewhere = Report()
        self.addCleanup(elsewhere.close)
        stranger = Person.holding(77)
        self.addCleanup(stranger.close)
        self.refused(
            stranger.versioning.GetVersion,
            self.named(messages.GetVersionRequest),
            grpc.StatusCode.PERMISSION_DENIED,
            "ROLE_MISSING",
        )
        narrowed = Person.holding(OWNER, workflow=elsewhere.workflow)
        self.addCleanup(narrowed.close)
        self.refused(
            narrowed.versioning.GetVersion,
            self.named(messages.GetVersionRequest),
            grpc.StatusCode.UNAUTHENTICATED,
            "TOKEN_INVALID",
        )
        refusal = self.refused(
            elsewhere.owner.versioning.GetVersion,
            messages.GetVersionRequest(
                scope=elsewhere.workflow.scope(SAMPLES), version_id=self.version.version_id
            ),
            grpc.StatusCode.NOT_FOUND,
            "NOT_FOUND",
        )
        self.assertEqual(refusal.resource, ("version", self.version.version_id))

    def test_the_author_does_not_approve(self):
        self.addCleanup(self.report.workflow.set_members, MEMBERS)
        self.report.workflow.set_members([*MEMBERS, (TESTER, access_pb2.ROLE_REPORT_OWNER)])
        self.refused(
            self.report.tester.versioning.ApproveVersion,
            self.named(messages.ApproveVersionRequest, request_id=request_id()),
            grpc.StatusCode.PERMISSION_DENIED,
            "MAKER_IS_CHECKER",
        )

    def test_pending_decisions_block_approval(self):
        refusal = self.refused(
            self.report.owner.versioning.ApproveVersion,
            self.named(messages.ApproveVersionRequest, request_id=request_id()),
            grpc.StatusCode.FAILED_PRECONDITION,
            "DECISIONS_PENDING",
        )
        self.assertIn("5 decisions wait for a ruling", refusal.preconditions[0])

    def test_a_sealed_phase_takes_no_change(self):
        refusal = self.refused(
            self.report.tester.versioning.ReviseVersion,
            messages.ReviseVersionRequest(
                scope=self.report.workflow.scope(scope_pb2.PHASE_SCOPING), request_id=request_id()
            ),
            grpc.StatusCode.FAILED_PRECONDITION,
            "PHASE_SEALED",
        )
        self.assertIn("Sample Selection rests on it", refusal.preconditions[0])

    def test_a_phase_waits_for_what_it_rests_on(self):
        refusal = self.refused(
            self.report.tester.phases.StartPhase,
            phases.StartPhaseRequest(
                scope=self.report.workflow.scope(),
                phase_name="Data Owner ID",
                request_id=request_id(),
            ),
            grpc.StatusCode.FAILED_PRECONDITION,
            "PHASE_DEPENDENCY_UNMET",
        )
        self.assertTrue(
            any("Sample Selection is not complete" in what for what in refusal.preconditions),
            refusal.preconditions,
        )

    def test_a_stale_etag(self):
        refusal = self.refused(
            self.report.owner.versioning.ApproveVersion,
            self.named(messages.ApproveVersionRequest, etag="0.0", request_id=request_id()),
            grpc.StatusCode.ABORTED,
            "ETAG_MISMATCH",
        )
        self.assertEqual(refusal.metadata["current_etag"], self.version.etag)

    def test_every_duplicate_is_named(self):
        report = Report()
        self.addCleanup(report.close)
        report.complete_up_to_samples()
        refusal = self.refused(
            report.tester.versioning.CreateVersion,
            messages.CreateVersionRequest(
                scope=report.workflow.scope(SAMPLES),
                decisions=samples([1, 2, 1, 3, 2]),
                request_id=request_id(),
            ),
            grpc.StatusCode.ALREADY_EXISTS,
            "ITEM_EXISTS",
        )
        self.assertEqual(refusal.fields, ["decisions[2].item_key", "decisions[4].item_key"])

    def test_the_details_of_ten_thousand_faults_arrive(self):
        """A client in Python takes 8 KiB of metadata: details that are longer are lost."""
        wrong = recommended("x" * 300, payloads.Payload(sample=payloads.Sample()))
        refusal = self.refused(
            self.report.tester.versioning.AddDecisions,
            self.named(
                messages.AddDecisionsRequest, decisions=[wrong] * 10_000, request_id=request_id()
            ),
            grpc.StatusCode.INVALID_ARGUMENT,
            "VALIDATION_FAILED",
        )
        self.assertGreaterEqual(int(refusal.metadata["violations_total"]), 10_000)
        self.assertTrue(refusal.fields[0].startswith("decisions[0]."))

    def test_a_page_token_belongs_to_one_call(self):
        request = self.named(messages.ListDecisionsRequest, page_size=2)
        request.page_token = self.report.owner.versioning.ListDecisions(request).next_page_token
        request.filter.item_key_prefix = "ACCT"
        self.refused(
            self.report.owner.versioning.ListDecisions,
            request,
            grpc.StatusCode.INVALID_ARGUMENT,
            "PAGE_TOKEN_MISMATCH",
        )

    def test_a_refused_call_changes_nothing(self):
        before = list(decisions_of(self.report.owner, self.version))
        self.refused(
            self.report.tester.versioning.AddDecisions,
            self.named(
                messages.AddDecisionsRequest, decisions=samples([7]), request_id=request_id()
            ),
            grpc.StatusCode.FAILED_PRECONDITION,
            "VERSION_STATE",
        )
        self.assertEqual(list(decisions_of(self.report.owner, self.version)), before)


class Repeats(unittest.TestCase):
    """The same request again gives the first answer; the same id with another content does not."""

    def test_a_repeated_request_is_done_once(self):
        report = Report()
        self.addCleanup(report.close)
        attribute_id = str(uuid.uuid4())
        attribute = payloads.AttributeDecision(
            attribute_id=attribute_id,
            attribute_name="Bank ID",
            is_key=True,
            decision_type=payloads.DECISION_TYPE_INCLUDE,
        )
        request = messages.CreateVersionRequest(
            scope=report.workflow.scope(scope_pb2.PHASE_PLANNING),
            decisions=[recommended(attribute_id, payloads.Payload(attribute_decision=attribute))],
            request_id=request_id(),
        )
        first = report.tester.versioning.CreateVersion(request)
        self.assertEqual(report.tester.versioning.CreateVersion(request), first)
        listed = report.tester.versioning.ListVersions(
            messages.ListVersionsRequest(scope=request.scope)
        ).versions
        self.assertEqual(list(listed), [first.version])

        request.notes = "another content"
        with self.assertRaises(grpc.RpcError) as raised:
            report.tester.versioning.CreateVersion(request)
        refusal = Refusal(raised.exception)
        self.assertEqual(
            (refusal.code, refusal.reason, refusal.fields),
            (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED", ["request_id"]),
        )


if __name__ == "__main__":
    unittest.main()

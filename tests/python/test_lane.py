"""One lane from its data owner to its last result, and what follows from it: an observation of the
test that failed, which the final report asks for."""

import hashlib
import unittest
import uuid

import grpc
from client import Person, Refusal, request_id, struct
from signoff.audit.v1 import audit_phase_service_pb2 as audited
from signoff.audit.v1 import data_owner_pb2 as owners
from signoff.audit.v1 import document_pb2 as documents
from signoff.audit.v1 import test_case_pb2 as cases
from signoff.audit.v1 import test_execution_pb2 as executions
from signoff.feed.v1 import trail_pb2
from signoff.gateway.v1 import phase_service_pb2 as phases
from signoff.gateway.v1 import workflow_service_pb2 as workflows
from signoff.versioning.v1 import payloads_pb2 as payloads
from signoff.versioning.v1 import versioning_service_pb2 as messages
from signoff.workflow.v1 import phase_status_pb2, scope_pb2
from story import Report, recommended, samples

OWNER, SUCCESSOR = 101, 102
OWNERS = scope_pb2.PHASE_DATA_OWNER_ID
REQUESTS = scope_pb2.PHASE_REQUEST_INFO
TESTS = scope_pb2.PHASE_TEST_EXECUTION
OBSERVATIONS = scope_pb2.PHASE_OBSERVATION_MANAGEMENT
FINALIZE = scope_pb2.PHASE_FINALIZE_TEST_REPORT


class Lane(unittest.TestCase):
    """The lane goes its way once; each test looks at one side of it."""

    @classmethod
    def setUpClass(cls):
        cls.report = Report()
        cls.workflow, cls.tester = cls.report.workflow, cls.report.tester
        # Neither holds a role: it is their assignment that lets them in.
        cls.owner, cls.successor = Person.holding(OWNER), Person.holding(SUCCESSOR)
        for one in (cls.report, cls.owner, cls.successor):
            cls.addClassCleanup(one.close)
        cls.lob = str(uuid.uuid4())
        cls.report.complete_up_to_samples()
        cls.report.complete(
            scope_pb2.PHASE_SAMPLE_SELECTION, cls.report.owner, samples([1, 2], cls.lob)
        )
        cls.assign()
        cls.planned = cls.plan()
        cls.cases = list(
            cls.tester.cases.ListTestCases(
                cases.ListTestCasesRequest(scope=cls.workflow.scope(REQUESTS))
            ).test_cases
        )
        cls.collect()
        cls.examine()

    @classmethod
    def assign(cls):
        scope = cls.workflow.scope(OWNERS)
        cls.first = cls.tester.owners.AssignDataOwner(
            owners.AssignDataOwnerRequest(
                scope=scope,
                data_owner_id=OWNER,
                lob_id=cls.lob,
                assignment_type=owners.ASSIGNMENT_TYPE_PRIMARY,
                change_reason="knows the card book",
                request_id=request_id(),
            )
        ).assignment
        cls.second = cls.tester.owners.TransferDataOwner(
            owners.TransferDataOwnerRequest(
                scope=scope,
                assignment_id=cls.first.assignment_id,
                data_owner_id=SUCCESSOR,
                change_reason="moved to another team",
                etag=cls.first.etag,
                request_id=request_id(),
            )
        ).assignment

    @classmethod
    def plan(cls):
        return cls.tester.phases.PlanTestCases(
            phases.PlanTestCasesRequest(
                scope=cls.workflow.scope(OWNERS), request_id=request_id()
            )
        )

    @classmethod
    def document(cls, content, **fields):
        return dict(
            scope=cls.workflow.scope(REQUESTS),
            file_name="statement.pdf",
            media_type="application/pdf",
            size_bytes=len(content),
            sha256=hashlib.sha256(content).digest(),
            document_metadata=struct(pages=3),
            request_id=request_id(),
            **fields,
        )

    @classmethod
    def accept(cls, document):
        return cls.tester.documents.ReviewDocument(
            documents.ReviewDocumentRequest(
                scope=cls.workflow.scope(REQUESTS),
                submission_id=document.submission_id,
                verdict=documents.DOCUMENT_STATUS_ACCEPTED,
                request_id=request_id(),
            )
        ).document

    @classmethod
    def collect(cls):
        submitted = cls.successor.documents.SubmitDocument(
            documents.SubmitDocumentRequest(
                test_case_ids=[case.test_case_id for case in cls.cases],
                document_id=str(uuid.uuid4()),
                document_type="account statement",
                submission_type=documents.SUBMISSION_TYPE_INITIAL,
                **cls.document(b"the first"),
            )
        ).document
        revised = cls.successor.documents.ReviseDocument(
            documents.ReviseDocumentRequest(
                submission_id=submitted.submission_id,
                revision_reason="a page was missing",
                **cls.document(b"the second"),
            )
        ).document
        cls.evidence = cls.accept(revised)

    @classmethod
    def conclude(cls, case, result):
        scope = cls.workflow.scope(TESTS)
        started = cls.tester.executions.StartExecution(
            executions.StartExecutionRequest(
                scope=scope,
                test_case_id=case.test_case_id,
                submission_id=cls.evidence.submission_id,
                request_id=request_id(),
            )
        ).execution
        return cls.tester.executions.RecordResult(
            executions.RecordResultRequest(
                scope=scope,
                execution_id=started.execution_id,
                result=result,
                expected="250.00",
                found="205.00",
                tolerance="0.01",
                rationale="two digits changed places",
                request_id=request_id(),
            )
        ).execution

    @classmethod
    def examine(cls):
        cls.passed = cls.conclude(cls.cases[0], executions.EXECUTION_RESULT_PASS)
        cls.failed = cls.conclude(cls.cases[1], executions.EXECUTION_RESULT_FAIL)
        cls.action = cls.tester.executions.RequestAction(
            executions.RequestActionRequest(
                scope=cls.workflow.scope(TESTS),
                action_type=executions.ACTION_TYPE_DATA_UPDATE_REQUEST,
                execution_id=cls.failed.execution_id,
                action_details=struct(field="CurrentBalance"),
                request_reason="the source has another number",
                request_id=request_id(),
            )
        ).action
        cls.answered = cls.successor.executions.RespondToAction(
            executions.RespondToActionRequest(
                scope=cls.workflow.scope(TESTS),
                action_id=cls.action.action_id,
                response_status=executions.RESPONSE_STATUS_PARTIAL,
                response_notes="corrected from next month on",
                impact_on_timeline=executions.TIMELINE_IMPACT_MINOR_DELAY,
                request_id=request_id(),
            )
        ).action

    def test_the_owner_changed_and_the_lane_stayed(self):
        entries = self.tester.owners.GetAssignmentHistory(
            owners.GetAssignmentHistoryRequest(
                scope=self.workflow.scope(OWNERS),
                assignment_id=self.second.assignment_id,
                include_previous=True,
            )
        ).entries
        self.assertEqual(
            [entry.change_type for entry in entries].count(owners.ASSIGNMENT_CHANGE_CREATED), 2
        )
        self.assertEqual(self.second.previous_assignment_id, self.first.assignment_id)
        lane = self.successor.cases.GetLane(
            cases.GetLaneRequest(scope=self.workflow.scope(OWNERS), lob_id=self.lob)
        ).lane
        self.assertEqual(lane.owner.data_owner_id, SUCCESSOR)
        self.assertEqual((lane.cases, lane.concluded, lane.to_observe), (2, 2, 1))
        self.assertTrue(lane.complete, lane.unmet)

    def test_who_handed_the_lane_over_has_nothing_to_do_here(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.owner.documents.ReviseDocument(
                documents.ReviseDocumentRequest(
                    submission_id=self.evidence.submission_id,
                    revision_reason="one more",
                    **self.document(b"the third"),
                )
            )
        refusal = Refusal(raised.exception)
        self.assertEqual(refusal.code, grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(refusal.reason, "ROLE_MISSING")

    def test_the_same_plan_again_changes_nothing(self):
        self.assertEqual((self.planned.added, self.planned.unassigned), (2, 0))
        again = self.plan()
        self.assertEqual((again.planned, again.added, again.withdrawn), (2, 0, 0))
        self.assertEqual(again.plan.number, 1)

    def test_the_history_of_a_document_names_what_changed(self):
        entries = self.tester.documents.GetDocumentHistory(
            documents.GetDocumentHistoryRequest(
                scope=self.workflow.scope(REQUESTS), submission_id=self.evidence.submission_id
            )
        ).entries
        revised = [
            entry
            for entry in entries
            if entry.revision_type == documents.REVISION_TYPE_CONTENT_UPDATE
        ]
        self.assertEqual(len(revised), 1)
        self.assertEqual(list(revised[0].changed_fields), ["sha256", "size_bytes"])

    def test_a_request_has_one_response(self):
        self.assertEqual(self.answered.response_status, executions.RESPONSE_STATUS_PARTIAL)
        self.assertGreater(self.answered.turnaround_time_hours, 0)

    def test_every_change_is_listed_and_the_trail_fits(self):
        changes = self.tester.audited.ListChanges(
            audited.ListChangesRequest(scope=self.workflow.scope(), page_size=1000)
        ).changes
        subjects = {change.subject_id for change in changes}
        for subject in (
            self.first.assignment_id,
            self.evidence.submission_id,
            self.failed.execution_id,
            self.action.action_id,
        ):
            self.assertIn(subject, subjects)
        sources = (trail_pb2.SOURCE_VERSIONING, trail_pb2.SOURCE_AUDIT, trail_pb2.SOURCE_GATEWAY)
        for source in sources:
            found = self.tester.trail.VerifyTrail(
                trail_pb2.VerifyTrailRequest(scope=self.workflow.scope(), source=source)
            )
            self.assertTrue(found.intact, found.first_damaged)
            self.assertGreater(found.records, 0)

    def test_what_failed_must_be_observed(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.tester.phases.StartPhase(
                phases.StartPhaseRequest(
                    scope=self.workflow.scope(FINALIZE), request_id=request_id()
                )
            )
        refusal = Refusal(raised.exception)
        self.assertEqual(refusal.reason, "PHASE_DEPENDENCY_UNMET")
        self.assertIn(self.failed.execution_id, " ".join(refusal.preconditions))
        board = self.tester.workflows.GetBoard(
            workflows.GetBoardRequest(scope=self.workflow.scope())
        ).board
        states = {status.phase: status.state for status in board.phases}
        for phase in (OWNERS, REQUESTS, TESTS):
            self.assertEqual(states[phase], phase_status_pb2.PHASE_STATE_COMPLETE)
        self.assertEqual([lane.lob_id for lane in board.lanes], [self.lob])

    def test_versioning_asks_which_executions_there_are(self):
        scope = self.workflow.scope(OBSERVATIONS)

        def put_forward(execution_id):
            observation = payloads.Observation(
                observation_type=payloads.OBSERVATION_TYPE_FINDING,
                severity=payloads.SEVERITY_HIGH,
                observation_data=struct(difference=45),
                execution_ids=[execution_id],
            )
            return self.tester.versioning.CreateVersion(
                messages.CreateVersionRequest(
                    scope=scope,
                    decisions=[recommended("OBS-1", payloads.Payload(observation=observation))],
                    request_id=request_id(),
                )
            )

        with self.assertRaises(grpc.RpcError) as raised:
            put_forward(str(uuid.uuid4()))
        self.assertEqual(Refusal(raised.exception).code, grpc.StatusCode.NOT_FOUND)
        version = put_forward(self.failed.execution_id).version
        self.assertEqual(version.counts.total, 1)


if __name__ == "__main__":
    unittest.main()

"""The unified interface over HTTP and JSON, as a program without any stubs would use it."""

import json
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

from client import DEADLINE_SECONDS, endpoint, token
from signoff.versioning.v1 import versioning_service_pb2 as messages
from signoff.workflow.v1 import scope_pb2
from story import OWNER, TESTER, Report, samples

SAMPLES = scope_pb2.PHASE_SAMPLE_SELECTION


class Answer:
    """What was answered: status, headers, and the document."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = json.loads(response.read())


class UnifiedInterface(unittest.TestCase):
    """One report whose samples may be selected."""

    def setUp(self):
        self.report = Report()
        self.addCleanup(self.report.close)
        self.report.complete_up_to_samples()
        self.workflow = {
            "cycle_id": self.report.workflow.cycle_id,
            "report_id": self.report.workflow.report_id,
        }
        self.tester, self.owner = token(TESTER), token(OWNER)

    def call(self, method, path, by, query=None, body=None, **headers):
        """Calls; an error is an answer too."""
        url = f"http://{endpoint('gateway')}/api/v1/phases/{urllib.parse.quote(path)}"
        if query is not None:
            url += "?" + urllib.parse.urlencode(query)
        request = urllib.request.Request(url, method=method)
        if by is not None:
            request.add_header("Authorization", f"Bearer {by}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as response:
                return Answer(response)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error)

    def create(self, phase="Sample Selection", by=None, data=None, **headers):
        """The tester creates a version."""
        body = {**self.workflow, "data": data if data is not None else self.two_samples()}
        return self.call("POST", f"{phase}/versions", by or self.tester, body=body, **headers)

    @staticmethod
    def two_samples():
        """The data of a version with two samples."""

        def sample(key):
            payload = {"sample_identifier": key, "sample_type": "SAMPLE_TYPE_POPULATION"}
            return {
                "item_key": key,
                "source": "RECOMMENDATION_SOURCE_TESTER",
                "payload": {"sample": payload},
            }

        return {"notes": "by HTTP", "decisions": [sample("A-1"), sample("A-2")], "round": 1}

    def approve(self, version_id, by, phase="sampling", body=None, **headers):
        """Somebody approves a version."""
        path = f"{phase}/versions/{version_id}/approve"
        return self.call("POST", path, by, body=body, **headers)

    def refused(self, answer, status, reason):
        """It must be refused so, with problem details."""
        self.assertEqual((answer.status, answer.body.get("reason")), (status, reason), answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.body["type"], f"urn:signoff:error:{reason}")
        self.assertEqual(answer.body["status"], status)
        for field in ("title", "detail"):
            self.assertTrue(answer.body[field], answer.body)
        return answer.body

    def test_a_version_from_its_creation_to_its_approval(self):
        key = {"Idempotency_Key": str(uuid.uuid4())}
        created = self.create(**key)
        self.assertEqual((created.status, created.body["status"]), (200, "created"))
        version_id = created.body["version_id"]
        # The same again is done once; with another content it is refused.
        self.assertEqual(self.create(**key).body, created.body)
        other = self.refused(
            self.create(data={"notes": "other"}, **key), 400, "REQUEST_ID_REUSED"
        )
        self.assertEqual(other["violations"][0]["field"], "request_id")

        # By any name of the phase.
        for name in ("Sample Selection", "sampling", "sample_selection"):
            listed = self.call("GET", f"{name}/versions", self.owner, query=self.workflow)
            found = [(one["version_id"], one["number"]) for one in listed.body["versions"]]
            self.assertEqual(found, [(version_id, 1)], name)
        self.assertEqual(listed.body["versions"][0]["phase_data"], {"round": 1})
        current = self.call("GET", "sampling/versions/current", self.owner, query=self.workflow)
        self.refused(current, 404, "NOT_FOUND")

        # What is pending blocks approval, and nobody approves what they made.
        self.refused(self.approve(version_id, self.owner), 409, "VERSION_STATE")
        submitted = self.report.submit(self.version(version_id))
        self.refused(self.approve(version_id, self.tester), 403, "ROLE_MISSING")
        self.refused(self.approve(version_id, self.owner), 409, "DECISIONS_PENDING")
        ruled = self.report.review(self.report.owner, submitted)
        stale = {"If_Match": f'"{submitted.etag}"'}
        self.refused(self.approve(version_id, self.owner, **stale), 412, "ETAG_MISMATCH")
        read = {"If_Match": f'"{ruled.etag}"'}
        approved = self.approve(
            version_id, self.owner, body={**self.workflow, "notes": "fine"}, **read
        )
        self.assertEqual((approved.status, approved.body), (200, {"status": "approved"}))

        current = self.call(
            "GET", "Sample Selection/versions/current", self.owner, query=self.workflow
        )
        self.assertEqual(current.body["version_id"], version_id)
        self.assertEqual(current.body["state"], "VERSION_STATE_APPROVED")
        self.assertEqual(current.headers["ETag"], f'"{current.body["etag"]}"')
        # The next one carries forward.
        second = self.create(data={"notes": "once more"}).body["version_id"]
        listed = self.call("GET", "sampling/versions", self.owner, query=self.workflow)
        counts = [(one["version_id"], one["counts"]) for one in listed.body["versions"]]
        self.assertEqual([one[0] for one in counts], [second, version_id])
        self.assertEqual(counts[0][1]["carried"], 2)

    def version(self, version_id):
        """A version, as the stubs read it."""
        return self.report.tester.versioning.GetVersion(
            messages.GetVersionRequest(
                scope=self.report.workflow.scope(SAMPLES), version_id=version_id
            )
        ).version

    def test_what_is_wrong_is_named(self):
        answer = self.call("POST", "sampling/versions", self.tester, body={"odd": 1})
        problem = self.refused(answer, 400, "VALIDATION_FAILED")
        fields = {violation["field"] for violation in problem["violations"]}
        self.assertEqual(fields, {"cycle_id", "report_id", "data", "odd"})
        self.refused(self.create(phase="Nonsense"), 400, "VALIDATION_FAILED")
        self.refused(self.create(Idempotency_Key="7"), 400, "VALIDATION_FAILED")
        self.refused(self.create(Content_Type="text/plain"), 400, "VALIDATION_FAILED")

    def test_who_may_not_is_told_so(self):
        answer = self.call("GET", "sampling/versions", None, query=self.workflow)
        self.refused(answer, 401, "TOKEN_INVALID")
        self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        self.refused(self.create(by=self.owner), 403, "ROLE_MISSING")
        nobody = token(77)
        answer = self.call("GET", "sampling/versions", nobody, query=self.workflow)
        self.refused(answer, 403, "ROLE_MISSING")
        self.refused(self.approve(str(uuid.uuid4()), self.owner), 404, "NOT_FOUND")

    def test_a_phase_that_waits_says_for_what(self):
        answer = self.create(phase="Data Owner ID", data={"system": "cards"})
        problem = self.refused(answer, 409, "PHASE_DEPENDENCY_UNMET")
        self.assertTrue(problem["unmet"], problem)

    def test_a_phase_that_is_audited_only_records_and_approves_nothing(self):
        version = self.report.create(SAMPLES, samples(range(2)))
        version = self.report.review(self.report.owner, self.report.submit(version))
        self.report.approve(self.report.owner, version)
        made = self.create(phase="Data Owner ID", data={"system": "cards", "since": 2019})
        self.assertEqual((made.status, made.body["status"]), (200, "created"), made.body)
        record_id = made.body["version_id"]
        refused = self.approve(record_id, self.owner, phase="Data Owner ID", body=self.workflow)
        self.refused(refused, 409, "NOTHING_TO_APPROVE")
        listed = self.call("GET", "Data Owner ID/versions", self.owner, query=self.workflow)
        self.assertEqual(
            [change["subject_id"] for change in listed.body["changes"]], [record_id]
        )
        current = self.call(
            "GET", "Data Owner ID/versions/current", self.owner, query=self.workflow
        )
        self.assertEqual(current.body["phase_status"]["phase"], "PHASE_DATA_OWNER_ID")
        self.assertEqual(current.body["latest_change"]["subject_id"], record_id)


if __name__ == "__main__":
    unittest.main()

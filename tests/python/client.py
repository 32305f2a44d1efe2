"""A client of Signoff, as a program in Python would have one.

The stubs come from proto/ (tests/python/run makes them). Two environment variables say where the
system is: SIGNOFF_PROGRAM, the path of the operator's program, and SIGNOFF_DATA, the data folder
of a running `signoff up`.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import typing
import uuid

import grpc
from google.protobuf.struct_pb2 import Struct
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from signoff.audit.v1 import audit_phase_service_pb2_grpc
from signoff.audit.v1 import data_owner_pb2_grpc
from signoff.audit.v1 import document_pb2_grpc
from signoff.audit.v1 import test_case_pb2_grpc
from signoff.audit.v1 import test_execution_pb2_grpc
from signoff.feed.v1 import feed_pb2_grpc
from signoff.feed.v1 import trail_pb2_grpc
from signoff.gateway.v1 import phase_service_pb2_grpc
from signoff.gateway.v1 import workflow_service_pb2
from signoff.gateway.v1 import workflow_service_pb2_grpc
from signoff.metrics.v1 import metrics_service_pb2_grpc
from signoff.versioning.v1 import versioning_service_pb2_grpc
from signoff.workflow.v1 import scope_pb2

DEADLINE_SECONDS = 60
ADMIN = 90


def endpoint(service):
    """The address of a service, as the running system has written it down."""
    path = pathlib.Path(os.environ["SIGNOFF_DATA"]) / "endpoints.json"
    return json.loads(path.read_text(encoding="utf-8"))[service]


def token(user_id, roles=(), workflow=None):
    """A token for somebody who holds these roles everywhere: admin, auditor or service.

    What somebody may do on a report comes from its members.
    """
    command = [os.environ["SIGNOFF_PROGRAM"], "token", "--user", str(user_id)]
    if roles:
        command += ["--role", ",".join(roles)]
    if workflow is not None:
        command += ["--workflow", f"{workflow.cycle_id}/{workflow.report_id}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def request_id():
    """A new request id: the same one is sent again only to repeat the same request."""
    return str(uuid.uuid4())


def struct(**fields):
    """A free-form object."""
    made = Struct()
    made.update(fields)
    return made


class Workflow:
    """One report in one test cycle, which nobody else has: opened, with those who work on it."""

    def __init__(self, members=()):
        self.cycle_id = str(uuid.uuid4())
        self.report_id = str(uuid.uuid4())
        with contextlib.closing(Person.holding(ADMIN, ["admin"])) as admin:
            admin.workflows.OpenWorkflow(
                workflow_service_pb2.OpenWorkflowRequest(
                    scope=self.scope(),
                    cycle_name="2026 Q4",
                    report_name="FR Y-14M",
                    members=_listed(members),
                    request_id=request_id(),
                )
            )

    def set_members(self, members):
        """Those who work on it from now on: user ids and their roles."""
        with contextlib.closing(Person.holding(ADMIN, ["admin"])) as admin:
            admin.workflows.SetMembers(
                workflow_service_pb2.SetMembersRequest(
                    scope=self.scope(),
                    members=_listed(members),
                    reason="the team changed",
                    request_id=request_id(),
                )
            )

    def scope(self, phase=scope_pb2.PHASE_UNSPECIFIED):
        """The scope of a request: the whole workflow, or one phase of it."""
        return scope_pb2.Scope(cycle_id=self.cycle_id, report_id=self.report_id, phase=phase)


def _listed(members):
    return [workflow_service_pb2.Member(user_id=user, role=role) for user, role in members]


class _CallDetails(typing.NamedTuple):
    """What the library is told of a call."""

    method: str
    timeout: float
    metadata: list
    credentials: object
    wait_for_ready: object
    compression: object


class _Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Sends a token with every call, and bounds how long the call may take."""

    def __init__(self, text):
        self._metadata = [("authorization", f"Bearer {text}")]

    def intercept_unary_unary(self, continuation, client_call_details, request):
        told = client_call_details
        details = _CallDetails(
            method=told.method,
            timeout=DEADLINE_SECONDS,
            metadata=self._metadata,
            credentials=told.credentials,
            wait_for_ready=told.wait_for_ready,
            compression=told.compression,
        )
        return continuation(details, request)

    def intercept_unary_stream(self, continuation, client_call_details, request):
        return self.intercept_unary_unary(continuation, client_call_details, request)


class Person:
    """Somebody with a connection to the gateway, and a token."""

    def __init__(self, text):
        self._channel = grpc.insecure_channel(endpoint("gateway"))
        gateway = grpc.intercept_channel(self._channel, _Bearer(text))
        self.workflows = workflow_service_pb2_grpc.WorkflowServiceStub(gateway)
        self.phases = phase_service_pb2_grpc.PhaseServiceStub(gateway)
        self.versioning = versioning_service_pb2_grpc.VersioningServiceStub(gateway)
        self.trail = trail_pb2_grpc.TrailServiceStub(gateway)
        self.feed = feed_pb2_grpc.FeedServiceStub(gateway)
        self.metrics = metrics_service_pb2_grpc.MetricsServiceStub(gateway)
        self.owners = data_owner_pb2_grpc.DataOwnerServiceStub(gateway)
        self.cases = test_case_pb2_grpc.TestCaseServiceStub(gateway)
        self.documents = document_pb2_grpc.DocumentServiceStub(gateway)
        self.executions = test_execution_pb2_grpc.TestExecutionServiceStub(gateway)
        self.audited = audit_phase_service_pb2_grpc.AuditPhaseServiceStub(gateway)

    @classmethod
    def holding(cls, user_id, roles=(), workflow=None):
        """Somebody who holds these roles everywhere."""
        return cls(token(user_id, roles, workflow))

    def close(self):
        """Ends the connection."""
        self._channel.close()


class Refusal:
    """What a refused call says: its code, its reason, and the details by type."""

    def __init__(self, error):
        status = rpc_status.from_call(error)
        self.code = error.code()
        self.message = error.details()
        self._details = list(status.details) if status is not None else []
        info = self._only(error_details_pb2.ErrorInfo)
        self.domain, self.reason, self.metadata = info.domain, info.reason, dict(info.metadata)

    @property
    def fields(self):
        """The fields at fault, as paths."""
        found = self._only(error_details_pb2.BadRequest)
        return [violation.field for violation in found.field_violations]

    @property
    def preconditions(self):
        """What is not met, in words."""
        found = self._only(error_details_pb2.PreconditionFailure)
        return [violation.description for violation in found.violations]

    @property
    def resource(self):
        """The type and name of what is not there."""
        found = self._only(error_details_pb2.ResourceInfo)
        return found.resource_type, found.resource_name

    def _only(self, kind):
        found = kind()
        for detail in self._details:
            if detail.Unpack(found):
                break
        return found

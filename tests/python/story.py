"""The way of one report up to its samples, as seed 001 tells it, played by its people."""

import uuid

from client import Person, Workflow, request_id, struct
from signoff.versioning.v1 import decision_pb2 as decision
from signoff.versioning.v1 import payloads_pb2 as payloads
from signoff.versioning.v1 import versioning_service_pb2 as messages
from signoff.workflow.v1 import access_pb2, scope_pb2

TESTER, OWNER = 10, 20
# Who works on a report, and as what.
MEMBERS = [(TESTER, access_pb2.ROLE_TESTER), (OWNER, access_pb2.ROLE_REPORT_OWNER)]


class Report:
    """A report in a test cycle, and its people."""

    def __init__(self):
        self.workflow = Workflow(MEMBERS)
        self.tester = Person.holding(TESTER)
        self.owner = Person.holding(OWNER)

    def close(self):
        """Ends the connections."""
        for person in (self.tester, self.owner):
            person.close()

    def create(self, phase, decisions):
        """The tester starts the phase's line."""
        return self.tester.versioning.CreateVersion(
            messages.CreateVersionRequest(
                scope=self.workflow.scope(phase), decisions=decisions, request_id=request_id()
            )
        ).version

    def create_next(self, phase, decisions):
        """The tester makes the next version of the phase's line."""
        return self.tester.versioning.ReviseVersion(
            messages.ReviseVersionRequest(
                scope=self.workflow.scope(phase), decisions=decisions, request_id=request_id()
            )
        ).version

    def submit(self, version):
        """The tester hands a version to its reviewer."""
        return self.tester.versioning.SubmitVersion(
            messages.SubmitVersionRequest(
                scope=version.scope, version_id=version.version_id, request_id=request_id()
            )
        ).version

    def review(self, reviewer, version, reviews=()):
        """A reviewer rules on these decisions, and approves all the others."""
        return reviewer.versioning.ReviewDecisions(
            messages.ReviewDecisionsRequest(
                scope=version.scope,
                version_id=version.version_id,
                reviews=reviews,
                remaining=decision.RemainingReview(verdict=decision.VERDICT_APPROVED),
                request_id=request_id(),
            )
        ).version

    def approve(self, approver, version):
        """An approver closes a version."""
        return approver.versioning.ApproveVersion(
            messages.ApproveVersionRequest(
                scope=version.scope, version_id=version.version_id, request_id=request_id()
            )
        ).version

    def complete(self, phase, approver, decisions):
        """A phase goes through in one version; the first change starts it."""
        version = self.submit(self.create(phase, decisions))
        return self.approve(approver, self.review(approver, version))

    def complete_up_to_samples(self):
        """Planning, Data Profiling and Scoping, small: Sample Selection may start."""
        attribute_id = str(uuid.uuid4())
        attribute = payloads.AttributeDecision(
            attribute_id=attribute_id,
            attribute_name="Current Credit Limit",
            attribute_data=struct(line=12, mandatory=True),
            decision_type=payloads.DECISION_TYPE_INCLUDE,
            decision_reason="material to the report",
        )
        rule = payloads.ProfilingRule(
            rule_type=payloads.RULE_TYPE_VALIDATION,
            rule_definition=struct(check="not_negative"),
            attribute_id=attribute_id,
        )
        scoping = payloads.ScopingDecision(
            attribute_id=attribute_id,
            is_in_scope=True,
            scoping_rationale="high balance",
            risk_rating=payloads.RISK_RATING_HIGH,
        )
        # In Planning the tester approves, also their own work.
        self.complete(
            scope_pb2.PHASE_PLANNING,
            self.tester,
            [recommended(attribute_id, payloads.Payload(attribute_decision=attribute))],
        )
        self.complete(
            scope_pb2.PHASE_DATA_PROFILING,
            self.owner,
            [recommended("limit-not-negative", payloads.Payload(profiling_rule=rule))],
        )
        self.complete(
            scope_pb2.PHASE_SCOPING,
            self.owner,
            [recommended(attribute_id, payloads.Payload(scoping_decision=scoping))],
        )


def recommended(key, payload, source=decision.RECOMMENDATION_SOURCE_TESTER):
    """An item that somebody puts forward."""
    return decision.DecisionInput(item_key=key, source=source, payload=payload)


def sample(number, lob=""):
    """A sample; every fourth one comes from a language model."""
    by_model = number % 4 == 3
    key = f"ACCT-{number:06}"
    found = payloads.Sample(
        sample_identifier=key,
        sample_data=struct(balance=100.25 + number, state="NY"),
        sample_type=(
            payloads.SAMPLE_TYPE_RISK_BASED if by_model else payloads.SAMPLE_TYPE_POPULATION
        ),
        lob_id=lob,
    )
    source = (
        decision.RECOMMENDATION_SOURCE_LLM if by_model else decision.RECOMMENDATION_SOURCE_TESTER
    )
    return recommended(key, payloads.Payload(sample=found), source)


def samples(numbers, lob=""):
    """Samples with these numbers, of a line of business."""
    return [sample(number, lob) for number in numbers]


def decisions_of(person, version, page_size=1000):
    """All decisions of a version, page by page."""
    request = messages.ListDecisionsRequest(
        scope=version.scope, version_id=version.version_id, page_size=page_size
    )
    while True:
        page = person.versioning.ListDecisions(request)
        yield from page.decisions
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token

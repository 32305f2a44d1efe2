"""The way of one report up to its samples, as seed 001 tells it, played by its people."""

import uuid

from client import Person, Workflow, request_id, struct
from signoff.versioning.v1 import decision_pb2 as decision
from signoff.versioning.v1 import gates_pb2 as gates
from signoff.versioning.v1 import payloads_pb2 as payloads
from signoff.versioning.v1 import versioning_service_pb2 as messages
from signoff.workflow.v1 import scope_pb2

TESTER, OWNER, GATEWAY = 10, 20, 1

# What each phase rests on, as far as this story goes.
PREDECESSOR = {
    scope_pb2.PHASE_PLANNING: None,
    scope_pb2.PHASE_DATA_PROFILING: scope_pb2.PHASE_PLANNING,
    scope_pb2.PHASE_SCOPING: scope_pb2.PHASE_DATA_PROFILING,
    scope_pb2.PHASE_SAMPLE_SELECTION: scope_pb2.PHASE_SCOPING,
}


class Report:
    """A report in a test cycle, and its people."""

    def __init__(self):
        self.workflow = Workflow()
        self.gateway = Person.holding(GATEWAY, ["gateway"])
        self.tester = Person.holding(TESTER, ["tester"], self.workflow)
        self.owner = Person.holding(OWNER, ["report_owner"], self.workflow)

    def close(self):
        """Ends the connections."""
        for person in (self.gateway, self.tester, self.owner):
            person.close()

    def start(self, phase):
        """Opens a phase on what it rests on, as the gateway does it."""
        scope = self.workflow.scope(phase)
        begun = self.gateway.versioning.BeginOpen(
            gates.BeginOpenRequest(scope=scope, request_id=request_id())
        )
        rests_on = []
        if PREDECESSOR[phase] is not None:
            sealed = self.gateway.versioning.Seal(
                gates.SealRequest(
                    scope=self.workflow.scope(PREDECESSOR[phase]),
                    holder=phase,
                    attempt=begun.attempt,
                    request_id=request_id(),
                )
            )
            if sealed.unmet:
                raise AssertionError(f"the predecessor is not complete: {sealed.unmet}")
            rests_on = sealed.rests_on
        self.gateway.versioning.Open(
            gates.OpenRequest(
                scope=scope, attempt=begun.attempt, rests_on=rests_on, request_id=request_id()
            )
        )

    def create(self, phase, decisions):
        """The tester starts the phase's line."""
        return self.tester.versioning.CreateVersion(
            messages.CreateVersionRequest(
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
        """A phase goes through in one version."""
        self.start(phase)
        version = self.submit(self.create(phase, decisions))
        return self.approve(approver, self.review(approver, version))

    def complete_up_to_samples(self):
        """Planning, Data Profiling and Scoping, small; then Sample Selection is open."""
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
        self.start(scope_pb2.PHASE_SAMPLE_SELECTION)


def recommended(key, payload, source=decision.RECOMMENDATION_SOURCE_TESTER):
    """An item that somebody puts forward."""
    return decision.DecisionInput(item_key=key, source=source, payload=payload)


def sample(number):
    """A sample; every fourth one comes from a language model."""
    by_model = number % 4 == 3
    key = f"ACCT-{number:06}"
    found = payloads.Sample(
        sample_identifier=key,
        sample_data=struct(balance=100.25 + number, state="NY"),
        sample_type=(
            payloads.SAMPLE_TYPE_RISK_BASED if by_model else payloads.SAMPLE_TYPE_POPULATION
        ),
    )
    source = (
        decision.RECOMMENDATION_SOURCE_LLM if by_model else decision.RECOMMENDATION_SOURCE_TESTER
    )
    return recommended(key, payloads.Payload(sample=found), source)


def samples(numbers):
    """Samples with these numbers."""
    return [sample(number) for number in numbers]


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

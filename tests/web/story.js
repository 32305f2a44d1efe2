/** A report up to the approval of its rules, played by its people through grpc-web. */
import { randomUUID } from "node:crypto";

import { Person, requestId, Workflow } from "./client.js";
import { RecommendationSource, Verdict } from "./gen/signoff/versioning/v1/decision_pb.js";
import { DecisionType, RuleType } from "./gen/signoff/versioning/v1/payloads_pb.js";
import { Role } from "./gen/signoff/workflow/v1/access_pb.js";
import { Phase } from "./gen/signoff/workflow/v1/scope_pb.js";

/** A tester, who is the report owner as well: only what they do is in their way. */
const AUTHOR = 10;
const OWNER = 20;
const ADMIN = 90;

/** An attribute that the tester puts forward. */
export function attribute() {
  const attributeId = randomUUID();
  return {
    itemKey: attributeId,
    source: RecommendationSource.TESTER,
    payload: {
      kind: {
        case: "attributeDecision",
        value: {
          attributeId,
          attributeName: "Current Credit Limit",
          decisionType: DecisionType.INCLUDE,
        },
      },
    },
  };
}

function rule(attributeId) {
  const value = {
    ruleType: RuleType.VALIDATION,
    ruleDefinition: { expression: "limit >= 0" },
    attributeId,
  };
  return {
    itemKey: "limit-is-not-negative",
    source: RecommendationSource.TESTER,
    payload: { kind: { case: "profilingRule", value } },
  };
}

/** A report in a test cycle, and its people. */
export class Report {
  workflow = new Workflow();

  constructor() {
    this.admin = new Person(ADMIN, ["admin"]);
    this.author = new Person(AUTHOR);
    this.owner = new Person(OWNER);
  }

  /** The admin names it, and who works on it. */
  async open() {
    const { workflow } = await this.admin.workflows.openWorkflow({
      scope: this.workflow.scope(),
      cycleName: "2026 Q4",
      reportName: "FR Y-14M, schedule D.1",
      members: [
        { userId: this.author.userId, role: Role.TESTER },
        { userId: this.author.userId, role: Role.REPORT_OWNER },
        { userId: this.owner.userId, role: Role.REPORT_OWNER },
      ],
      requestId: requestId(),
    });
    return workflow;
  }

  /** The author starts a phase with these decisions. */
  async create(phase, decisions) {
    const scope = this.workflow.scope(phase);
    const request = { scope, decisions, requestId: requestId() };
    return (await this.author.versioning.createVersion(request)).version;
  }

  /** The author hands a version to its reviewer. */
  async submit(version) {
    return (await this.author.versioning.submitVersion(this.named(version))).version;
  }

  /** Somebody rules in favour of every decision of a version. */
  async rule(reviewer, version) {
    const remaining = { verdict: Verdict.APPROVED };
    const request = { ...this.named(version), remaining };
    return (await reviewer.versioning.reviewDecisions(request)).version;
  }

  /** Somebody approves a version. */
  async approve(reviewer, version) {
    return (await reviewer.versioning.approveVersion(this.named(version))).version;
  }

  /** A new request about a version. */
  named({ scope, versionId }) {
    return { scope, versionId, requestId: requestId() };
  }

  /** A version that only its approval is missing from, in a phase where nobody approves their own. */
  async ruledOn() {
    await this.open();
    const item = attribute();
    const planned = await this.submit(await this.create(Phase.PLANNING, [item]));
    await this.rule(this.author, planned);
    await this.approve(this.author, planned);
    const version = await this.create(Phase.DATA_PROFILING, [rule(item.itemKey)]);
    return this.rule(this.owner, await this.submit(version));
  }
}

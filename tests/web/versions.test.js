/** Changes and refusals, as a page sees them. */
import assert from "node:assert/strict";
import test from "node:test";

import { Code, ConnectError } from "@connectrpc/connect";

import { fields, reason, requestId } from "./client.js";
import { VersionState } from "./gen/signoff/versioning/v1/version_pb.js";
import { Phase } from "./gen/signoff/workflow/v1/scope_pb.js";
import { attribute, Report } from "./story.js";

/** The refusal of a call, which must have this code. */
async function refused(call, code) {
  const error = await call.then(
    () => assert.fail("must be refused"),
    (error) => error,
  );
  assert.ok(error instanceof ConnectError, String(error));
  assert.equal(Code[error.code], Code[code], error.message);
  return error;
}

test("a page opens a workflow and the first version in it", async () => {
  const report = new Report();
  const workflow = await report.open();
  assert.equal(workflow.cycleName, "2026 Q4");
  assert.equal(workflow.openedBy, report.admin.userId);

  const version = await report.create(Phase.PLANNING, [attribute()]);
  assert.equal(version.number, 1);
  assert.equal(version.createdBy, report.author.userId);
  const read = { scope: version.scope, versionId: version.versionId };
  const again = await report.owner.versioning.getVersion(read);
  assert.deepEqual(again.version, version);
});

test("an approval that failed never looks like a success", async () => {
  const report = new Report();
  const version = await report.ruledOn();
  const error = await refused(report.approve(report.author, version), Code.PermissionDenied);
  assert.deepEqual(reason(error), ["signoff/MAKER_IS_CHECKER"]);

  // Nor does one that the gateway itself refuses.
  const outsider = report.admin.versioning.approveVersion(report.named(version));
  assert.deepEqual(reason(await refused(outsider, Code.PermissionDenied)), ["signoff/ROLE_MISSING"]);

  const { scope, versionId } = version;
  const { version: now } = await report.owner.versioning.getVersion({ scope, versionId });
  assert.equal(VersionState[now.state], "SUBMITTED");
  const approved = await report.approve(report.owner, version);
  assert.equal(VersionState[approved.state], "APPROVED");
});

test("a page can show which fields are at fault", async () => {
  const report = new Report();
  await report.open();
  const scope = report.workflow.scope(Phase.PLANNING);
  const decisions = [{ ...attribute(), itemKey: "x" }];
  const sent = { scope, decisions, requestId: "once" };
  const error = await refused(report.author.versioning.createVersion(sent), Code.InvalidArgument);
  assert.deepEqual(reason(error), ["signoff/VALIDATION_FAILED"]);
  assert.ok(fields(error).includes("request_id"), String(fields(error)));
  assert.ok(fields(error).some((field) => field.startsWith("decisions[0]")), String(fields(error)));
});

test("the same request is answered as the first time", async () => {
  const report = new Report();
  await report.open();
  const scope = report.workflow.scope(Phase.PLANNING);
  const sent = { scope, decisions: [attribute()], requestId: requestId() };
  const first = await report.author.versioning.createVersion(sent);
  assert.deepEqual(await report.author.versioning.createVersion(sent), first);
});

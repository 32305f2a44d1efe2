/** A board that is watched. */
import assert from "node:assert/strict";
import test from "node:test";

import { Code } from "@connectrpc/connect";

import { Phase } from "./gen/signoff/workflow/v1/scope_pb.js";
import { PhaseState } from "./gen/signoff/workflow/v1/phase_status_pb.js";
import { attribute, Report } from "./story.js";

test("a page sees the board at once, and again when it changes, until it looks away", async () => {
  const report = new Report();
  await report.open();
  const away = new AbortController();
  const watched = report.owner.workflows.watchBoard(
    { scope: report.workflow.scope() },
    { signal: away.signal },
  );
  const boards = watched[Symbol.asyncIterator]();
  const planning = async () => {
    const { value, done } = await boards.next();
    assert.ok(!done, "the board is watched as long as somebody looks");
    assert.equal(value.board.phases.length, 9);
    return PhaseState[value.board.phases[0].state];
  };
  assert.equal(await planning(), "NOT_STARTED");

  await report.create(Phase.PLANNING, [attribute()]);
  // A board may be seen while the phase is being opened.
  let state = await planning();
  while (state === "NOT_STARTED") state = await planning();
  assert.equal(state, "IN_PROGRESS");

  away.abort();
  const ended = async () => {
    while (!(await boards.next()).done);
  };
  await assert.rejects(ended(), (error) => error.code === Code.Canceled);
});

/** How long a page waits. */
import assert from "node:assert/strict";
import test from "node:test";

import { Code } from "@connectrpc/connect";

import { browser } from "./browser.js";
import { ORIGIN, Person, reason } from "./client.js";

/** A body that never comes: whoever waits for it waits for the deadline. */
function never() {
  return new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(3)) });
}

test("a deadline that a page set is kept to, and the page reads that it has passed", async () => {
  const send = browser(ORIGIN);
  let asked;
  let answered;
  const person = new Person(10, [], async (url, init) => {
    asked = init.headers.get("grpc-timeout");
    // The server's deadline must come before the page's own.
    init.headers.set("grpc-timeout", "200m");
    answered = await send(url, { ...init, body: never(), duplex: "half" });
    return answered;
  });
  const error = await person.workflows.listWorkflows({}, { timeoutMs: 60_000 }).catch((e) => e);
  assert.equal(asked, "60000m");
  assert.equal(Code[error.code], "DeadlineExceeded", error.message);
  assert.deepEqual(reason(error), ["signoff/DEADLINE_EXCEEDED"]);
  assert.equal(answered.headers.get("grpc-status"), String(Code.DeadlineExceeded));
});

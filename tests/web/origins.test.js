/** Which pages may call, and what they may read. */
import assert from "node:assert/strict";
import test from "node:test";

import { browser, listed, preflight } from "./browser.js";
import { gateway, ORIGIN, Person } from "./client.js";

const METHOD = "/signoff.gateway.v1.WorkflowService/ListWorkflows";
const SENT = new Headers({
  authorization: "Bearer x",
  "content-type": "application/grpc-web+proto",
  "grpc-timeout": "5000m",
  "x-grpc-web": "1",
  "x-user-agent": "connect-es",
});

const STRANGERS = [
  "https://other.example",
  "https://app.example.evil",
  "http://app.example",
  "null",
];

test("a page of the named origin may send what connect-web sends", async () => {
  const { headers, ok } = await preflight(gateway() + METHOD, ORIGIN, SENT);
  assert.ok(ok);
  assert.equal(headers.get("access-control-allow-origin"), ORIGIN);
  assert.ok(listed(headers.get("access-control-allow-methods")).includes("post"));
  const allowed = listed(headers.get("access-control-allow-headers"));
  for (const name of SENT.keys()) assert.ok(allowed.includes(name), name);
  assert.ok(Number(headers.get("access-control-max-age")) > 0);
});

test("a page of the named origin reads what a status is made of", async () => {
  for (const authorization of ["", "Bearer x"]) {
    const headers = { ...Object.fromEntries(SENT), authorization, origin: ORIGIN };
    const body = new Uint8Array(5);
    const answered = await fetch(gateway() + METHOD, { method: "POST", headers, body });
    await answered.arrayBuffer();
    assert.equal(answered.headers.get("access-control-allow-origin"), ORIGIN);
    const exposed = listed(answered.headers.get("access-control-expose-headers"));
    for (const name of ["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"]) {
      assert.ok(exposed.includes(name), name);
    }
  }
});

test("a page of another origin may nothing", async () => {
  for (const origin of STRANGERS) {
    const { headers } = await preflight(gateway() + METHOD, origin, SENT);
    assert.equal(headers.get("access-control-allow-origin"), null, origin);
    const stranger = new Person(10, [], browser(origin));
    await assert.rejects(stranger.workflows.listWorkflows({}), /may not read this/, origin);
  }
  const page = new Person(10, [], browser(ORIGIN));
  await page.workflows.listWorkflows({});
});

/**
 * A client of Signoff, as a page would have one.
 *
 * The stubs come from proto/ (tests/web/run makes them). Two environment variables say where the
 * system is: SIGNOFF_PROGRAM, the path of the operator's program, and SIGNOFF_DATA, the data folder
 * of a running `signoff up`.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { browser } from "./browser.js";
import { BadRequestSchema, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { WorkflowService } from "./gen/signoff/gateway/v1/workflow_service_pb.js";
import { VersioningService } from "./gen/signoff/versioning/v1/versioning_service_pb.js";
import { Phase } from "./gen/signoff/workflow/v1/scope_pb.js";

/** The origin of the pages, which the gateway was told of. */
export const ORIGIN = "https://app.example";

/** Where the gateway listens. */
export function gateway() {
  const endpoints = join(process.env.SIGNOFF_DATA, "endpoints.json");
  return `http://${JSON.parse(readFileSync(endpoints, "utf8")).gateway}`;
}

/** A token for somebody, as the local identity provider signs it. */
export function token(userId, roles = []) {
  const options = roles.length > 0 ? ["--role", roles.join(",")] : [];
  const told = ["token", "--user", String(userId), ...options];
  return execFileSync(process.env.SIGNOFF_PROGRAM, told, { encoding: "utf8" }).trim();
}

/** A new request id: the same one is sent again only to repeat the same request. */
export function requestId() {
  return randomUUID();
}

/** One report in one test cycle, which nobody else has. */
export class Workflow {
  cycleId = randomUUID();
  reportId = randomUUID();

  /** The scope of a request: the whole workflow, or one phase of it. */
  scope(phase = Phase.UNSPECIFIED) {
    return { cycleId: this.cycleId, reportId: this.reportId, phase };
  }
}

/** Somebody at a page, with a client of each service. */
export class Person {
  constructor(userId, roles = [], fetch = browser(ORIGIN)) {
    const bearer = `Bearer ${token(userId, roles)}`;
    const authorize = (next) => (request) => {
      request.header.set("authorization", bearer);
      return next(request);
    };
    const options = { baseUrl: gateway(), interceptors: [authorize], fetch };
    const transport = createGrpcWebTransport(options);
    this.userId = BigInt(userId);
    this.workflows = createClient(WorkflowService, transport);
    this.versioning = createClient(VersioningService, transport);
  }
}

/** Why a call was refused, as a page reads it from the details. */
export function reason(error) {
  return error.findDetails(ErrorInfoSchema).map((info) => `${info.domain}/${info.reason}`);
}

/** The fields at fault. */
export function fields(error) {
  const found = error.findDetails(BadRequestSchema);
  return found.flatMap((detail) => detail.fieldViolations.map((one) => one.field));
}

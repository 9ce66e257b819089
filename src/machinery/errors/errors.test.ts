import { describe, expect, it } from "vitest";
import { resources } from "../../api/index.ts";
import {
  duplicate,
  errorBody,
  errorText,
  fieldNotFound,
  forbiddenField,
  internalFieldError,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
} from "../field/error.ts";
import { FieldPath } from "../field/path.ts";
import * as make from "./constructors.ts";
import * as is from "./predicates.ts";
import { quote } from "./quote.ts";
import { statusErrorFrom } from "./status-error.ts";

const { pods, deployments } = resources;
const replicas = invalidValue("spec.replicas", -1, "must be greater than or equal to 0");

describe("status errors", () => {
  it.each([
    [make.notFound(pods, "x"), 404, "NotFound", 'pods "x" not found', { name: "x", kind: "pods" }],
    [
      make.notFound(deployments, "x"),
      404,
      "NotFound",
      'deployments.apps "x" not found',
      { name: "x", group: "apps", kind: "deployments" },
    ],
    [make.alreadyExists(pods, "x"), 409, "AlreadyExists", 'pods "x" already exists', { name: "x", kind: "pods" }],
    [
      make.conflict(deployments, "x"),
      409,
      "Conflict",
      'Operation cannot be fulfilled on deployments.apps "x": the object has been modified; please apply your changes to the latest version and try again',
      { name: "x", group: "apps", kind: "deployments" },
    ],
    [
      make.invalid(deployments, "x", [replicas]),
      422,
      "Invalid",
      'Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      {
        name: "x",
        group: "apps",
        kind: "Deployment",
        causes: [
          {
            reason: "FieldValueInvalid",
            message: "Invalid value: -1: must be greater than or equal to 0",
            field: "spec.replicas",
          },
        ],
      },
    ],
    [make.forbidden(pods, "x", "no"), 403, "Forbidden", 'pods "x" is forbidden: no', { name: "x", kind: "pods" }],
    [make.forbidden(pods, "", "no"), 403, "Forbidden", "pods is forbidden: no", { kind: "pods" }],
    [make.forbidden(undefined, "", "no"), 403, "Forbidden", "forbidden: no", {}],
    [make.badRequest("why"), 400, "BadRequest", "why", undefined],
    [make.unauthorized(), 401, "Unauthorized", "Unauthorized", undefined],
    [make.tooManyRequests("slow", 3), 429, "TooManyRequests", "slow", { retryAfterSeconds: 3 }],
    [make.expired("old"), 410, "Expired", "old", undefined],
    [make.timeout("late"), 504, "Timeout", "Timeout: late", {}],
    [
      make.methodNotSupported(pods, "patch"),
      405,
      "MethodNotAllowed",
      'patch is not supported on resources of kind "pods"',
      { kind: "pods" },
    ],
    [
      make.requestTooLarge("limit is 3145728"),
      413,
      "RequestEntityTooLarge",
      "Request entity too large: limit is 3145728",
      undefined,
    ],
    [
      make.internalError(new Error("boom")),
      500,
      "InternalError",
      "Internal error occurred: boom",
      { causes: [{ message: "boom" }] },
    ],
  ])("%#", (error, code, reason, message, details) => {
    expect(error.status).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      code,
      reason,
      message,
      ...(details && { details }),
    });
    expect(error.code).toBe(code);
    expect(statusErrorFrom(JSON.parse(JSON.stringify(error.status)))?.message).toBe(message);
  });

  it("lists several field errors, each once", () => {
    const errors = [replicas, replicas, required("metadata.name", "name or generateName is required")];
    expect(make.invalid(deployments, "", errors).message).toBe(
      'Deployment.apps "" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, metadata.name: Required value: name or generateName is required]',
    );
    expect(make.invalid(deployments, "x", []).message).toBe('Deployment.apps "x" is invalid');
  });

  it("is told apart by predicates, through causes and by code", () => {
    const wrapped = new Error("outer", { cause: make.notFound(pods, "x") });
    expect(is.isNotFound(wrapped)).toBe(true);
    expect(is.isConflict(wrapped)).toBe(false);
    expect(is.isConflict(make.alreadyExists(pods, "x"))).toBe(false);
    expect(is.isAlreadyExists(make.alreadyExists(pods, "x"))).toBe(true);
    expect(is.isExpired(make.gone("x"))).toBe(true);
    expect(is.isNotFound(statusErrorFrom({ kind: "Status", code: 404, reason: "Strange" }))).toBe(true);
    expect(is.isNotFound(new Error("x"))).toBe(false);
    expect(is.hasCause(make.tooLargeResourceVersion(9, 1, 1), "ResourceVersionTooLarge")).toBe(true);
    expect(is.suggestsDelay(make.tooManyRequests("x", 2))).toBe(2);
    expect(is.suggestsDelay(make.notFound(pods, "x"))).toBeUndefined();
    expect(statusErrorFrom({ kind: "Status", status: "Success" })).toBeUndefined();
    expect(statusErrorFrom({ kind: "Pod" })).toBeUndefined();
  });
});

describe("field errors", () => {
  const path = FieldPath.root("spec").child("containers").index(0).child("env").key("A b").child("x", "y");

  it.each([
    [required(path), "spec.containers[0].env[A b].x.y: Required value"],
    [invalidValue("a", "b\n", "no"), 'a: Invalid value: "b\\n": no'],
    [invalidValue("a", { b: [1, "<"] }, "no"), 'a: Invalid value: {"b":[1,"\\u003c"]}: no'],
    [invalidValue("a", undefined, ""), "a: Invalid value: null"],
    [invalidValue("a", true, ""), "a: Invalid value: true"],
    [invalidValue("a", 9007199254740993n, ""), "a: Invalid value: 9007199254740993"],
    [notSupported("a", "x", ["b", "c"]), 'a: Unsupported value: "x": supported values: "b", "c"'],
    [forbiddenField("a", "why"), "a: Forbidden: why"],
    [duplicate("a", "x"), 'a: Duplicate value: "x"'],
    [fieldNotFound("a", "x"), 'a: Not found: "x"'],
    [tooLong("a", 63), "a: Too long: may not be more than 63 bytes"],
    [tooLong("a", 1), "a: Too long: may not be more than 1 byte"],
    [tooMany("a", 5, 3), "a: Too many: 5: must have at most 3 items"],
    [tooMany("a", -1, 1), "a: Too many: must have at most 1 item"],
    [internalFieldError("a", new Error("x")), "a: Internal error: x"],
  ])("%#", (error, text) => {
    expect(errorText(error)).toBe(text);
    expect(text.endsWith(errorBody(error))).toBe(true);
  });

  it("quotes as Go does", () => {
    expect(quote('a"\\\x00\x7f\u00e9\u200b\u{1F600}')).toBe('"a\\"\\\\\\x00\\x7fé\\u200b😀"');
  });
});

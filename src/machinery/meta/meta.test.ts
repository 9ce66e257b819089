import { describe, expect, it } from "vitest";
import { errorText } from "../field/error.ts";
import {
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isQualifiedName,
  isValidPortName,
} from "../field/formats.ts";
import { FieldPath } from "../field/path.ts";
import { type AnyCondition, getCondition, isConditionTrue, removeCondition, setCondition } from "./conditions.ts";
import { formatApiVersion, gvkOf, parseApiVersion, printGvk } from "./gvk.ts";
import { generateName, nameIsDnsSubdomain, nameIsPathSegment } from "./names.ts";
import { getControllerOf, isControlledBy, newControllerRef } from "./owners.ts";
import { validateLabelSelector } from "./validate-labels.ts";
import { validateDeleteOptions, validatePatchOptions, validateWriteOptions } from "./validate-options.ts";
import { type MetaInput, validateObjectMeta, validateObjectMetaUpdate } from "./validate.ts";

const rules = { namespaced: true, checkName: nameIsDnsSubdomain };
const good: MetaInput = { name: "a", namespace: "default" };
const texts = (meta: MetaInput, namespaced = true): string[] =>
  validateObjectMeta(meta, { ...rules, namespaced }).map(errorText);

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

describe("validateObjectMeta", () => {
  it.each([
    [good, []],
    [{ namespace: "default" }, ["metadata.name: Required value: name or generateName is required"]],
    [{ ...good, name: "A" }, [`metadata.name: Invalid value: "A": ${SUBDOMAIN}`]],
    [
      { ...good, name: "a".repeat(254) },
      [`metadata.name: Invalid value: "${"a".repeat(254)}": must be no more than 253 characters`],
    ],
    [{ ...good, generateName: "a-" }, []],
    [{ name: "a" }, ["metadata.namespace: Required value"]],
    [{ ...good, generation: -1 }, ["metadata.generation: Invalid value: -1: must be greater than or equal to 0"]],
    [
      { ...good, finalizers: ["orphan", "foregroundDeletion"] },
      [
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
      ],
    ],
    [
      { ...good, annotations: { A: "x".repeat(256 * 1024) } },
      ["metadata.annotations: Too long: may not be more than 262144 bytes"],
    ],
    [{ ...good, annotations: { "Example.com/X": "" } }, []],
    [
      { ...good, managedFields: [{ operation: "x" }] },
      ['metadata.managedFields[0].operation: Invalid value: "x": must be `Apply` or `Update`'],
    ],
    [
      { ...good, ownerReferences: [{ apiVersion: "v1", kind: "Event", name: "e", uid: "" }] },
      [
        'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
        'metadata.ownerReferences: Invalid value: {"apiVersion":"v1","kind":"Event","name":"e","uid":""}: /v1, Kind=Event is disallowed from being an owner',
      ],
    ],
  ])("%j", (meta, errors) => {
    expect(texts(meta)).toEqual(errors);
  });

  it("knows where a namespace belongs", () => {
    expect(texts(good, false)).toEqual(["metadata.namespace: Forbidden: not allowed on this type"]);
    expect(texts({ name: "a" }, false)).toEqual([]);
  });

  it("allows one controller", () => {
    const ref = { apiVersion: "v1", kind: "Pod", name: "p", uid: "1", controller: true };
    expect(texts({ ...good, ownerReferences: [ref, { ...ref, name: "q" }] })[0]).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for Pod/p and Pod/q',
    );
  });
});

describe("validateObjectMetaUpdate", () => {
  const old: MetaInput = {
    ...good,
    uid: "u",
    resourceVersion: "1",
    generation: 2,
    creationTimestamp: "2026-01-01T00:00:00Z",
  };

  it.each([
    [old, old, []],
    [
      { ...old, resourceVersion: "" },
      old,
      ['metadata.resourceVersion: Invalid value: "": must be specified for an update'],
    ],
    [{ ...old, uid: "v" }, old, ['metadata.uid: Invalid value: "v": field is immutable']],
    [{ ...old, generation: 1 }, old, ["metadata.generation: Invalid value: 1: must not be decremented"]],
    [
      { ...old, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["b", "a"] },
      { ...old, deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["a"] },
      [
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b"}',
      ],
    ],
  ])("%j", (meta, before, errors) => {
    expect(validateObjectMetaUpdate(meta as MetaInput, before as MetaInput).map(errorText)).toEqual(errors);
  });
});

describe("formats", () => {
  it.each([
    [isDns1123Label, "a-b", 0],
    [isDns1123Label, "a.b", 1],
    [isDns1123Label, "a".repeat(64), 1],
    [isDns1123Subdomain, "a.b-c.d", 0],
    [isDns1123Subdomain, "-a", 1],
    [isDns1035Label, "1a", 1],
    [isQualifiedName, "a/b/c", 1],
    [isQualifiedName, "example.com/", 2],
    [isQualifiedName, "/a", 1],
    [isEnvVarName, "..", 1],
    [isValidPortName, "123", 1],
    [isValidPortName, "-a--b-", 2],
    [isValidPortName, "http", 0],
  ])("%o of %j finds %d faults", (check, value, faults) => {
    expect(check(value)).toHaveLength(faults);
  });

  it("says when dots are the trouble, and refuses long names quickly", () => {
    expect(isDns1123Label("a.b")).toEqual(["must not contain dots"]);
    expect(isDns1123Subdomain(`${"a-".repeat(500_000)}!`)).toHaveLength(2);
    expect(isQualifiedName(`${"a.".repeat(500_000)}!`)).toHaveLength(2);
  });

  it("names path segments and makes names up", () => {
    expect(nameIsPathSegment("..", false)).toEqual(["may not be '..'"]);
    expect(nameIsPathSegment("a/b%", false)).toEqual(["may not contain '/'", "may not contain '%'"]);
    expect(generateName("x".repeat(70), (n) => "y".repeat(n))).toBe("x".repeat(58) + "yyyyy");
  });
});

describe("options", () => {
  it.each([
    [
      validateWriteOptions({ fieldManager: "a\n" }),
      ['fieldManager: Invalid value: "a\\n": invalid character U+000A (at position 1)'],
    ],
    [validateWriteOptions({ dryRun: ["x"] }), ['dryRun: Unsupported value: ["x"]: supported values: "All"']],
    [
      validateWriteOptions({ fieldValidation: "x" }),
      ['fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"'],
    ],
    [validatePatchOptions({}, true), ["fieldManager: Required value: is required for apply patch"]],
    [validatePatchOptions({ force: true }, false), ["force: Forbidden: may not be specified for non-apply patch"]],
    [
      validateDeleteOptions({ propagationPolicy: "x" }),
      ['propagationPolicy: Unsupported value: "x": supported values: "Foreground", "Background", "Orphan", "nil"'],
    ],
    [
      validateLabelSelector({ matchExpressions: [{ key: "a", operator: "In" }] }, FieldPath.root("spec", "selector")),
      [
        "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      ],
    ],
  ])("%#", (errors, expected) => {
    expect(errors.map(errorText)).toEqual(expected);
  });
});

describe("helpers", () => {
  it("reads and writes API versions", () => {
    expect(parseApiVersion("apps/v1")).toEqual({ group: "apps", version: "v1" });
    expect(formatApiVersion("", "v1")).toBe("v1");
    expect(printGvk(gvkOf({ apiVersion: "v1", kind: "Pod" }))).toBe("/v1, Kind=Pod");
  });

  it("finds controllers", () => {
    const owner = { metadata: { name: "rs", uid: "1" } };
    const ref = newControllerRef(owner, ["apps", "v1", "ReplicaSet"]);
    expect(ref).toEqual({
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      name: "rs",
      uid: "1",
      controller: true,
      blockOwnerDeletion: true,
    });
    const pod = { metadata: { ownerReferences: [{ ...ref, controller: false, uid: "2" }, ref] } };
    expect(getControllerOf(pod)).toBe(ref);
    expect(isControlledBy(pod, owner)).toBe(true);
    expect(getControllerOf({})).toBeUndefined();
  });

  it("moves a condition's time only with its status", () => {
    const first = setCondition<AnyCondition>(undefined, { type: "Ready", status: "False", reason: "A" }, 0);
    expect(first).toEqual([
      { type: "Ready", status: "False", reason: "A", lastTransitionTime: "1970-01-01T00:00:00Z" },
    ]);
    expect(setCondition(first, { type: "Ready", status: "False", reason: "A" }, 1000)).toBe(first);
    const second = setCondition(first, { type: "Ready", status: "False", reason: "B" }, 1000);
    expect(getCondition(second, "Ready")).toMatchObject({ reason: "B", lastTransitionTime: "1970-01-01T00:00:00Z" });
    const third = setCondition(second, { type: "Ready", status: "True", reason: "B" }, 1000);
    expect(getCondition(third, "Ready")?.lastTransitionTime).toBe("1970-01-01T00:00:01Z");
    expect(isConditionTrue(third, "Ready")).toBe(true);
    expect(removeCondition(third, "Ready")).toEqual([]);
    expect(removeCondition(third, "Other")).toBe(third);
  });
});

import { describe, expect, it } from "vitest";
import { type admissionregistrationv1, type Draft, resources } from "../../api/index.ts";
import { createCluster } from "../../testing/index.ts";
import { controllersOf } from "../fixtures/harness.ts";
import { builtInType } from "./types.ts";

describe("builtInType", () => {
  it("knows the fields of built-in kinds", () => {
    const type = builtInType({ group: "apps", version: "v1", kind: "Deployment" });
    const spec = type?.kind === "object" ? type.fields.get("spec") : undefined;
    expect(spec?.kind === "object" ? spec.fields.get("replicas") : undefined).toEqual({ kind: "int" });
    expect(builtInType({ group: "example.com", version: "v1", kind: "Thing" })).toBeUndefined();
  });
});

describe("ValidatingAdmissionPolicies in a cluster", () => {
  it("are told what does not suit their objects", async () => {
    // Loaded beforehand: virtual time does not wait for files.
    await import("./review.ts");
    const names = ["validatingadmissionpolicy-status-controller"];
    await using cluster = await createCluster({ components: [controllersOf(names)] });
    const policies = cluster.client.resource(resources.validatingadmissionpolicies);
    const rule = {
      apiGroups: ["apps"],
      apiVersions: ["v1"],
      operations: ["CREATE"],
      resources: ["deployments", "deployments/scale"],
    };
    const check = async (name: string, spec: Draft<admissionregistrationv1.ValidatingAdmissionPolicySpec>) => {
      const constraints = { matchConstraints: { resourceRules: [rule] } } as typeof spec;
      await policies.create({ metadata: { name }, spec: { ...constraints, ...spec } });
      await cluster.settle();
      return (await policies.get({ name })).status;
    };
    const good = [
      { expression: "object.spec.replicas <= 5 && object.metadata.name.startsWith('x')" },
      { expression: "variables.size > 1 && authorizer.group('apps').resource('deployments').check('get').allowed()" },
    ];
    const variables = [{ name: "size", expression: "object.spec.replicas" }];
    expect(await check("good", { validations: good, variables })).toEqual({ observedGeneration: 1, typeChecking: {} });
    const bad = [{ expression: "object.replicas > 1", messageExpression: "'no ' + object.spec.nothing" }];
    const { typeChecking } = await check("bad", { validations: bad });
    expect(typeChecking?.expressionWarnings?.map(({ fieldRef }) => fieldRef)).toEqual([
      "spec.validations[0].expression",
      "spec.validations[0].messageExpression",
    ]);
    expect(typeChecking?.expressionWarnings?.[0]?.warning).toBe(
      [
        "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'",
        " | object.replicas > 1",
        " | ......^\n",
      ].join("\n"),
    );
  });
});

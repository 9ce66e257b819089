import { describe, expect, it } from "vitest";
import {
  allResources,
  apiVersionOf,
  configDefaults,
  featureGate,
  featureGateNames,
  flagFacts,
  groups,
  otherTableColumns,
  rbacBootstrap,
  resources,
  tableColumns,
  typeTexts,
  wellKnown,
} from "./index.ts";

describe("generated tables", () => {
  it("has every resource, with a type and a storage place where it is stored", () => {
    expect(allResources).toHaveLength(90);
    expect(groups.map((g) => g.name).slice(0, 2)).toEqual(["", "apiregistration.k8s.io"]);
    for (const resource of allResources) {
      const [module] = typeTexts().groups[apiVersionOf(resource)] ?? [];
      expect(typeTexts().types[`${module}.${resource.kind}`], resource.resource).toContain(";apiVersion ");
      expect(resource.selectableFields, resource.resource).toContain("metadata.name");
    }
    expect(resources.pods.selectableFields).toContain("spec.nodeName");
    expect(resources["events.events.k8s.io"].selectableFields).toContain("regarding.name");
  });

  it("has columns, but none for reviews", () => {
    expect(
      tableColumns(resources.pods)
        ?.map((c) => c.name)
        .slice(0, 5),
    ).toEqual(["Name", "Ready", "Status", "Restarts", "Age"]);
    expect(tableColumns(resources.clusterroles)?.map((c) => c.name)).toEqual(["Name", "Created At"]);
    expect(tableColumns(resources.tokenreviews)).toBeUndefined();
    expect(otherTableColumns("CustomResource").map((c) => c.name)).toEqual(["Name", "Age"]);
    expect(otherTableColumns("Status").map((c) => c.name)).toEqual(["Status", "Reason", "Message"]);
  });

  it("has gates, roles, flags, names", () => {
    expect(featureGateNames()).toHaveLength(216);
    expect(featureGate("DRADeviceBindingConditions")?.needs).toContain("DynamicResourceAllocation");
    expect(featureGate("constructor")).toBeUndefined();
    expect(rbacBootstrap().clusterRoles).toHaveLength(31);
    expect(rbacBootstrap().controllerRoleBindings).toHaveLength(37);
    expect(Object.keys(flagFacts().flags)).toContain("kube-apiserver");
    expect(wellKnown().ports["kubelet"]).toBe(10250);
    expect(configDefaults()["kubelet.config.v1beta1.KubeletConfiguration"]?.["maxPods"]).toBe(110);
  });
});

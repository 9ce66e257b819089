import { describe, expect, it } from "vitest";
import { resources } from "../../../api/index.ts";
import { testEnv } from "../../../kit/index.ts";
import { admitWrite, lookupOf } from "../testing.ts";
import { createEvaluator, describeComplaints } from "./evaluate.ts";
import { podSecurity } from "./index.ts";
import { type Level, policyOf, standardText } from "./levels.ts";
import type { Subject } from "./checks.ts";

const evaluate = createEvaluator();
const LABEL = "pod-security.kubernetes.io/";
const CONFINED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};
/** A pod that keeps all rules but those that a test makes it break. */
const pod = (securityContext: object = {}, spec: object = {}, annotations: Record<string, string> = {}): Subject =>
  ({
    metadata: { name: "p", annotations },
    spec: { containers: [{ name: "c", image: "i", securityContext: { ...CONFINED, ...securityContext } }], ...spec },
  }) as unknown as Subject;

describe("standards", () => {
  it.each<[Level, number, Subject, string]>([
    ["restricted", Infinity, pod(), ""],
    [
      "baseline",
      Infinity,
      pod({ privileged: true }),
      'privileged (container "c" must not set securityContext.privileged=true)',
    ],
    ["privileged", Infinity, pod({ privileged: true }), ""],
    [
      "baseline",
      Infinity,
      pod({}, { hostNetwork: true, hostPID: true }),
      "host namespaces (hostNetwork=true, hostPID=true)",
    ],
    [
      "baseline",
      Infinity,
      pod({}, { volumes: [{ name: "v", hostPath: { path: "/" } }] }),
      'hostPath volumes (volume "v")',
    ],
    [
      "restricted",
      Infinity,
      pod(
        {},
        {
          volumes: [
            { name: "v", hostPath: { path: "/" } },
            { name: "w", nfs: {} },
          ],
        },
      ),
      'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
    ],
    [
      "baseline",
      Infinity,
      pod({ capabilities: { add: ["NET_ADMIN", "CHOWN"] } }),
      'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      "restricted",
      Infinity,
      pod({ capabilities: { add: ["CHOWN"] } }),
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      "restricted",
      Infinity,
      pod({ allowPrivilegeEscalation: true }),
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false)',
    ],
    ["restricted", 7, pod({ allowPrivilegeEscalation: true }), ""],
    ["restricted", 25, pod({ allowPrivilegeEscalation: true }, { os: { name: "windows" } }), ""],
    [
      "restricted",
      Infinity,
      pod({ runAsNonRoot: undefined }),
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
    ],
    ["restricted", Infinity, pod({ runAsNonRoot: false }, { hostUsers: false }), ""],
    [
      "restricted",
      34,
      pod({ runAsNonRoot: false }, { hostUsers: false, securityContext: { runAsNonRoot: false } }),
      'runAsNonRoot != true (pod and container "c" must not set securityContext.runAsNonRoot=false)',
    ],
    ["restricted", Infinity, pod({ runAsUser: 0 }), 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    [
      "restricted",
      Infinity,
      pod({ seccompProfile: undefined }),
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [
      "restricted",
      Infinity,
      pod({ seccompProfile: undefined }, { securityContext: { seccompProfile: { type: "Localhost" } } }),
      "",
    ],
    [
      "baseline",
      Infinity,
      pod({ seccompProfile: { type: "Unconfined" } }),
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      "baseline",
      18,
      pod({}, {}, { "seccomp.security.alpha.kubernetes.io/pod": "unconfined" }),
      'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
    ],
    [
      "baseline",
      Infinity,
      pod(
        { appArmorProfile: { type: "Unconfined" } },
        {},
        { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" },
      ),
      'forbidden AppArmor profiles (container "c" and annotation must not set AppArmor profile type to "Unconfined", "container.apparmor.security.beta.kubernetes.io/c="unconfined"")',
    ],
    [
      "baseline",
      30,
      pod({ seLinuxOptions: { type: "container_engine_t", user: "u" } }),
      'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: type "container_engine_t"; user may not be set)',
    ],
    ["baseline", 31, pod({ seLinuxOptions: { type: "container_engine_t" } }), ""],
    [
      "baseline",
      26,
      pod(
        {},
        { securityContext: { sysctls: [{ name: "net.ipv4.ip_local_reserved_ports" }, { name: "kernel.msgmax" }] } },
      ),
      "forbidden sysctls (net.ipv4.ip_local_reserved_ports, kernel.msgmax)",
    ],
    [
      "baseline",
      Infinity,
      pod({ procMount: "Unmasked" }),
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ],
    ["baseline", Infinity, pod({ procMount: "Unmasked" }, { hostUsers: false }), ""],
    [
      "baseline",
      Infinity,
      pod(
        {},
        {
          containers: [
            { name: "a", ports: [{ hostPort: 80 }] },
            { name: "b", ports: [{ hostPort: 9 }] },
          ],
        },
      ),
      'hostPort (containers "a", "b" use hostPorts 80, 9)',
    ],
    [
      "baseline",
      Infinity,
      pod({}, { containers: [{ name: "a", livenessProbe: { httpGet: { host: "h" } } }] }),
      'probe or lifecycle host (container "a" uses probe or lifecycle host "h")',
    ],
    ["baseline", 33, pod({}, { containers: [{ name: "a", livenessProbe: { httpGet: { host: "h" } } }] }), ""],
    [
      "baseline",
      Infinity,
      pod({ windowsOptions: { hostProcess: true } }),
      'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ])("%s since %s: %#", (level, minor, subject, expected) => {
    expect(describeComplaints(evaluate({ level, minor }, subject))).toBe(expected);
  });
});

describe("labels", () => {
  const latest = { level: "privileged", minor: Infinity } as const;
  const defaults = { enforce: latest, audit: latest, warn: latest };
  it.each<[Record<string, string>, string, string[]]>([
    [{}, "privileged:latest privileged:latest privileged:latest", []],
    [{ enforce: "baseline" }, "baseline:latest privileged:latest baseline:latest", []],
    [
      { enforce: "baseline", "enforce-version": "v1.3", warn: "privileged" },
      "baseline:v1.3 privileged:latest privileged:latest",
      [],
    ],
    [
      { enforce: "strict", audit: "loose", "warn-version": "v2" },
      "restricted:latest privileged:latest privileged:latest",
      [
        "must be one of privileged, baseline, restricted",
        "must be one of privileged, baseline, restricted",
        'must be "latest" or "v1.x"',
      ],
    ],
  ])("%j", (labels, expected, problems) => {
    const full = Object.fromEntries(Object.entries(labels).map(([key, value]) => [LABEL + key, value]));
    const { policy, errors } = policyOf(full, defaults);
    expect([policy.enforce, policy.audit, policy.warn].map(standardText).join(" ")).toBe(expected);
    expect(errors.map((error) => error.detail)).toEqual(problems);
  });
});

describe("admission", () => {
  const namespace = (name: string, labels: Record<string, string>): object => ({
    metadata: { name, labels: Object.fromEntries(Object.entries(labels).map(([k, v]) => [LABEL + k, v])) },
  });
  const bad = { ...pod({ privileged: true }) };
  const badIn = (ns: string, name: string, uid?: string): object => ({
    ...bad,
    metadata: {
      name,
      namespace: ns,
      ...(uid && { ownerReferences: [{ uid, kind: "X", apiVersion: "v1", name: "x", controller: true }] }),
    },
  });
  const lookup = lookupOf(
    [resources.namespaces, namespace("free", {})],
    [resources.namespaces, namespace("strict", { enforce: "baseline" })],
    [resources.namespaces, namespace("loud", { warn: "baseline", audit: "baseline" })],
    [resources.pods, badIn("busy", "b")],
    [resources.pods, badIn("busy", "a", "1")],
    [resources.pods, badIn("busy", "c", "1")],
  );
  const { clock } = testEnv();
  const plugin = podSecurity(lookup, clock, { exemptions: { usernames: ["root"], namespaces: ["exempt"] } });
  const complaint = 'privileged (container "c" must not set securityContext.privileged=true)';

  it("refuses pods", async () => {
    const write = { resource: resources.pods, namespace: "strict", object: bad };
    expect((await admitWrite(plugin, write)).refusal).toBe(`violates PodSecurity "baseline:latest": ${complaint}`);
    expect((await admitWrite(plugin, { ...write, namespace: "free" })).refusal).toBeUndefined();
    const root = { name: "root", groups: [] };
    const exempt = await admitWrite(plugin, { ...write, user: root });
    expect([exempt.refusal, exempt.annotations]).toEqual([undefined, { [`${LABEL}exempt`]: "user" }]);
  });

  it("looks at updates only when images change", async () => {
    const write = { resource: resources.pods, namespace: "strict", operation: "UPDATE", oldObject: bad } as const;
    expect((await admitWrite(plugin, { ...write, object: bad })).refusal).toBeUndefined();
    const other = { ...bad, spec: { containers: [{ ...bad.spec.containers[0], image: "j" }] } };
    expect((await admitWrite(plugin, { ...write, object: other })).refusal).toContain("violates PodSecurity");
  });

  it("warns of templates", async () => {
    const deployment = { metadata: { name: "d" }, spec: { template: bad } };
    const outcome = await admitWrite(plugin, {
      resource: resources.deployments,
      namespace: "loud",
      object: deployment,
    });
    const text = `would violate PodSecurity "baseline:latest": ${complaint}`;
    expect(outcome).toMatchObject({ refusal: undefined, warnings: [text] });
    expect(outcome.annotations).toEqual({ [`${LABEL}audit-violations`]: text });
  });

  it("checks labels of namespaces", async () => {
    const write = { resource: resources.namespaces, namespace: "x", object: namespace("x", { enforce: "strict" }) };
    expect((await admitWrite(plugin, write)).status?.message).toBe(
      'Namespace "x" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
    );
  });

  it("warns of pods that a new policy would refuse", async () => {
    const outcome = await admitWrite(plugin, {
      resource: resources.namespaces,
      operation: "UPDATE",
      namespace: "busy",
      oldObject: namespace("busy", {}),
      object: namespace("busy", { enforce: "baseline" }),
    });
    expect(outcome.warnings).toEqual([
      'existing pods in namespace "busy" violate the new PodSecurity enforce level "baseline:latest"',
      "a (and 2 other pods): privileged",
    ]);
  });

  it("says that it leaves exempt namespaces alone", async () => {
    const write = {
      resource: resources.namespaces,
      namespace: "exempt",
      object: namespace("exempt", { enforce: "baseline" }),
    };
    expect((await admitWrite(plugin, write)).warnings).toEqual([
      'namespace "exempt" is exempt from Pod Security, and the policy (enforce=baseline:latest) will be ignored',
    ]);
  });
});

import { describe, expect, it } from "vitest";
import type { appsv1, corev1 } from "../../api/index.ts";
import { at, controlledBy, EPOCH, meta, pod as somePod, template } from "../fixtures/objects.ts";
import { claimOwners, claimsFor } from "./claims.ts";
import { REVISION } from "./identity.ts";
import { planStateful, type StatefulWorld } from "./plan.ts";

type Set = appsv1.StatefulSet;

function statefulSet(spec: Partial<appsv1.StatefulSetSpec> = {}): Set {
  return {
    kind: "StatefulSet",
    apiVersion: "apps/v1",
    metadata: meta("web"),
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "demo" } },
      template: template(),
      serviceName: "web",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      ...spec,
    },
    status: { replicas: 0 },
  };
}

/** `0` ready of the new revision, `0o` of the old, `0u` not ready, `0t` terminating, `0f` failed, `0p` pending. */
function podsFrom(text: string): corev1.Pod[] {
  return text
    .split(" ")
    .filter(Boolean)
    .map((word) => {
      const marks = word.replace(/^\d+/, "");
      const ordinal = word.slice(0, word.length - marks.length);
      const name = `web-${ordinal}`;
      const labels = {
        [REVISION]: marks.includes("o") ? "old" : "new",
        "statefulset.kubernetes.io/pod-name": name,
      };
      const deletion = marks.includes("t") ? { deletionTimestamp: at(0) } : {};
      const phase = marks.includes("f") ? "Failed" : marks.includes("p") ? "Pending" : "Running";
      return somePod(name, {
        metadata: { labels, ownerReferences: [controlledBy(statefulSet())], ...deletion },
        ready: /[ufp]/.test(marks) ? false : 0,
        status: { phase },
      });
    });
}

function steps(set: Set, pods: string, world: Partial<StatefulWorld> = {}): string[] {
  const plan = planStateful({
    set,
    pods: podsFrom(pods),
    current: { name: "old", template: template("demo:old") },
    update: { name: "new", template: template("demo:new") },
    claim: () => undefined,
    now: EPOCH + 1000,
    ...world,
  });
  return plan.phases.flat().map((step) => {
    const revision = step.do === "create" ? ` ${step.pod.metadata.labels?.[REVISION]}` : "";
    return `${step.do} ${step.pod.metadata.name.replace("web-", "")}${revision}`;
  });
}

const parallel = { podManagementPolicy: "Parallel" as const };
const rolling = (partition: number, maxUnavailable?: number | string) => ({
  updateStrategy: {
    type: "RollingUpdate" as const,
    rollingUpdate: maxUnavailable === undefined ? { partition } : { partition, maxUnavailable },
  },
});

describe("planStateful", () => {
  const cases: readonly (readonly [string, Set, string, readonly string[]])[] = [
    ["begins with the first", statefulSet(), "", ["create 0 new"]],
    ["goes on when it is ready", statefulSet(), "0", ["create 1 new"]],
    ["waits for one that is not", statefulSet(), "0u", []],
    ["waits for one that is going", statefulSet(), "0 1t", []],
    ["fills a gap", statefulSet(), "0 2", ["create 1 new"]],
    ["replaces what failed", statefulSet(), "0f 1", ["delete 0"]],
    ["creates all at once", statefulSet(parallel), "", ["create 0 new", "create 1 new", "create 2 new"]],
    ["starts where it is told", statefulSet({ replicas: 2, ordinals: { start: 5 } }), "", ["create 5 new"]],
    ["removes the highest", statefulSet({ replicas: 1 }), "0 1 2", ["delete 2"]],
    ["removes one at a time", statefulSet({ replicas: 1 }), "0 1 2t", []],
    ["removes nothing while one is ill", statefulSet({ replicas: 1 }), "0u 1 2", []],
    ["waits for the lower one to be well", statefulSet({ replicas: 1 }), "0 1u 2u", []],
    ["removes the only ill one", statefulSet({ replicas: 1 }), "0 1 2u", ["delete 2"]],
    ["removes all at once", statefulSet({ replicas: 1, ...parallel }), "0 1 2", ["delete 2", "delete 1"]],
    ["updates from the top", statefulSet(), "0o 1o 2o", ["delete 2"]],
    ["updates one after another", statefulSet(), "0o 1o 2u", []],
    ["stops at the partition", statefulSet(rolling(2)), "0o 1o 2", []],
    ["keeps the old revision below the partition", statefulSet(rolling(1)), "", ["create 0 old"]],
    ["updates several at once", statefulSet(rolling(0, 2)), "0o 1o 2o", ["delete 2", "delete 1"]],
    ["updates at least one", statefulSet(rolling(0, "10%")), "0o 1o 2o", ["delete 2"]],
    ["counts who is away", statefulSet({ ...rolling(0, 2), ...parallel }), "0u 1o 2o", ["delete 2"]],
    ["leaves updates to others", statefulSet({ updateStrategy: { type: "OnDelete" } }), "0o 1o 2o", []],
    ["waits until available", statefulSet({ minReadySeconds: 10 }), "0", []],
    ["does nothing while going", { ...statefulSet(), metadata: meta("web", { deletionTimestamp: at(0) }) }, "", []],
  ];
  for (const [name, set, pods, expected] of cases) it(name, () => expect(steps(set, pods)).toEqual(expected));

  const withClaims = (spec: Partial<appsv1.StatefulSetSpec> = {}): Set =>
    statefulSet({
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: {}, status: {} } as corev1.PersistentVolumeClaim],
      ...spec,
    });

  it("gives pods their claims", () => {
    const plan = planStateful({
      set: withClaims({
        template: { ...template(), spec: { ...template().spec, volumes: [{ name: "data" }, { name: "x" }] } },
      }),
      pods: [],
      current: { name: "old", template: template() },
      update: {
        name: "new",
        template: { ...template(), spec: { ...template().spec, volumes: [{ name: "data" }, { name: "x" }] } },
      },
      claim: () => undefined,
      now: EPOCH,
    });
    const [step] = plan.phases.flat();
    expect(step?.do === "create" ? step.pod.spec : undefined).toMatchObject({
      hostname: "web-0",
      subdomain: "web",
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-web-0" } }, { name: "x" }],
    });
  });

  it("mends the claims of waiting pods", () => {
    expect(steps(withClaims(), "0p")).toEqual(["claims 0"]);
  });

  it("waits for the claims of an earlier pod", () => {
    const set = withClaims({ persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete", whenDeleted: "Retain" } });
    const [earlier] = podsFrom("0");
    const owner = controlledBy({ kind: "Pod", apiVersion: "v1", metadata: earlier?.metadata ?? meta("x") });
    const claim = claimOf("data-web-0", [owner]);
    expect(steps(set, "", { claim: () => claim })).toEqual([]);
  });
});

function claimOf(name: string, ownerReferences: NonNullable<corev1.Pod["metadata"]["ownerReferences"]>) {
  const object = { kind: "PersistentVolumeClaim", apiVersion: "v1", metadata: meta(name, { ownerReferences }) };
  return { ...object, spec: {}, status: {} } as corev1.PersistentVolumeClaim;
}

describe("claimOwners", () => {
  const set = statefulSet();
  const member = somePod("web-0");
  const bySet = controlledBy(set);
  const byPod = controlledBy(member);
  const stranger = { apiVersion: "v1", kind: "Thing", name: "other", uid: "other", controller: true };
  const cases: readonly (readonly [
    string,
    string,
    string,
    boolean,
    readonly object[],
    readonly object[] | undefined,
  ])[] = [
    ["retained", "Retain", "Retain", true, [], undefined],
    ["no longer shared", "Retain", "Retain", true, [bySet], []],
    ["deleted with the set", "Delete", "Retain", true, [], [bySet]],
    ["deleted with the set, scaled down", "Delete", "Retain", false, [bySet], undefined],
    ["scaled down", "Retain", "Delete", false, [], [byPod]],
    ["not scaled down", "Retain", "Delete", true, [], undefined],
    ["scaled up again", "Retain", "Delete", true, [byPod], []],
    ["both, wanted", "Delete", "Delete", true, [], [bySet]],
    ["both, scaled down", "Delete", "Delete", false, [bySet], [byPod]],
    ["somebody else's", "Delete", "Delete", true, [stranger], undefined],
    ["somebody else's and ours", "Delete", "Delete", true, [stranger, bySet], [stranger]],
    ["of an earlier set", "Delete", "Delete", true, [{ ...bySet, uid: "earlier" }], undefined],
    ["not as a controller", "Delete", "Retain", true, [{ ...bySet, controller: false }], [bySet]],
  ];
  for (const [name, whenDeleted, whenScaled, wanted, before, after] of cases) {
    it(name, () => {
      const policy = { whenDeleted, whenScaled } as NonNullable<
        appsv1.StatefulSetSpec["persistentVolumeClaimRetentionPolicy"]
      >;
      const owner = statefulSet({ persistentVolumeClaimRetentionPolicy: policy });
      const claim = claimOf("data-web-0", before as never);
      expect(claimOwners(owner, claim, member, wanted)?.owners).toEqual(after);
    });
  }
});

describe("claimsFor", () => {
  it("labels claims like pods", () => {
    const claimTemplate = { metadata: { name: "data", labels: { a: "b" } }, spec: {}, status: {} };
    const set = statefulSet({ volumeClaimTemplates: [claimTemplate as unknown as corev1.PersistentVolumeClaim] });
    expect(claimsFor(set, 2)[0]?.metadata).toEqual({
      name: "data-web-2",
      namespace: "default",
      labels: { a: "b", app: "demo" },
    });
  });
});

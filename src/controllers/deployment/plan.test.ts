import { describe, expect, it } from "vitest";
import type { appsv1 } from "../../api/index.ts";
import { at, deployment, EPOCH, replicaSet, template } from "../fixtures/objects.ts";
import { DESIRED_REPLICAS, REVISION } from "./annotations.ts";
import { type DeploymentPlan, planDeployment } from "./plan.ts";

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;

/** A Deployment and its sets, with plans applied at once and pods that obey after a `tick`. */
class Rollout {
  deployment: Deployment;
  sets: ReplicaSet[] = [];
  now = EPOCH;
  events: string[] = [];
  checkIn: number | undefined;

  constructor(d: Deployment) {
    this.deployment = d;
  }

  step(): DeploymentPlan {
    const plan = planDeployment({
      deployment: this.deployment,
      sets: this.sets,
      hasPodsBeside: (uid) => this.sets.some((s) => s.metadata.uid !== uid && s.status.replicas > 0),
      now: this.now,
    });
    for (const step of plan.steps) this.#apply(step);
    const annotations = { ...this.deployment.metadata.annotations };
    if (plan.revision !== undefined) annotations[REVISION] = plan.revision;
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, annotations },
      status: plan.status,
    };
    this.checkIn = plan.checkIn;
    return plan;
  }

  #apply(step: DeploymentPlan["steps"][number]): void {
    const { set } = step;
    if (step.kind === "create") {
      const { name } = set.metadata;
      this.sets.push({
        ...set,
        metadata: { ...set.metadata, uid: `uid-${name}`, creationTimestamp: at(this.now - EPOCH) },
      });
      this.events.push(`new 0 to ${set.spec.replicas}`);
    } else if (step.kind === "delete") {
      this.sets = this.sets.filter((s) => s.metadata.uid !== set.metadata.uid);
      this.events.push("delete");
    } else {
      this.sets = this.sets.map((s) => (s.metadata.uid === set.metadata.uid ? set : s));
      if (step.from !== step.to) this.events.push(`${step.from} to ${step.to}`);
    }
  }

  /** Every set gets the pods it wants, available at once. */
  tick(available: (set: ReplicaSet) => boolean = () => true): void {
    this.now += 1000;
    this.sets = this.sets.map((set) => {
      const n = set.spec.replicas ?? 0;
      const up = available(set) ? n : Math.min(n, set.status.availableReplicas ?? 0);
      return {
        ...set,
        status: { ...set.status, observedGeneration: 1, replicas: n, readyReplicas: up, availableReplicas: up },
      };
    });
  }

  settle(rounds = 30): void {
    for (let i = 0; i < rounds; i++) {
      this.step();
      this.tick();
    }
    this.step();
  }

  edit(spec: Partial<appsv1.DeploymentSpec>): void {
    const generation = (this.deployment.metadata.generation ?? 0) + 1;
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, generation },
      spec: { ...this.deployment.spec, ...spec },
    };
  }

  progressing(): string | undefined {
    const c = this.deployment.status.conditions?.find((c) => c.type === "Progressing");
    return c && `${c.status} ${c.reason}: ${c.message}`;
  }

  get sizes(): number[] {
    return this.sets.map((s) => s.spec.replicas ?? 0);
  }
}

describe("planDeployment", () => {
  it("creates the first set at full size, with owner, labels and annotations", () => {
    const r = new Rollout(deployment({}, { annotations: { note: "x" } }));
    const plan = r.step();
    expect(plan.steps).toHaveLength(1);
    const set = r.sets[0];
    const hash = set?.metadata.labels?.["pod-template-hash"];
    expect(set?.metadata).toMatchObject({
      name: `demo-${hash}`,
      labels: { app: "demo" },
      annotations: {
        note: "x",
        [REVISION]: "1",
        [DESIRED_REPLICAS]: "3",
        "deployment.kubernetes.io/max-replicas": "4",
      },
      ownerReferences: [
        { kind: "Deployment", name: "demo", uid: "uid-demo", controller: true, blockOwnerDeletion: true },
      ],
    });
    expect(set?.spec).toMatchObject({
      replicas: 3,
      selector: { matchLabels: { app: "demo", "pod-template-hash": hash } },
      template: { metadata: { labels: { app: "demo", "pod-template-hash": hash } } },
    });
    expect(plan.revision).toBe("1");
    expect(r.progressing()).toBe(`True NewReplicaSetCreated: Created new replica set "demo-${hash}"`);
    expect(r.deployment.status).toMatchObject({
      observedGeneration: 1,
      unavailableReplicas: 3,
      terminatingReplicas: 0,
    });
    r.tick();
    r.step();
    expect(r.progressing()).toBe(`True NewReplicaSetAvailable: ReplicaSet "demo-${hash}" has successfully progressed.`);
    expect(r.deployment.status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    });
    const settled = r.step();
    expect(settled.steps).toEqual([]);
    expect(settled.status).toEqual(r.deployment.status);
    expect(settled.checkIn).toBeUndefined();
  });

  for (const [surge, unavailable] of [
    [1, 0],
    [0, 1],
    ["25%", "25%"],
    [3, 3],
    ["100%", 0],
  ] as const) {
    it(`rolls within surge ${surge} and unavailable ${unavailable}`, () => {
      const r = new Rollout(
        deployment({
          replicas: 8,
          strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
        }),
      );
      r.settle(3);
      r.edit({ template: template("demo:2") });
      const max = 8 + (surge === "25%" ? 2 : surge === "100%" ? 8 : surge);
      const min = 8 - (unavailable === "25%" ? 2 : unavailable);
      for (let i = 0; i < 40; i++) {
        r.step();
        expect(r.sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(max);
        const surviving = r.sets.reduce(
          (n, s) => n + Math.min(s.spec.replicas ?? 0, s.status.availableReplicas ?? 0),
          0,
        );
        expect(surviving).toBeGreaterThanOrEqual(min);
        r.tick();
      }
      expect(r.sizes).toEqual([0, 8]);
      expect(r.progressing()).toContain("NewReplicaSetAvailable");
      expect(r.deployment.metadata.annotations?.[REVISION]).toBe("2");
    });
  }

  it("rolls back to a set it has, and keeps its revisions", () => {
    const r = new Rollout(deployment());
    r.settle(3);
    r.edit({ template: template("demo:2") });
    r.settle();
    r.edit({ template: template("demo:1") });
    r.settle();
    expect(r.sizes).toEqual([3, 0]);
    expect(r.sets[0]?.metadata.annotations).toMatchObject({
      [REVISION]: "3",
      "deployment.kubernetes.io/revision-history": "1",
    });
    expect(r.deployment.metadata.annotations?.[REVISION]).toBe("3");
  });

  it("recreates only after all old pods are gone", () => {
    const r = new Rollout(deployment({ strategy: { type: "Recreate" } }));
    r.settle(3);
    r.edit({ template: template("demo:2") });
    r.step();
    expect(r.sizes).toEqual([0]);
    r.step();
    expect(r.sets).toHaveLength(1);
    r.tick();
    r.step();
    expect(r.sizes).toEqual([0, 3]);
  });

  it("does not roll while paused, but scales, and says when it goes on", () => {
    const r = new Rollout(deployment());
    r.settle(3);
    r.edit({ paused: true, template: template("demo:2"), replicas: 5 });
    r.step();
    expect(r.progressing()).toBe("Unknown DeploymentPaused: Deployment is paused");
    expect(r.sizes).toEqual([5]);
    r.edit({ paused: false });
    r.tick();
    r.step();
    expect(r.sets).toHaveLength(2);
    r.settle();
    expect(r.sizes).toEqual([0, 5]);
  });

  it("scales in proportion in the middle of a rollout", () => {
    const r = new Rollout(
      deployment({
        replicas: 10,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 5 } },
      }),
    );
    r.settle(3);
    r.edit({ template: template("demo:2") });
    for (let i = 0; i < 3; i++) {
      r.step();
      r.tick((set) => set.spec.template.spec.containers[0]?.image === "demo:1");
    }
    expect(r.sizes).toEqual([5, 5]);
    r.edit({ replicas: 20 });
    r.step();
    expect(r.sizes).toEqual([10, 10]);
  });

  it("reports a rollout that does not get on, and asks to be woken for it", () => {
    const r = new Rollout(deployment({ progressDeadlineSeconds: 60 }));
    r.step();
    r.tick(() => false);
    r.step();
    expect(r.progressing()).toContain("True ReplicaSetUpdated");
    expect(r.checkIn).toBe(61_000);
    r.now += 61_000;
    r.step();
    expect(r.progressing()).toMatch(
      /^False ProgressDeadlineExceeded: ReplicaSet "demo-.*" has timed out progressing\.$/,
    );
    expect(r.checkIn).toBeUndefined();
    r.tick();
    r.step();
    expect(r.progressing()).toContain("NewReplicaSetAvailable");
  });

  it("deletes empty sets beyond the history limit, oldest revision first", () => {
    const r = new Rollout(deployment({ revisionHistoryLimit: 1 }));
    r.settle(3);
    for (const version of [2, 3, 4]) {
      r.edit({ template: template(`demo:${version}`) });
      r.settle(10);
    }
    expect(r.sets.map((s) => s.metadata.annotations?.[REVISION])).toEqual(["3", "4"]);
  });

  it("takes over a set that has its template", () => {
    const d = deployment();
    const r = new Rollout(d);
    r.sets = [replicaSet("found", 3, { status: { replicas: 0, readyReplicas: 0, availableReplicas: 0 } })];
    const plan = r.step();
    expect(plan.steps).toHaveLength(1);
    expect(r.sets[0]?.metadata.annotations?.[REVISION]).toBe("1");
    expect(r.progressing()).toContain('Found new replica set "found"');
  });

  it("only looks after the status of a Deployment that is being deleted", () => {
    const r = new Rollout(deployment({}, { deletionTimestamp: at(0) }));
    expect(r.step().steps).toEqual([]);
  });

  it("moves a set's failure into its own conditions", () => {
    const r = new Rollout(deployment());
    r.step();
    const failure = {
      type: "ReplicaFailure",
      status: "True",
      reason: "FailedCreate",
      message: "quota",
      lastTransitionTime: at(0),
    };
    r.sets = r.sets.map((s) => ({ ...s, status: { ...s.status, conditions: [failure] } }));
    r.step();
    expect(r.deployment.status.conditions).toContainEqual({ ...failure, lastUpdateTime: at(0) });
    r.sets = r.sets.map((s) => ({ ...s, status: { replicas: 0 } }));
    r.step();
    expect(r.deployment.status.conditions?.some((c) => c.type === "ReplicaFailure")).toBe(false);
  });
});

import type { appsv1 } from "../../api/index.ts";
import { deepEqual, newControllerRef, quote } from "../../machinery/index.ts";
import { findCondition } from "../common/conditions.ts";
import { POD_TEMPLATE_HASH, sameTemplate, stableHash } from "../common/template-hash.ts";
import {
  byAge,
  byRevision,
  countAnnotation,
  DESIRED_REPLICAS,
  maxRevision,
  newSetAnnotations,
  REVISION,
  withSizes,
} from "./annotations.ts";
import {
  activeOrLatest,
  activeSets,
  desiredReplicas,
  isRolling,
  isSaturated,
  maxSurge,
  newSetSize,
  proportionalSizes,
  type Resize,
  shrinkOldSets,
  sum,
} from "./sizes.ts";
import {
  condition,
  hasProgressDeadline,
  isComplete,
  plainStatus,
  progressCheckIn,
  rolloutStatus,
  setCondition,
} from "./status.ts";

type Deployment = appsv1.Deployment;
type ReplicaSet = appsv1.ReplicaSet;
type Status = appsv1.DeploymentStatus;

/** The Deployment, the ReplicaSets it controls, and what else a decision needs. */
export interface Situation {
  readonly deployment: Deployment;
  readonly sets: readonly ReplicaSet[];
  /** Whether a pod that is not finished belongs to a set other than the one with this uid (Recreate waits for it). */
  readonly hasPodsBeside: (uid: string | undefined) => boolean;
  /** Milliseconds. */
  readonly now: number;
}

/** Writes a set: created, changed (with the sizes for the event when they differ), or deleted. */
export type Step =
  | { readonly kind: "create"; readonly set: ReplicaSet }
  | { readonly kind: "update"; readonly set: ReplicaSet; readonly from: number; readonly to: number }
  | { readonly kind: "delete"; readonly set: ReplicaSet };

/** What to do: the steps in order, then the status and the revision annotation in one write when they differ. */
export interface DeploymentPlan {
  readonly steps: readonly Step[];
  readonly status: Status;
  readonly revision: string | undefined;
  /** Milliseconds until somebody must look again even if nothing happens. */
  readonly checkIn?: number;
}

/** Decides the next move of a Deployment whose selector is not empty. */
export function planDeployment(situation: Situation): DeploymentPlan {
  return new Planner(situation).plan();
}

/** The ReplicaSet that has the Deployment's template; the oldest when several do. */
export function findNewest(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.toSorted(byAge).find((set) => sameTemplate(set.spec.template, deployment.spec.template));
}

const NO_LIMIT = 2 ** 31 - 1;
const MAX_NAME = 253;

/** One decision under way: working copies of the sets, from which the steps are read off at the end. */
class Planner {
  readonly #in: Situation;
  readonly #now: number;
  readonly #deployment: Deployment;
  readonly #sets: Map<string, ReplicaSet>;
  readonly #deleted: ReplicaSet[] = [];
  #newest: string | undefined;
  #created: ReplicaSet | undefined;
  #before: Status;

  constructor(situation: Situation) {
    this.#in = situation;
    this.#now = situation.now;
    this.#deployment = situation.deployment;
    this.#before = situation.deployment.status;
    this.#sets = new Map(situation.sets.toSorted(byAge).map((set) => [set.metadata.uid, set]));
    this.#newest = findNewest(situation.deployment, situation.sets)?.metadata.uid;
  }

  plan(): DeploymentPlan {
    const { deletionTimestamp } = this.#deployment.metadata;
    if (deletionTimestamp === undefined) this.#notePause();
    this.#syncNewest();
    if (deletionTimestamp !== undefined) return this.#finish(false);
    if (this.#deployment.spec.paused === true || this.#isScaling()) {
      this.#scale();
      if (this.#deployment.spec.paused === true) this.#cleanUp();
      return this.#finish(false);
    }
    if (isRolling(this.#deployment)) this.#roll();
    else this.#recreate();
    return this.#finish(true);
  }

  get #newestSet(): ReplicaSet | undefined {
    return this.#created ?? (this.#newest === undefined ? undefined : this.#sets.get(this.#newest));
  }

  get #old(): ReplicaSet[] {
    return [...this.#sets.values()].filter((set) => set.metadata.uid !== this.#newest);
  }

  get #all(): ReplicaSet[] {
    const newest = this.#newestSet;
    return newest === undefined ? this.#old : [...this.#old, newest];
  }

  /** A pause must not count against the progress deadline; a timeout once reported stays. */
  #notePause(): void {
    if (!hasProgressDeadline(this.#deployment)) return;
    const current = findCondition(this.#before.conditions, "Progressing");
    if (current?.reason === "ProgressDeadlineExceeded") return;
    const paused = this.#deployment.spec.paused === true;
    const known = current?.reason === "DeploymentPaused";
    if (paused && !known) this.#say("Unknown", "DeploymentPaused", "Deployment is paused");
    if (!paused && known) this.#say("Unknown", "DeploymentResumed", "Deployment is resumed");
  }

  #say(status: string, reason: string, message: string): void {
    const next = condition("Progressing", status, reason, message, this.#now);
    this.#before = { ...this.#before, conditions: setCondition(this.#before.conditions, next) };
  }

  /** Gives the newest set its annotations and minReadySeconds. */
  #syncNewest(): void {
    const newest = this.#newestSet;
    if (newest === undefined) return;
    const annotations = newSetAnnotations(this.#deployment, newest.metadata.annotations ?? {}, this.#nextRevision());
    const { minReadySeconds: _, ...spec } = newest.spec;
    const seconds = this.#deployment.spec.minReadySeconds ?? 0;
    this.#put({
      ...newest,
      metadata: { ...newest.metadata, annotations },
      spec: seconds === 0 ? spec : { ...spec, minReadySeconds: seconds },
    });
    if (hasProgressDeadline(this.#deployment) && findCondition(this.#before.conditions, "Progressing") === undefined) {
      this.#say("True", "FoundNewReplicaSet", `Found new replica set ${quote(newest.metadata.name)}`);
    }
  }

  #nextRevision(): number {
    return maxRevision(this.#old) + 1;
  }

  #put(set: ReplicaSet): void {
    if (set.metadata.uid === "") this.#created = set;
    else this.#sets.set(set.metadata.uid, set);
  }

  #isScaling(): boolean {
    const desired = desiredReplicas(this.#deployment);
    return activeSets(this.#all).some((set) => {
      const known = countAnnotation(set, DESIRED_REPLICAS);
      return known !== undefined && known !== desired;
    });
  }

  #scale(): void {
    const only = activeOrLatest(this.#newestSet, this.#old);
    if (only !== undefined) {
      this.#resize({ set: only, to: desiredReplicas(this.#deployment) });
    } else if (isSaturated(this.#deployment, this.#newestSet)) {
      for (const set of activeSets(this.#old)) this.#resize({ set, to: 0 });
    } else if (isRolling(this.#deployment)) {
      for (const { set, to } of proportionalSizes(this.#deployment, this.#all)) this.#write(set, to);
    }
  }

  /** Changes the size; says whether it did. */
  #resize({ set, to }: Resize): boolean {
    if (desiredReplicas(set) === to) return false;
    this.#write(set, to);
    return true;
  }

  #write(set: ReplicaSet, replicas: number): void {
    const desired = desiredReplicas(this.#deployment);
    const annotations = withSizes(set.metadata.annotations ?? {}, desired, desired + maxSurge(this.#deployment));
    this.#put({ ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } });
  }

  #roll(): void {
    const newest = this.#newestSet ?? this.#create();
    const desired = desiredReplicas(this.#deployment);
    const current = desiredReplicas(newest);
    const to = current > desired ? desired : newSetSize(this.#deployment, this.#all, current);
    if (this.#resize({ set: newest, to })) return;
    const shrink = shrinkOldSets(this.#deployment, newest, this.#old);
    for (const resize of shrink) this.#resize(resize);
    if (shrink.length === 0 && isComplete(this.#deployment, this.#before)) this.#cleanUp();
  }

  #recreate(): void {
    const shrunk = activeSets(this.#old).filter((set) => this.#resize({ set, to: 0 }));
    if (shrunk.length > 0) return;
    const running = sum(this.#old, (set) => set.status.replicas) > 0 || this.#in.hasPodsBeside(this.#newest);
    if (running) return;
    const newest = this.#newestSet ?? this.#create();
    this.#resize({ set: newest, to: desiredReplicas(this.#deployment) });
    if (isComplete(this.#deployment, this.#before)) this.#cleanUp();
  }

  /** Deletes the oldest empty sets beyond the history limit. */
  #cleanUp(): void {
    const limit = this.#deployment.spec.revisionHistoryLimit;
    if (limit === undefined || limit === NO_LIMIT) return;
    const candidates = this.#old.filter((set) => set.metadata.deletionTimestamp === undefined).toSorted(byRevision);
    for (const set of candidates.slice(0, Math.max(0, candidates.length - limit))) {
      const seen = (set.status.observedGeneration ?? 0) >= (set.metadata.generation ?? 0);
      if (set.status.replicas === 0 && desiredReplicas(set) === 0 && seen) this.#deleted.push(set);
    }
  }

  #create(): ReplicaSet {
    const revision = this.#nextRevision();
    const draft = newReplicaSet(this.#deployment);
    const size = newSetSize(this.#deployment, this.#old, 0);
    const desired = desiredReplicas(this.#deployment);
    const annotations = withSizes(
      newSetAnnotations(this.#deployment, {}, revision),
      desired,
      desired + maxSurge(this.#deployment),
    );
    this.#created = {
      ...draft,
      metadata: { ...draft.metadata, annotations },
      spec: { ...draft.spec, replicas: size },
    };
    if (hasProgressDeadline(this.#deployment)) {
      this.#say("True", "NewReplicaSetCreated", `Created new replica set ${quote(draft.metadata.name)}`);
    }
    return this.#created;
  }

  #finish(rolling: boolean): DeploymentPlan {
    const make = rolling ? rolloutStatus : plainStatus;
    const status = make(this.#deployment, this.#before, this.#newestSet, this.#all, this.#now);
    const checkIn = rolling ? progressCheckIn(this.#deployment, status, this.#now) : undefined;
    const revision = this.#newestSet?.metadata.annotations?.[REVISION];
    const plan = { steps: this.#steps(), status, revision };
    return checkIn === undefined ? plan : { ...plan, checkIn };
  }

  #steps(): Step[] {
    const steps: Step[] = this.#created === undefined ? [] : [{ kind: "create", set: this.#created }];
    for (const before of this.#in.sets) {
      const set = this.#sets.get(before.metadata.uid);
      if (set === undefined || deepEqual(set, before)) continue;
      steps.push({ kind: "update", set, from: desiredReplicas(before), to: desiredReplicas(set) });
    }
    for (const set of this.#deleted) steps.push({ kind: "delete", set });
    return steps;
  }
}

/** A set for the Deployment's template, named by the template's hash so that creating it twice is noticed. No size yet. */
function newReplicaSet(deployment: Deployment): ReplicaSet {
  const { name, namespace } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = stableHash(template, deployment.status.collisionCount);
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  return {
    kind: "ReplicaSet",
    apiVersion: "apps/v1",
    metadata: {
      name: `${name.slice(0, MAX_NAME - 1 - hash.length)}-${hash}`,
      namespace,
      uid: "",
      resourceVersion: "",
      creationTimestamp: "",
      ownerReferences: [newControllerRef(deployment, ["apps", "v1", "Deployment"])],
      labels,
    },
    spec: {
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
    status: { replicas: 0 },
  };
}

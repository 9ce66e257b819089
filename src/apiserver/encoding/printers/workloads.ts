import type { appsv1, batchv1, corev1, policyv1 } from "../../../api/index.ts";
import {
  formatLabelSelector,
  getControllerOf,
  parseApiVersion,
  selectorFrom,
  tryParseTime,
} from "../../../machinery/index.ts";
import { age, type Cells, containerCells, formatLabels, humanDuration, since, yesNo } from "./words.ts";

/** `podtemplates`. */
export const podTemplateCells: Cells<corev1.PodTemplate> = ({ metadata, template }) => [
  metadata.name,
  ...containerCells(template.spec?.containers),
  formatLabels(template.metadata?.labels),
];

/** `replicationcontrollers`. */
export const replicationControllerCells: Cells<corev1.ReplicationController> = (rc, now) => [
  rc.metadata.name,
  rc.spec.replicas ?? 0,
  rc.status.replicas,
  rc.status.readyReplicas ?? 0,
  age(rc, now),
  ...containerCells(rc.spec.template?.spec?.containers),
  formatLabels(rc.spec.selector),
];

/** `replicasets.apps`. */
export const replicaSetCells: Cells<appsv1.ReplicaSet> = (rs, now) => [
  rs.metadata.name,
  rs.spec.replicas ?? 0,
  rs.status.replicas,
  rs.status.readyReplicas ?? 0,
  age(rs, now),
  ...containerCells(rs.spec.template?.spec?.containers),
  formatLabelSelector(rs.spec.selector),
];

/** `deployments.apps`. */
export const deploymentCells: Cells<appsv1.Deployment> = (d, now) => [
  d.metadata.name,
  `${d.status.readyReplicas ?? 0}/${d.spec.replicas ?? 0}`,
  d.status.updatedReplicas ?? 0,
  d.status.availableReplicas ?? 0,
  age(d, now),
  ...containerCells(d.spec.template.spec?.containers),
  selectorText(d.spec.selector),
];

function selectorText(selector: appsv1.Deployment["spec"]["selector"]): string {
  try {
    return selectorFrom(selector).toString();
  } catch {
    return "<invalid>";
  }
}

/** `statefulsets.apps`. */
export const statefulSetCells: Cells<appsv1.StatefulSet> = (s, now) => [
  s.metadata.name,
  `${s.status.readyReplicas ?? 0}/${s.spec.replicas ?? 0}`,
  age(s, now),
  ...containerCells(s.spec.template.spec?.containers),
];

/** `daemonsets.apps`. */
export const daemonSetCells: Cells<appsv1.DaemonSet> = (ds, now) => [
  ds.metadata.name,
  ds.status.desiredNumberScheduled,
  ds.status.currentNumberScheduled,
  ds.status.numberReady,
  ds.status.updatedNumberScheduled ?? 0,
  ds.status.numberAvailable ?? 0,
  formatLabels(ds.spec.template.spec?.nodeSelector),
  age(ds, now),
  ...containerCells(ds.spec.template.spec?.containers),
  formatLabelSelector(ds.spec.selector),
];

/** `controllerrevisions.apps`. */
export const controllerRevisionCells: Cells<appsv1.ControllerRevision> = (revision, now) => {
  const owner = getControllerOf(revision);
  const group = owner ? parseApiVersion(owner.apiVersion).group : "";
  const kind = owner && (group === "" ? owner.kind : `${owner.kind}.${group}`).toLowerCase();
  return [revision.metadata.name, owner ? `${kind}/${owner.name}` : "<none>", revision.revision, age(revision, now)];
};

/** What a Job's status column says, by the first of its conditions that is true. */
const JOB_WORDS: readonly (readonly [condition: string, word: string])[] = [
  ["Complete", "Complete"],
  ["Failed", "Failed"],
  ["", "Terminating"],
  ["Suspended", "Suspended"],
  ["FailureTarget", "FailureTarget"],
  ["SuccessCriteriaMet", "SuccessCriteriaMet"],
];

/** `jobs.batch`. */
export const jobCells: Cells<batchv1.Job> = (job, now) => {
  const { spec, status, metadata } = job;
  const holds = (condition: string): boolean =>
    condition === ""
      ? metadata.deletionTimestamp !== undefined
      : status.conditions?.find((c) => c.type === condition)?.status === "True";
  const start = tryParseTime(status.startTime);
  return [
    metadata.name,
    JOB_WORDS.find(([condition]) => holds(condition))?.[1] ?? "Running",
    completions(job),
    start === undefined ? "" : humanDuration((tryParseTime(status.completionTime) ?? now) - start),
    age(job, now),
    ...containerCells(spec.template.spec?.containers),
    formatLabelSelector(spec.selector),
  ];
};

function completions({ spec, status }: batchv1.Job): string {
  const done = status.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  return (spec.parallelism ?? 0) > 1 ? `${done}/1 of ${spec.parallelism}` : `${done}/1`;
}

/** `cronjobs.batch`. */
export const cronJobCells: Cells<batchv1.CronJob> = (cron, now) => [
  cron.metadata.name,
  cron.spec.schedule,
  cron.spec.timeZone ?? "<none>",
  yesNo(cron.spec.suspend),
  cron.status.active?.length ?? 0,
  cron.status.lastScheduleTime === undefined ? "<none>" : since(cron.status.lastScheduleTime, now),
  age(cron, now),
  ...containerCells(cron.spec.jobTemplate.spec?.template.spec?.containers),
  formatLabelSelector(cron.spec.jobTemplate.spec?.selector),
];

/** `poddisruptionbudgets.policy`. */
export const podDisruptionBudgetCells: Cells<policyv1.PodDisruptionBudget> = (pdb, now) => [
  pdb.metadata.name,
  String(pdb.spec.minAvailable ?? "N/A"),
  String(pdb.spec.maxUnavailable ?? "N/A"),
  pdb.status.disruptionsAllowed,
  age(pdb, now),
];

import type { corev1 } from "../../api/index.ts";
import type { Container, Pod } from "../pod/containers.ts";
import { type Observation, latest } from "../observe/model.ts";

/** Whether a container that ended with `exitCode` is to be started again by what it and its pod say. */
export function restartsAfterExit(container: Container, spec: corev1.PodSpec, exitCode: number): boolean {
  for (const rule of container.restartPolicyRules ?? []) {
    const { exitCodes } = rule;
    if (!exitCodes) continue;
    const listed = (exitCodes.values ?? []).includes(exitCode);
    const matches = exitCodes.operator === "NotIn" ? !listed : listed;
    if (matches && rule.action === "Restart") return true;
  }
  const policy = container.restartPolicy ?? spec.restartPolicy ?? "Always";
  if (policy === "Never") return false;
  return policy === "OnFailure" ? exitCode !== 0 : true;
}

/** Whether a container that does not run is to be started. A pod that is being deleted starts nothing any more. */
export function shouldStart(container: Container, pod: Pod, observation: Observation): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  const status = latest(observation, container.name);
  if (!status) return true;
  if (status.state === "running") return false;
  if (status.state !== "exited") return true;
  return restartsAfterExit(container, pod.spec, status.exitCode);
}

import { type Pod } from "../pod/containers.ts";
import { podResources, qosClassOf } from "../pod/resources.ts";
import type { Services } from "./services.ts";

/** `/kubepods/[burstable/|besteffort/]podUID`: where a pod's control group stands; empty without control groups. */
export function podCgroup(pod: Pod, { cgroups, node }: Pick<Services, "cgroups" | "node">): string {
  if (!cgroups) return "";
  const qos = pod.status.qosClass ?? qosClassOf(pod);
  const level = qos === "Guaranteed" ? "" : `/${qos.toLowerCase()}`;
  return `${node.cgroupRoot}${level}/pod${pod.metadata.uid}`;
}

/** Makes the pod's control group with its limits and gives its path. */
export function ensurePodCgroup(pod: Pod, services: Pick<Services, "cgroups" | "node">): string {
  const path = podCgroup(pod, services);
  if (services.cgroups) {
    services.cgroups.apply(path, { ...podResources(pod), pidsLimit: services.node.podPidsLimit });
  }
  return path;
}

const MIN_SHARES = 2;

/** Makes the groups above the pods'; best-effort pods together weigh next to nothing. */
export function ensureQosCgroups({ cgroups, node }: Pick<Services, "cgroups" | "node">): void {
  cgroups?.apply(node.cgroupRoot, {});
  cgroups?.apply(`${node.cgroupRoot}/burstable`, {});
  cgroups?.apply(`${node.cgroupRoot}/besteffort`, { cpuShares: MIN_SHARES });
}

/** Removes a pod's control groups, wherever its class put them. False when processes are left in one. */
export function removePodCgroups(uid: string, { cgroups, node }: Pick<Services, "cgroups" | "node">): boolean {
  if (!cgroups) return true;
  const levels = ["", "/burstable", "/besteffort"];
  return levels.map((level) => cgroups.remove(`${node.cgroupRoot}${level}/pod${uid}`)).every(Boolean);
}

/** The pods that have a control group. */
export function podsWithCgroups({ cgroups, node }: Pick<Services, "cgroups" | "node">): string[] {
  const levels = ["", "/burstable", "/besteffort"];
  const names = levels.flatMap((level) => cgroups?.children(`${node.cgroupRoot}${level}`) ?? []);
  return names.flatMap((name) => (name.startsWith("pod") ? [name.slice(3)] : []));
}

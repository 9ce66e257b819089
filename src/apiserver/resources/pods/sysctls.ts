import type { corev1 } from "../../../api/index.ts";
import { duplicate, invalidValue, required } from "../../../machinery/index.ts";
import type { Errors } from "../common/errors.ts";
import type { PodRules } from "./rules.ts";

const SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const NAME = `^(${SEGMENT}[\\./])*${SEGMENT}$`;
const NAME_REGEX = new RegExp(NAME);
const IPC = ["kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced", "kernel.msgmax"];
const IPC_MORE = ["kernel.msgmnb", "kernel.msgmni", "kernel.sem"];

/** Kernel parameters that a pod asks for. */
export function validateSysctls(errors: Errors, path: string, spec: corev1.PodSpec, rules: PodRules): void {
  const seen = new Set<string>();
  for (const [i, { name }] of (spec.securityContext?.sysctls ?? []).entries()) {
    const at = `${path}[${i}].name`;
    if (name === "") errors.push(required(at));
    else if (name.length > 253 || !NAME_REGEX.test(name)) {
      errors.push(invalidValue(at, name, `must have at most 253 characters and match regex ${NAME}`));
    } else if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    const problem = rules.allowHostSysctls ? undefined : hostSysctlProblem(name, spec);
    if (problem) errors.push(invalidValue(at, name, problem));
  }
}

/** Why a parameter may not be set: the pod shares the namespace it belongs to with the host. */
export function hostSysctlProblem(name: string, spec: corev1.PodSpec): string | undefined {
  const dotted = name.includes("/") && name.indexOf("/") < (name.indexOf(".") + 1 || Infinity) ? swap(name) : name;
  const namespace = dotted.startsWith("net.")
    ? "net"
    : dotted.startsWith("fs.mqueue.") || IPC.includes(dotted) || IPC_MORE.includes(dotted)
      ? "ipc"
      : "";
  if (spec.hostNetwork && namespace === "net") return "may not be specified when 'hostNetwork' is true";
  return spec.hostIPC && namespace === "ipc" ? "may not be specified when 'hostIPC' is true" : undefined;
}

/** A name written with slashes: its dots and slashes change places. */
function swap(name: string): string {
  return name.replace(/[./]/g, (c) => (c === "." ? "/" : "."));
}

import {
  appArmorProfile,
  baselineCapabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbes,
  privileged,
  procMount,
  seccompAnnotations,
  seccompProfile,
  seLinuxOptions,
  sysctls,
  windowsHostProcess,
} from "./baseline.ts";
import { type Check, type Complaint, exceptInUserNamespace, exceptOnWindows, type Subject } from "./checks.ts";
import type { Standard } from "./levels.ts";
import {
  allowPrivilegeEscalation,
  restrictedCapabilities,
  restrictedSeccomp,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
} from "./restricted.ts";

/** Versions of a rule, oldest first, from a minor version on. */
type Versions = readonly (readonly [since: number, check: Check])[];

interface Rule {
  readonly versions: Versions;
  /** The baseline rule that this one replaces, in versions that have it. */
  readonly replaces?: string;
}

/** In the order in which complaints are listed. */
const BASELINE: Readonly<Record<string, Rule>> = {
  appArmorProfile: { versions: [[0, appArmorProfile]] },
  capabilities_baseline: { versions: [[0, baselineCapabilities]] },
  hostNamespaces: { versions: [[0, hostNamespaces]] },
  hostPathVolumes: { versions: [[0, hostPathVolumes]] },
  hostPorts: { versions: [[0, hostPorts]] },
  hostProbesAndHostLifecycle: { versions: [[34, hostProbes]] },
  privileged: { versions: [[0, privileged]] },
  procMount: {
    versions: [
      [0, procMount],
      [35, exceptInUserNamespace(procMount)],
    ],
  },
  seLinuxOptions: {
    versions: [
      [0, seLinuxOptions()],
      [31, seLinuxOptions("container_engine_t")],
    ],
  },
  seccompProfile_baseline: {
    versions: [
      [0, seccompAnnotations],
      [19, seccompProfile],
    ],
  },
  sysctls: { versions: [0, 27, 29, 32].map((minor) => [minor, sysctls(minor)] as const) },
  windowsHostProcess: { versions: [[0, windowsHostProcess]] },
};

const RESTRICTED: readonly Rule[] = [
  {
    versions: [
      [8, allowPrivilegeEscalation],
      [25, exceptOnWindows(allowPrivilegeEscalation)],
    ],
  },
  {
    versions: [
      [22, restrictedCapabilities],
      [25, exceptOnWindows(restrictedCapabilities)],
    ],
    replaces: "capabilities_baseline",
  },
  { versions: [[35, procMount]], replaces: "procMount" },
  { versions: [[0, restrictedVolumes]], replaces: "hostPathVolumes" },
  {
    versions: [
      [0, runAsNonRoot],
      [35, exceptInUserNamespace(runAsNonRoot)],
    ],
  },
  {
    versions: [
      [23, runAsUser],
      [35, exceptInUserNamespace(runAsUser)],
    ],
  },
  {
    versions: [
      [19, restrictedSeccomp],
      [25, exceptOnWindows(restrictedSeccomp)],
    ],
    replaces: "seccompProfile_baseline",
  },
];

/** Says what a pod breaks of a standard; nothing: it may run. */
export type Evaluator = (standard: Standard, subject: Subject) => Complaint[];

/** Standards are put together when first asked for, and kept. */
export function createEvaluator(): Evaluator {
  const known = new Map<string, Check[]>();
  return (standard, subject) => {
    // Nothing changed after the last change, so that there are only so many standards, whatever labels say.
    const minor = Math.min(standard.minor, LAST_CHANGE);
    const key = `${standard.level} ${minor}`;
    const checks = known.get(key) ?? checksOf({ level: standard.level, minor });
    known.set(key, checks);
    return checks.flatMap((check) => check(subject) ?? []);
  };
}

/** `privileged (container "c" must not …), hostPort (…)` */
export function describeComplaints(complaints: readonly Complaint[]): string {
  return complaints.map(({ reason, detail }) => (detail === "" ? reason : `${reason} (${detail})`)).join(", ");
}

const LAST_CHANGE = Math.max(
  ...[...Object.values(BASELINE), ...RESTRICTED].flatMap(({ versions }) => versions.map(([since]) => since)),
);

function checksOf({ level, minor }: Standard): Check[] {
  if (level === "privileged") return [];
  const restricted = level === "restricted" ? RESTRICTED.flatMap((rule) => asOf(rule, minor) ?? []) : [];
  const replaced = new Set(restricted.map(({ rule }) => rule.replaces));
  const baseline = Object.entries(BASELINE)
    .filter(([id]) => !replaced.has(id))
    .flatMap(([, rule]) => asOf(rule, minor) ?? []);
  return [...baseline, ...restricted].map(({ check }) => check);
}

function asOf(rule: Rule, minor: number): { readonly rule: Rule; readonly check: Check } | undefined {
  const check = rule.versions.findLast(([since]) => since <= minor)?.[1];
  return check && { rule, check };
}

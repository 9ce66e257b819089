import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CliError, usageError } from "../cli/errors.ts";
import type { ClusterPaths } from "./paths.ts";

/** Everything that is decided once, when a cluster is made, and kept in its `cluster.json`. */
export interface ClusterSpec {
  readonly apiVersion: "k8ts.dev/v1";
  readonly kind: "Cluster";
  readonly name: string;
  /** `real`: containerd and containers on this machine. `simulated`: the control plane and simulated nodes only. */
  readonly node: "real" | "simulated";
  readonly nodeName: string;
  readonly simulatedNodes: number;
  readonly apiPort: number;
  readonly apiAddress: string;
  readonly kubeletPort: number;
  readonly dnsPort: number;
  /** Pods' addresses; every node gets a /24 of it. */
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  /** A kubeconfig other than the user's own to merge the context into. */
  readonly kubeconfig?: string;
}

/** What a configuration file (`--config`) and the flags may say; the rest is decided by `up`. */
export type ClusterOptions = Partial<Omit<ClusterSpec, "apiVersion" | "kind">>;

type Check = (value: unknown) => string | undefined;

const port: Check = (v) =>
  Number.isInteger(v) && Number(v) > 0 && Number(v) < 65536 ? undefined : "a port from 1 to 65535";
const ADDRESS = /^(\d{1,3}\.){3}\d{1,3}$/;
const address: Check = (v) =>
  typeof v === "string" && ADDRESS.test(v) && v.split(".").every((n) => Number(n) < 256)
    ? undefined
    : "an IPv4 address such as 127.0.0.1";
const text: Check = (v) => (typeof v === "string" && v !== "" ? undefined : "a non-empty string");
const cidr: Check = (v) =>
  typeof v === "string" &&
  /^(\d{1,3}\.){3}\d{1,3}\/([89]|1\d|2[0-4])$/.test(v) &&
  v.split(/[./]/).every((n) => Number(n) < 256)
    ? undefined
    : "an IPv4 range such as 10.244.0.0/16";
const dnsName: Check = (v) =>
  typeof v === "string" && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(v)
    ? undefined
    : "a DNS name";

const FIELDS: Readonly<Record<keyof ClusterOptions, Check>> = {
  name: dnsName,
  node: (v) => (v === "real" || v === "simulated" ? undefined : '"real" or "simulated"'),
  nodeName: dnsName,
  simulatedNodes: (v) =>
    Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 10_000 ? undefined : "a number from 0 to 10000",
  apiPort: port,
  apiAddress: address,
  kubeletPort: port,
  dnsPort: port,
  podCidr: cidr,
  serviceCidr: cidr,
  clusterDomain: dnsName,
  kubeconfig: text,
};

/** Checks options field by field. `source` names where they come from in the error, such as `cluster.yaml`. */
export function checkOptions(value: unknown, source: string): ClusterOptions {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usageError(
      `${source} does not hold an object`,
      "see docs/configuration.md for what a Cluster file looks like",
    );
  }
  const { apiVersion, kind, ...rest } = value as Record<string, unknown>;
  if (apiVersion !== "k8ts.dev/v1" || kind !== "Cluster") {
    throw usageError(
      `${source} is ${JSON.stringify(kind ?? null)} of ${JSON.stringify(apiVersion ?? null)}, not a cluster configuration`,
      "it must begin with `apiVersion: k8ts.dev/v1` and `kind: Cluster`",
    );
  }
  for (const [field, given] of Object.entries(rest)) {
    const check = Object.hasOwn(FIELDS, field) ? FIELDS[field as keyof ClusterOptions] : undefined;
    if (!check)
      throw usageError(
        `${source}: unknown field ${JSON.stringify(field)}`,
        `known fields: ${Object.keys(FIELDS).join(", ")}`,
      );
    const expected = check(given);
    if (expected) throw usageError(`${source}: ${field} is ${JSON.stringify(given)}, expected ${expected}`);
  }
  return rest as ClusterOptions;
}

const OPTIONAL: readonly string[] = ["kubeconfig"];

/** Reads what an earlier `up` decided; undefined when there is no such cluster. Throws when the file is damaged. */
export function readSpec(paths: ClusterPaths): ClusterSpec | undefined {
  if (!existsSync(paths.spec)) return undefined;
  const damaged = (what: string, cause?: unknown): CliError =>
    new CliError(`cannot use ${paths.spec}: ${what}`, {
      hint: `restore the file, or remove the cluster with: k8ts delete --name ${paths.name} --purge`,
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(paths.spec, "utf8"));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw damaged("it is not valid JSON", cause);
  }
  try {
    const options = checkOptions(value, "it");
    const missing = Object.keys(FIELDS).find((field) => !OPTIONAL.includes(field) && !Object.hasOwn(options, field));
    if (missing) throw usageError(`it lacks ${missing}`);
    if (options.name !== paths.name) throw usageError(`it is of a cluster named ${JSON.stringify(options.name)}`);
  } catch (cause) {
    throw damaged((cause as Error).message, cause);
  }
  return value as ClusterSpec;
}

/** Writes a spec so that a crash leaves the old file or the new one. */
export function writeSpec(paths: ClusterPaths, spec: ClusterSpec): void {
  mkdirSync(dirname(paths.spec), { recursive: true, mode: 0o700 });
  const temporary = `${paths.spec}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(spec, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, paths.spec);
}

import type { PathHandler } from "../chain/chain.ts";

/** What this server says it is: the Kubernetes version whose API it serves, and that it is k8ts. */
export const GIT_VERSION = "v1.35.2+k8ts";

const INFO = {
  major: "1",
  minor: "35",
  emulationMajor: "1",
  emulationMinor: "35",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "34",
  gitVersion: GIT_VERSION,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "2026-01-01T00:00:00Z",
  goVersion: "none",
  compiler: "node",
  platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
};

/** `/version`. */
export const versionHandler: PathHandler = ({ info }) =>
  info.path === "/version" || info.path === "/version/" ? { type: "object", status: 200, object: INFO } : undefined;

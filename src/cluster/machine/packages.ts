import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { CliError } from "../cli/errors.ts";
import type { Progress } from "../cli/output.ts";

/** A program a real node cannot do without. */
interface Requirement {
  /** The Debian and Ubuntu package. */
  readonly package: string;
  /** Found when one of these is an executable on the PATH, or an absolute path that exists. */
  readonly anyOf: readonly string[];
  readonly why: string;
}

const REQUIREMENTS: readonly Requirement[] = [
  { package: "containerd", anyOf: ["containerd"], why: "runs the containers" },
  { package: "runc", anyOf: ["runc"], why: "starts each container's process" },
  {
    package: "containernetworking-plugins",
    anyOf: ["/usr/lib/cni/bridge", "/opt/cni/bin/bridge"],
    why: "gives pods their network",
  },
  { package: "nftables", anyOf: ["nft"], why: "routes Services to pods" },
  { package: "iproute2", anyOf: ["ip"], why: "sets up links and routes" },
  { package: "conntrack", anyOf: ["conntrack"], why: "drops stale UDP flows of Services" },
  { package: "busybox-static", anyOf: ["/bin/busybox", "/usr/bin/busybox"], why: "is the content of the demo image" },
];

/** What is missing on this machine for a real node. */
function missingPackages(env: NodeJS.ProcessEnv = process.env): { package: string; why: string }[] {
  const path = `${env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/local/sbin`;
  return REQUIREMENTS.filter((need) => !need.anyOf.some((program) => isThere(program, path)));
}

function isThere(program: string, path: string): boolean {
  if (program.startsWith("/")) return existsSync(program);
  return path.split(delimiter).some((dir) => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether this is a Debian or a descendant, where apt-get can be asked. */
function hasApt(): boolean {
  try {
    return (
      /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync("/etc/os-release", "utf8")) && existsSync("/usr/bin/apt-get")
    );
  } catch {
    return false;
  }
}

/** Makes sure that a real node finds all programs it needs; installs what is missing when it may and can, else says what to do. */
export async function ensurePackages(install: boolean, progress: Progress): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const names = missing.map((m) => m.package);
  const list = missing.map((m) => `${m.package} (${m.why})`).join(", ");
  if (!install || !hasApt()) {
    const reason = install ? "this is neither Debian nor Ubuntu" : "--no-install was given";
    throw new CliError(`a real node needs packages that are missing: ${list}`, {
      hint: `${reason}: install ${names.join(" ")} with your package manager, or use --simulated`,
    });
  }
  progress.note(`installing ${list}`);
  const output: string[] = [];
  try {
    await installPackages(names, (line) => output.push(line));
  } catch (error) {
    for (const line of output.slice(-15)) progress.note(line);
    throw error;
  }
  progress.step(`installed ${names.join(", ")}`);
}

/** Installs packages with apt-get, asking for a fresh list once when the first try fails. `output` gets what apt prints. */
async function installPackages(names: readonly string[], output: (line: string) => void): Promise<void> {
  const install = ["install", "-y", "--no-install-recommends", ...names];
  if ((await aptGet(install, output)) === 0) return;
  await aptGet(["update"], output);
  const code = await aptGet(install, output);
  if (code !== 0) {
    throw new CliError(`apt-get could not install ${names.join(", ")} (exit code ${code})`, {
      hint: `install them by hand and run the command again, or use --simulated for a cluster without containers`,
    });
  }
}

function aptGet(args: readonly string[], output: (line: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn("apt-get", args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => chunk.toString().split("\n").filter(Boolean).forEach(output));
    }
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

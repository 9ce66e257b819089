import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

/**
 * Runs the official conformance suite against a cluster and keeps the outcome of every spec in docs/conformance.md:
 *
 *   npm run conformance -- --suite PATH/e2e.test [--kubeconfig FILE] [--focus REGEXP] [--skip REGEXP] [--procs 4]
 *
 * `PATH/e2e.test` is the suite's own binary, from outside the project; with `ginkgo` beside it specs run in parallel. Specs that
 * were not selected keep the outcome of an earlier run.
 */
const { values: flags } = parseArgs({
  options: {
    suite: { type: "string" },
    kubeconfig: {
      type: "string",
      default: process.env["KUBECONFIG"] ?? join(process.env["HOME"] ?? "", ".kube/config"),
    },
    focus: { type: "string", default: "\\[Conformance\\]" },
    skip: { type: "string", default: "" },
    procs: { type: "string", default: "4" },
    timeout: { type: "string", default: "2h" },
  },
});

interface SpecReport {
  ContainerHierarchyTexts: string[] | null;
  LeafNodeText: string;
  LeafNodeType: string;
  State: "passed" | "failed" | "skipped" | "pending" | "timedout" | "panicked" | "interrupted" | "aborted";
  RunTime: number;
  Failure?: { Message: string };
}

interface Outcome {
  readonly name: string;
  readonly state: string;
  readonly seconds: number;
  readonly message?: string;
}

const DOCUMENT = join(import.meta.dirname, "../docs/conformance.md");
const ROW = /^\| (\w+) \| ([\d.]+) \| (.+) \|$/;

if (!flags.suite || !existsSync(flags.suite)) {
  console.error(
    "conformance: --suite must name the suite's binary (e2e.test of the Kubernetes version to be judged by)",
  );
  process.exit(2);
}
const outcomes = await runSuite(flags.suite);
const failed = outcomes.filter((o) => o.state !== "passed");
for (const { name, message } of failed)
  console.error(`FAILED ${name}\n  ${message?.split("\n").slice(0, 3).join("\n  ") ?? ""}`);
writeDocument(outcomes);
console.log(`${outcomes.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

async function runSuite(suite: string): Promise<Outcome[]> {
  const dir = mkdtempSync(join(tmpdir(), "k8ts-conformance-"));
  const report = join(dir, "report.json");
  const ginkgo = join(dirname(suite), "ginkgo");
  const selection = [
    `--focus=${flags.focus}`,
    ...(flags.skip ? [`--skip=${flags.skip}`] : []),
    "--no-color",
    `--timeout=${flags.timeout}`,
  ];
  const own = ["--kubeconfig", flags.kubeconfig, "--provider=skeleton", "--disable-log-dump", `--report-dir=${dir}`];
  const parallel = existsSync(ginkgo) && flags.procs !== "1";
  const [command, args] = parallel
    ? [
        ginkgo,
        [
          `--procs=${flags.procs}`,
          ...selection,
          "--json-report=report.json",
          `--output-dir=${dir}`,
          suite,
          "--",
          ...own,
        ],
      ]
    : [suite, [...selection.map((s) => s.replace("--", "--ginkgo.")), `--ginkgo.json-report=${report}`, ...own]];
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("close", () => resolve());
  });
  const suites = JSON.parse(readFileSync(report, "utf8")) as { SpecReports: SpecReport[] | null }[];
  rmSync(dir, { recursive: true });
  const specs = suites.flatMap((s) => s.SpecReports ?? []);
  return specs.filter((s) => s.LeafNodeType === "It" && s.State !== "skipped" && s.State !== "pending").map(outcomeOf);
}

function outcomeOf(spec: SpecReport): Outcome {
  const name = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(" ");
  return {
    name,
    state: spec.State,
    seconds: spec.RunTime / 1e9,
    ...(spec.Failure && { message: spec.Failure.Message }),
  };
}

/** Merges with the outcomes that stand in the document, and writes it anew, sorted by name. */
function writeDocument(fresh: readonly Outcome[]): void {
  const all = new Map<string, Outcome>();
  for (const line of existsSync(DOCUMENT) ? readFileSync(DOCUMENT, "utf8").split("\n") : []) {
    const [, state, seconds, name] = ROW.exec(line) ?? [];
    if (state && seconds && name) all.set(name, { name, state, seconds: Number(seconds) });
  }
  for (const outcome of fresh) all.set(outcome.name, outcome);
  const rows = [...all.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const passed = rows.filter((r) => r.state === "passed").length;
  const text = [
    "# Conformance",
    "",
    "Made by `npm run conformance -- --suite PATH/e2e.test` (the suite of Kubernetes v1.35) against a cluster of ours; specs that were not part of",
    "the last run keep their earlier outcome.",
    "",
    `${passed} of ${rows.length} specs that were run passed; the suite has 441.`,
    "",
    "| state | seconds | spec |",
    "|---|--:|---|",
    ...rows.map((r) => `| ${r.state} | ${r.seconds.toFixed(1)} | ${r.name} |`),
    "",
  ];
  writeFileSync(DOCUMENT, text.join("\n"));
}

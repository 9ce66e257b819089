import { Command, CommanderError, InvalidArgumentError } from "commander";
import { EXIT, usageError } from "./errors.ts";
import type { BuildOptions } from "./image.ts";
import type { StopFlags } from "./stop.ts";
import type { UpFlags } from "./up.ts";
import { VERSION } from "./version.ts";

const DEFAULT_NAME = "local";

type Exit = (code: number) => void;
type Named<T> = T & { name?: string };

/** Parses a command line, runs what it asks for and returns the exit code. Usage errors are printed; others are thrown. */
export async function runCommand(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  try {
    await createProgram((code) => (exitCode = code)).parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
}

/** Declares every command. What a command does is loaded only when it runs. */
function createProgram(exit: Exit): Command {
  const program = new Command("k8ts")
    .description("Kubernetes v1.35 in TypeScript: a real cluster with one command")
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "k8ts: ")) })
    .showHelpAfterError("      k8ts --help lists the commands")
    .version(VERSION, "--version");
  addLifecycle(program);
  addInspection(program, exit);
  addImages(program);
  return program;
}

/** A subcommand with the `--name` that all share. */
function clusterCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument("[cluster]", `the cluster's name (default: ${DEFAULT_NAME})`)
    .option("-n, --name <name>", "the cluster's name");
}

/** The name given as `--name` or as an argument; undefined when neither is. */
function givenName(argument: string | undefined, { name }: { name?: string }): string | undefined {
  if (argument !== undefined && name !== undefined && argument !== name) {
    throw usageError(
      `${JSON.stringify(argument)} and --name ${JSON.stringify(name)} are two clusters`,
      "give one name",
    );
  }
  return name ?? argument;
}

function nameOf(argument: string | undefined, options: { name?: string }): string {
  return givenName(argument, options) ?? DEFAULT_NAME;
}

function number(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError("expected a number.");
  return Number(value);
}

const OUTPUT = ["-o, --output <format>", "json for scripts"] as const;
const WAIT = ["--wait <seconds>", "how long to wait until the cluster is ready (default: 120)", number] as const;

function addLifecycle(program: Command): void {
  clusterCommand(
    program,
    "up",
    "create the cluster if there is none, start it, wait until it is ready, and make it kubectl's current context",
  )
    .option("--config <file>", "a YAML file of kind Cluster (see docs/configuration.md)")
    .option("--simulated", "no containers: the control plane and simulated nodes, which needs no root")
    .option("--simulated-nodes <count>", "how many simulated nodes to add", number)
    .option("--api-port <port>", "port of the API server (default: 6443, or a free one)", number)
    .option("--no-install", "do not install missing packages: list them and stop")
    .option("--kubeconfig <file>", "merge the context into this file instead of $KUBECONFIG or ~/.kube/config")
    .option(...WAIT)
    .option(...OUTPUT)
    .action(async (name: string | undefined, options: Named<UpFlags>) => {
      const { up } = await import("./up.ts");
      await up(givenName(name, options), options);
    });
  clusterCommand(program, "start", "start a stopped cluster again")
    .option(...WAIT)
    .option(...OUTPUT)
    .action(async (name: string | undefined, options: Named<UpFlags>) => {
      const { start } = await import("./up.ts");
      await start(nameOf(name, options), options);
    });
  addStopping(program);
}

function addStopping(program: Command): void {
  const purge = ["--purge", "leave nothing: what clusters share goes too, with the last of them"] as const;
  const stopping = (name: string, options: Named<StopFlags>): Promise<void> =>
    import("./stop.ts").then(({ stop }) => stop(name, options));
  const removing = (name: string, options: Named<StopFlags>): Promise<void> =>
    import("./stop.ts").then(({ remove }) => remove(name, options));
  clusterCommand(program, "stop", "stop the cluster with all its containers; its state is kept")
    .option(...OUTPUT)
    .action((name: string | undefined, options: Named<StopFlags>) => stopping(nameOf(name, options), options));
  clusterCommand(program, "down", "the same as stop; with --purge the same as delete --purge")
    .option(...purge)
    .option(...OUTPUT)
    .action((name: string | undefined, options: Named<StopFlags>) =>
      (options.purge ? removing : stopping)(nameOf(name, options), options),
    );
  clusterCommand(program, "delete", "stop the cluster and remove it with its kubeconfig context")
    .option(...purge)
    .option(...OUTPUT)
    .action((name: string | undefined, options: Named<StopFlags>) => removing(nameOf(name, options), options));
}

function addInspection(program: Command, exit: Exit): void {
  clusterCommand(program, "status", "say whether the cluster runs, and where; exit code 3 when it does not")
    .option(...OUTPUT)
    .action(async (name: string | undefined, options: Named<{ output?: string }>) => {
      const { status } = await import("./status.ts");
      exit(await status(nameOf(name, options), options));
    });
  program
    .command("list")
    .alias("ls")
    .description("list all clusters of this user")
    .option(...OUTPUT)
    .action(async (options: { output?: string }) => {
      const { list } = await import("./status.ts");
      await list(options);
    });
  clusterCommand(program, "logs", "print what the cluster's own components log")
    .option("-f, --follow", "go on as it grows")
    .option("--tail <lines>", "only the last lines", number)
    .action(async (name: string | undefined, options: Named<{ follow?: boolean; tail?: number }>) => {
      const { logs } = await import("./logs.ts");
      await logs(nameOf(name, options), options);
    });
  clusterCommand(program, "kubeconfig", "print the administrator's kubeconfig")
    .option("--merge", "merge it into $KUBECONFIG or ~/.kube/config and make it current instead of printing it")
    .option(...OUTPUT)
    .action(async (name: string | undefined, options: Named<{ merge?: boolean; output?: string }>) => {
      const { kubeconfig } = await import("./status.ts");
      await kubeconfig(nameOf(name, options), options);
    });
}

function addImages(program: Command): void {
  const image = program
    .command("image")
    .description("make, import, list and remove container images of a cluster, without Docker");
  const named = (name: string, description: string): Command =>
    image
      .command(name)
      .description(description)
      .option("-n, --name <name>", "the cluster's name", DEFAULT_NAME)
      .option(...OUTPUT);
  named("build <source>", "make an image whose root is a directory or a tar")
    .requiredOption("-t, --tag <image>", "the image's name, such as example.com/app:1")
    .option("--entrypoint <argument...>", "what runs when the pod gives no command")
    .option("--env <name=value...>", "environment variables")
    .option("--workdir <path>", "working directory")
    .action(async (source: string, options: BuildOptions) => {
      const { buildImage } = await import("./image.ts");
      await buildImage(source, options);
    });
  named(
    "load <source>",
    "import a tar (OCI or Docker archive), an OCI layout, or an image of the local Docker or Podman",
  )
    .option("-t, --tag <image>", "the image's name, when the source does not say")
    .action(async (source: string, options: { name: string; tag?: string; output?: string }) => {
      const { loadImage } = await import("./image.ts");
      await loadImage(source, options);
    });
  named("list", "list the cluster's images")
    .alias("ls")
    .action(async (options: { name: string; output?: string }) => {
      const { listImages } = await import("./image.ts");
      await listImages(options);
    });
  named("rm <image>", "remove an image").action(
    async (reference: string, options: { name: string; output?: string }) => {
      const { removeImage } = await import("./image.ts");
      await removeImage(reference, options);
    },
  );
}

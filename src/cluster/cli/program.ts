import { Command, CommanderError, InvalidArgumentError } from "commander";
import { CliError, EXIT } from "./errors.ts";
import type { BuildOptions } from "./image.ts";
import { printError } from "./output.ts";
import type { UpFlags } from "./up.ts";

const DEFAULT_NAME = "local";

type NamedFlags<T> = T & { name?: string };

/** Runs one `k8ts` command line and returns its exit code. Never throws, never prints a stack trace. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = createProgram((code) => (exitCode = code));
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof CliError) {
      printError(error.message, error.hint);
      return error.exitCode;
    }
    printError(describe(error));
    return EXIT.failed;
  }
}

function describe(error: unknown): string {
  if (process.env["K8TS_DEBUG"] && error instanceof Error) return error.stack ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Declares every command. What a command does is loaded only when it runs. */
function createProgram(exit: (code: number) => void): Command {
  const program = new Command("k8ts")
    .description("Kubernetes v1.35 in TypeScript: a real cluster with one command")
    .exitOverride()
    .showHelpAfterError("(k8ts --help lists the commands)")
    .version("k8ts 0.1.0 (Kubernetes v1.35.2)", "--version");
  addLifecycle(program, exit);
  addInspection(program, exit);
  addImages(program);
  addServer(program);
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

/** The name given as `--name`, as an argument, or the default. */
function nameOf(argument: string | undefined, options: { name?: string }): string {
  return options.name ?? argument ?? DEFAULT_NAME;
}

function number(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError("expected a number.");
  return Number(value);
}

function addLifecycle(program: Command, exit: (code: number) => void): void {
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
    .option("--wait <seconds>", "how long to wait until the cluster is ready", number, 120)
    .option("-o, --output <format>", "json for scripts")
    .action(async (name: string | undefined, options: NamedFlags<UpFlags>) => {
      const { up } = await import("./up.ts");
      exit(await up(nameOf(name, options), options));
    });
  clusterCommand(program, "start", "start a stopped cluster again")
    .option("--wait <seconds>", "how long to wait until the cluster is ready", number, 120)
    .option("-o, --output <format>", "json for scripts")
    .action(async (name: string | undefined, options: NamedFlags<UpFlags>) => {
      const { start } = await import("./up.ts");
      exit(await start(nameOf(name, options), options));
    });
  for (const verb of ["stop", "down"] as const) {
    const command = clusterCommand(program, verb, "stop the cluster with all its containers; its state is kept");
    if (verb === "down") command.option("--purge", "remove the cluster and everything it left on the machine");
    command.action(async (name: string | undefined, options: { name?: string; purge?: boolean }) => {
      const { stop, remove } = await import("./stop.ts");
      exit(await (options.purge ? remove(nameOf(name, options), { purge: true }) : stop(nameOf(name, options))));
    });
  }
  clusterCommand(program, "delete", "stop the cluster and remove it with its kubeconfig context")
    .option("--purge", "leave nothing: logs and image caches too")
    .action(async (name: string | undefined, options: { name?: string; purge?: boolean }) => {
      const { remove } = await import("./stop.ts");
      exit(await remove(nameOf(name, options), options));
    });
}

function addInspection(program: Command, exit: (code: number) => void): void {
  clusterCommand(program, "status", "say whether the cluster runs, and where; exit code 3 when it does not")
    .option("-o, --output <format>", "json for scripts")
    .action(async (name: string | undefined, options: { name?: string; output?: string }) => {
      const { status } = await import("./status.ts");
      exit(await status(nameOf(name, options), options));
    });
  program
    .command("list")
    .alias("ls")
    .description("list all clusters of this user")
    .option("-o, --output <format>", "json for scripts")
    .action(async (options: { output?: string }) => {
      const { list } = await import("./status.ts");
      exit(await list(options));
    });
  clusterCommand(program, "logs", "print what the cluster's own components log")
    .option("-f, --follow", "go on as it grows")
    .option("--tail <lines>", "only the last lines", number)
    .action(async (name: string | undefined, options: { name?: string; follow?: boolean; tail?: number }) => {
      const { logs } = await import("./logs.ts");
      exit(await logs(nameOf(name, options), options));
    });
  clusterCommand(program, "kubeconfig", "print the administrator's kubeconfig")
    .option("--merge", "merge it into $KUBECONFIG or ~/.kube/config and make it current instead of printing it")
    .action(async (name: string | undefined, options: { name?: string; merge?: boolean }) => {
      const { kubeconfig } = await import("./status.ts");
      exit(await kubeconfig(nameOf(name, options), options));
    });
}

function addImages(program: Command): void {
  const image = program
    .command("image")
    .description("make, import, list and remove container images of a cluster, without Docker");
  const named = (name: string, description: string): Command =>
    image.command(name).description(description).option("-n, --name <name>", "the cluster's name", DEFAULT_NAME);
  named("build <directory>", "make an image whose root is a directory")
    .requiredOption("-t, --tag <image>", "the image's name, such as example.com/app:1")
    .option("--entrypoint <argument...>", "what runs when the pod gives no command")
    .option("--env <name=value...>", "environment variables")
    .option("--workdir <path>", "working directory")
    .action(async (directory: string, options: BuildOptions) => {
      const { buildImage } = await import("./image.ts");
      await buildImage(directory, options);
    });
  named(
    "load <source>",
    "import a tar (OCI or Docker archive), an OCI layout, or an image of the local Docker or Podman",
  )
    .option("-t, --tag <image>", "the image's name, when the source does not say")
    .action(async (source: string, options: { name: string; tag?: string }) => {
      const { loadImage } = await import("./image.ts");
      await loadImage(source, options);
    });
  named("list", "list the cluster's images")
    .alias("ls")
    .option("-o, --output <format>", "json for scripts")
    .action(async (options: { name: string; output?: string }) => {
      const { listImages } = await import("./image.ts");
      await listImages(options);
    });
  named("rm <image>", "remove an image").action(async (reference: string, options: { name: string }) => {
    const { removeImage } = await import("./image.ts");
    await removeImage(reference, options);
  });
}

/** The process that `up` starts in the background; of use by hand for debugging and for service managers. */
function addServer(program: Command): void {
  program
    .command("server", { hidden: true })
    .description("run the cluster in the foreground")
    .requiredOption("-n, --name <name>", "the cluster's name")
    .action(async (options: { name: string }) => {
      const { runServer } = await import("../server/run.ts");
      await runServer(options.name);
    });
}

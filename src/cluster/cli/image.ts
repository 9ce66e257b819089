import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectRuntime, type Runtime } from "../../host/cri/index.ts";
import {
  type Architecture,
  buildImage as assemble,
  hostArchitecture,
  importImage,
  normalizeReference,
  type OciImage,
  openArchive,
} from "../../host/images/index.ts";
import { createEnv, type Env, errorText, runProcess, silent } from "../../kit/index.ts";
import { clusterPaths } from "../lifecycle/paths.ts";
import { readSpec } from "../lifecycle/spec.ts";
import { clusterContainerd } from "../machine/runtime.ts";
import { CliError, EXIT, noCluster, usageError } from "./errors.ts";
import { checkOutput, print, printJson, table } from "./output.ts";

export interface BuildOptions {
  readonly name: string;
  readonly tag: string;
  readonly entrypoint?: readonly string[];
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly output?: string;
}

/** `k8ts image build`: an image whose root is a directory or a tar. */
export async function buildImage(source: string, options: BuildOptions): Promise<void> {
  checkOutput(options.output);
  if (!existsSync(source)) throw usageError(`${source} does not exist`);
  const settings = {
    ...(options.entrypoint && { entrypoint: options.entrypoint }),
    ...(options.env && { environment: options.env }),
    ...(options.workdir && { workingDir: options.workdir }),
  };
  await withWorkDir(async (workDir) => {
    const image = await assemble({ source, name: options.tag, architecture: architecture(), settings, workDir });
    await load([image], options);
  });
}

/** `k8ts image load`: from a file or folder, else from the Docker or Podman on this machine. */
export async function loadImage(
  source: string,
  options: { name: string; tag?: string; output?: string },
): Promise<void> {
  checkOutput(options.output);
  await withWorkDir(async (workDir) => {
    const path = existsSync(source) ? source : await fromEngine(source, workDir);
    const images = await openArchive(path, architecture());
    const [first] = images;
    if (!first) throw new CliError(`${source} holds no image for ${architecture()}`);
    const named = options.tag ? [{ ...first, names: [normalizeReference(options.tag)] }] : images;
    if (named.some((image) => image.names.length === 0)) {
      throw usageError(`${source} does not say what its image is called`, "give it a name with --tag");
    }
    await load(named, options);
  });
}

/** `k8ts image list`. */
export async function listImages(options: { name: string; output?: string }): Promise<void> {
  checkOutput(options.output);
  const images = await withRuntime(options.name, async (runtime) => (await runtime.listImages({})).images);
  const rows = images.map((image) => ({ id: image.id, names: image.repoTags, size: Number(image.size) }));
  if (options.output === "json") printJson(rows);
  else
    print(
      table(
        ["IMAGE", "ID", "SIZE"],
        rows.flatMap((row) =>
          row.names.map((name) => [
            name,
            row.id.replace("sha256:", "").slice(0, 13),
            `${(row.size / 1e6).toFixed(1)} MB`,
          ]),
        ),
      ),
    );
}

/** `k8ts image rm`. */
export async function removeImage(reference: string, options: { name: string; output?: string }): Promise<void> {
  checkOutput(options.output);
  const image = normalizeReference(reference);
  await withRuntime(options.name, async (runtime) => {
    const { image: found } = await runtime.imageStatus({ image: { image } });
    if (!found)
      throw new CliError(`cluster ${options.name} has no image ${image}`, {
        hint: `see them with: k8ts image list --name ${options.name}`,
      });
    await runtime.removeImage({ image: { image } });
  });
  if (options.output === "json") printJson({ removed: image });
  else print(`removed ${image}`);
}

async function load(images: readonly OciImage[], options: { name: string; output?: string }): Promise<void> {
  await withRuntime(options.name, async (runtime, socket, env) => {
    for (const image of images) {
      await importImage(image, { socket, clock: env.clock, random: env.random, runtime });
      if (options.output !== "json") print(`loaded ${image.names.join(", ")}`);
    }
  });
  if (options.output === "json") printJson({ loaded: images.flatMap((image) => image.names) });
}

/** Takes an image out of the first engine on this machine that has it. */
async function fromEngine(reference: string, workDir: string): Promise<string> {
  const path = join(workDir, "image.tar");
  const complaints: string[] = [];
  for (const engine of ["docker", "podman", "nerdctl"]) {
    try {
      await runProcess(engine, ["save", "-o", path, reference]);
      return path;
    } catch (error) {
      complaints.push(errorText(error));
    }
  }
  throw new CliError(`${reference} is neither a file nor an image of a local Docker, Podman or nerdctl`, {
    hint: complaints.join("\n      "),
  });
}

async function withWorkDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "k8ts-image-"));
  try {
    await body(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function withRuntime<T>(
  cluster: string,
  body: (runtime: Runtime, socket: string, env: Env) => Promise<T>,
): Promise<T> {
  const paths = clusterPaths(cluster);
  const spec = readSpec(paths);
  if (!spec) throw noCluster(cluster);
  if (spec.node !== "real") throw new CliError(`cluster ${cluster} has no real node, so it has no images`);
  const env = createEnv({ log: silent });
  const containerd = clusterContainerd(paths, env);
  if (!containerd.running) {
    throw new CliError(`cluster ${cluster} does not run`, {
      hint: `start it with: k8ts start --name ${cluster}`,
      exitCode: EXIT.notRunning,
    });
  }
  const runtime = connectRuntime({ endpoint: containerd.socket, clock: env.clock });
  try {
    return await body(runtime, containerd.socket, env);
  } finally {
    runtime.close();
  }
}

function architecture(): Architecture {
  const found = hostArchitecture();
  if (!found) throw new CliError(`images cannot be made on ${process.arch}`, { hint: "k8ts knows amd64 and arm64" });
  return found;
}

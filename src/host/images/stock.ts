import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { CodedError, runProcess } from "../../kit/index.ts";
import type { Architecture } from "./elf.ts";
import { type LayerEntry, fileLayer, memoryLayer } from "./layer.ts";
import { type OciImage, assembleImage } from "./oci.ts";
import { pauseExecutable } from "./pause.ts";

/** The images that k8ts makes itself. */
export const STOCK_IMAGES = {
  pause: "k8ts.local/pause:1",
  demo: "k8ts.local/demo:latest",
  http: "k8ts.local/demo-http:latest",
} as const;

/** Stock images are dated alike, so that the same content has the same digest. */
const CREATED = Date.UTC(2026, 0, 1);

/** Holds a pod's namespaces. */
export async function pauseImage(architecture: Architecture): Promise<OciImage> {
  const entries = [{ path: "pause", mode: 0o755, content: pauseExecutable(architecture) }];
  const settings = { entrypoint: ["/pause"], user: "65535:65535" };
  const layers = [await memoryLayer(entries, CREATED)];
  return assembleImage({ names: [STOCK_IMAGES.pause], architecture, settings, layers, created: CREATED });
}

const BASE_DIRS: readonly LayerEntry[] = [
  ...["bin", "dev", "etc", "home", "proc", "root", "run", "sys", "usr", "usr/bin", "usr/sbin", "var", "var/run"].map(
    (path) => ({ path }),
  ),
  { path: "tmp", mode: 0o1777 },
  { path: "etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n" },
  { path: "etc/group", content: "root:x:0:\nnogroup:x:65534:\n" },
  { path: "etc/nsswitch.conf", content: "hosts: files dns\n" },
];

/** A shell with the usual small programs, from the host's static busybox. Throws `DemoSourceMissing`. */
export async function demoImage(architecture: Architecture, busybox = findBusybox()): Promise<OciImage> {
  const binary = await readFile(busybox);
  if (binary.includes("/lib64/ld-linux") || binary.includes("/lib/ld-linux-aarch64")) {
    throw new CodedError("DemoSourceMissing", `"${busybox}" is not static: install the package busybox-static`);
  }
  const { stdout } = await runProcess(busybox, ["--list-full"]);
  const links = stdout.split("\n").filter((path) => /^(?:usr\/)?s?bin\/[\w[.-]+$/.test(path) && path !== "bin/busybox");
  const dirs = new Set(links.map((path) => path.slice(0, path.lastIndexOf("/"))));
  const entries: LayerEntry[] = [
    ...BASE_DIRS,
    ...[...dirs].filter((dir) => !BASE_DIRS.some((e) => e.path === dir)).map((path) => ({ path })),
    { path: "bin/busybox", mode: 0o755, content: binary },
    ...links.map((path) => ({ path, link: "/bin/busybox" })),
  ];
  const layers = [await memoryLayer(entries, CREATED)];
  return assembleImage({
    names: [STOCK_IMAGES.demo],
    architecture,
    settings: { command: ["sh"] },
    layers,
    created: CREATED,
  });
}

function findBusybox(): string {
  const found = ["/bin/busybox", "/usr/bin/busybox", "/usr/lib/busybox/busybox"].find((path) => existsSync(path));
  if (found) return found;
  throw new CodedError("DemoSourceMissing", "this machine has no busybox: install the package busybox-static");
}

/** Answers every request with its host name, path and headers; `/healthz` with ok; ends at once on SIGTERM. */
const SERVER = `import { createServer } from "node:http";
import { hostname } from "node:os";
const port = Number(process.env.PORT ?? 8080);
const server = createServer((request, response) => {
  const body = request.url === "/healthz" ? "ok\\n"
    : request.url === "/headers" ? JSON.stringify(request.headers) + "\\n"
    : hostname() + "\\n";
  response.writeHead(200, { "content-type": "text/plain", "content-length": Buffer.byteLength(body) });
  response.end(body);
});
server.listen(port, "::", () => console.log("listening on port " + port));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
`;

/** An HTTP server on port 8080: this very Node, the shared libraries it needs, and a few lines. `path` keeps its layer. */
export async function httpDemoImage(
  architecture: Architecture,
  options: { readonly path: string; readonly node?: string },
): Promise<OciImage> {
  const node = await realpath(options.node ?? process.execPath);
  const libraries = await sharedLibraries(node);
  const dirs = new Set(libraries.flatMap((l) => parents(l.path)));
  for (const known of BASE_DIRS) dirs.delete(known.path);
  const entries: LayerEntry[] = [
    ...BASE_DIRS,
    ...[...dirs].toSorted().map((path) => ({ path })),
    ...libraries,
    { path: "bin/node", mode: 0o755, file: node },
    { path: "srv" },
    { path: "srv/server.mjs", content: SERVER },
  ];
  const layers = [await fileLayer(entries, CREATED, join(options.path, "demo-http.tar"))];
  const settings = { entrypoint: ["/bin/node", "/srv/server.mjs"], exposedPorts: ["8080/tcp"] };
  return assembleImage({ names: [STOCK_IMAGES.http], architecture, settings, layers, created: CREATED });
}

/** What the dynamic loader would load, each at the path it is looked for at. */
async function sharedLibraries(binary: string): Promise<LayerEntry[]> {
  const { stdout } = await runProcess("ldd", [binary], { okCodes: [0, 1] });
  const paths = [...stdout.matchAll(/(?:=>\s+)?(\/\S+)\s+\(0x/g)].map((m) => m[1] ?? "");
  const entries = await Promise.all(
    [...new Set(paths)].map(async (path) => ({ path: path.slice(1), mode: 0o755, file: await realpath(path) })),
  );
  return entries.filter((e) => basename(e.path) !== "");
}

function parents(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build, type BuildOptions, type Plugin } from "esbuild";

export interface BundleOptions {
  /** The folder with the TypeScript sources. */
  readonly source: string;
  /** The folder that tables and other files are looked for in, as it lies in the result: the sources, or a package's `dist`. */
  readonly assets: string;
  /** Where the files go. */
  readonly to: string;
  readonly sourceMap?: boolean;
}

/** The modules that become a file each, by their path below `cluster/`. They meet only in `main`, which loads one of the others. */
const PARTS: Readonly<Record<string, string>> = {
  "main.ts": "main.cjs",
  "cli/program.ts": "program.cjs",
  "server/main.ts": "server.cjs",
};

/** What {@link keepLocations} puts in the place of `import.meta`. */
const BANNER = `const __at = (file) => require("node:path").join(__dirname, file);
const __urlOf = (file) => require("node:url").pathToFileURL(file).href;`;

/**
 * Makes few files of all that `k8ts` loads: resolving and linking a module costs Node half a millisecond, and there are
 * hundreds. They are CommonJS, because an ES module that imports `node:http` pays 30 ms for fetch, which nobody here uses. Lazy
 * imports stay lazy. Libraries stay outside. The launcher is a file of its own, because the compile cache
 * must be on before the rest is compiled.
 */
export async function bundle({ source, assets, to, sourceMap = false }: BundleOptions): Promise<void> {
  const started = new Date();
  mkdirSync(to, { recursive: true });
  const common = {
    bundle: true,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: "node22",
    // `import()` becomes `require`, which neither scans the file for exports nor goes through the ES module loader.
    supported: { "dynamic-import": false },
    banner: { js: BANNER },
    logLevel: "silent",
  } as const satisfies BuildOptions;
  const locations = keepLocations(source, relative(to, assets));
  const outdir = join(to, `.new-${process.pid}`);
  const name = (file: string): string => join(outdir, file);
  try {
    await Promise.all(
      Object.entries(PARTS).map(([entry, file]) =>
        build({
          ...common,
          entryPoints: [join(source, "cluster", entry)],
          outfile: name(file),
          plugins: [locations, otherPartsOutside],
          sourcemap: sourceMap,
        }),
      ),
    );
    for (const file of readdirSync(outdir)) {
      // Dated from the start, so that a source that changes meanwhile counts as newer.
      utimesSync(name(file), started, started);
      renameSync(name(file), join(to, file));
    }
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Leaves the launcher's lazy imports to load the other files. */
const otherPartsOutside: Plugin = {
  name: "other-parts-outside",
  setup(build) {
    build.onResolve({ filter: /^\.\/(cli|server)\// }, ({ path, importer }) => {
      const part = importer.endsWith("/cluster/main.ts") ? PARTS[path.slice(2)] : undefined;
      return part ? { path: `./${part}`, external: true } : undefined;
    });
  },
};

/** Lets `import.meta` say where a module's folder is in the result, so that it finds the files beside it. */
function keepLocations(source: string, assets: string): Plugin {
  return {
    name: "keep-locations",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        if (!text.includes("import.meta")) return undefined;
        const file = join(assets, relative(source, path));
        const at = (inside: string): string => `__at(${JSON.stringify(inside)})`;
        const contents = text
          .replaceAll("import.meta.url", `__urlOf(${at(file)})`)
          .replaceAll("import.meta.dirname", at(dirname(file)))
          .replaceAll("import.meta.filename", at(file));
        return { contents, loader: "ts" };
      });
    },
  };
}

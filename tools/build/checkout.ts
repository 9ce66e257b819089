import { join } from "node:path";
import { bundle } from "./bundle.ts";

/** What `./k8ts` runs when a source is newer than the bundle of this checkout. Exit code 1: it must run the sources as they are. */
const root = join(import.meta.dirname, "../..");
try {
  await bundle({ source: join(root, "src"), assets: join(root, "src"), to: join(root, ".cache/bin"), sourceMap: true });
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  console.error(`k8ts: cannot bundle the sources, so they run as they are: ${text}`);
  process.exitCode = 1;
}

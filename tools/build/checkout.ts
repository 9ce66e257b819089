import { join } from "node:path";
import { bundle } from "./bundle.ts";

/** What `./k8ts` runs when a source is newer than the bundle of this checkout. */
const root = join(import.meta.dirname, "../..");
await bundle({ source: join(root, "src"), assets: join(root, "src"), to: join(root, ".cache/bin"), sourceMap: true });

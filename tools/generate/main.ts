import { generateControllers } from "./controllers.ts";
import { generateCri } from "./cri.ts";
import { generateEtcd } from "./etcd.ts";
import { finish } from "./facts.ts";
import { generateModules } from "./modules.ts";
import { generateResources } from "./resources.ts";
import { generateScheduler } from "./scheduler.ts";
import { generateTables } from "./tables.ts";
import { generateTypes } from "./types.ts";

/**
 * Writes every generated file under `src/` anew from the facts in `tools/facts/`. Run by `npm run generate`;
 * with `--check` it writes nothing and fails when a file is out of date.
 */
generateTypes();
generateResources();
generateTables();
generateModules();
generateCri();
generateControllers();
generateScheduler();
generateEtcd();
finish();

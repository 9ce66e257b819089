import type { Env } from "../../kit/index.ts";
import type { Store } from "../contract.ts";
import { FIRST_REVISION } from "../shared/version-index.ts";
import type { Database } from "./database.ts";
import { isFresh, markReady, prepareDirectory, type StoreDirectory } from "./directory.ts";
import { EmbeddedStore, type EmbeddedTuning } from "./embedded-store.ts";
import { openFault } from "./faults.ts";
import { LmdbDatabase } from "./lmdb-database.ts";
import { checkUnowned, releaseOwnership, takeOwnership } from "./owner.ts";

export interface EmbeddedStoreOptions extends EmbeddedTuning {
  /** The directory; made when absent. Nothing but the store may be in it. */
  readonly path: string;
  readonly env: Pick<Env, "clock" | "log" | "metrics">;
  /** How many bytes a commit must leave free on the disk, or it is refused. Default 1 MiB; 0: the file system decides. */
  readonly reserveBytes?: number;
  /** Stands between the store and its disk: for tests that plant faults. */
  readonly wrap?: (database: Database) => Database;
}

/**
 * Opens the durable store in a directory of its own, for this process alone. Rejects with `ForeignDirectoryError`,
 * `CorruptStoreError`, `NewerFormatError`, `StoreLockedError`, `StoreAccessError` or `DiskFullError`, having changed nothing.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const { path, env, reserveBytes, wrap = (database) => database, ...tuning } = options;
  const directory = prepareDirectory(path);
  checkUnowned(directory);
  const lmdb = new LmdbDatabase(directory.dataFile, reserveBytes);
  try {
    lmdb.exclusively(() => takeOwnership(directory));
  } catch (error) {
    await lmdb.close();
    throw openFault(path, error);
  }
  try {
    const database = wrap(lmdb);
    if (isFresh(directory)) await begin(directory, database);
    return new EmbeddedStore({ ...tuning, env, path, database, released: () => releaseOwnership(directory) });
  } catch (error) {
    await lmdb.close();
    releaseOwnership(directory);
    throw openFault(path, error);
  }
}

async function begin(directory: StoreDirectory, database: Database): Promise<void> {
  await database.write({ puts: [], removes: [], meta: { compacted: FIRST_REVISION } });
  markReady(directory);
}

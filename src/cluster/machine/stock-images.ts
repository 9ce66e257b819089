import { mkdir } from "node:fs/promises";
import type { Runtime } from "../../host/cri/index.ts";
import {
  type Architecture,
  demoImage,
  hostArchitecture,
  httpDemoImage,
  importImage,
  type OciImage,
  pauseImage,
  STOCK_IMAGES,
} from "../../host/images/index.ts";
import { CodedError, type Env } from "../../kit/index.ts";

/** The images that k8ts makes itself, where they are kept, and how they get into containerd. */
export interface StockOptions {
  readonly runtime: Runtime;
  readonly socket: string;
  /** Where layers are kept while they are imported. */
  readonly workDir: string;
  readonly env: Env;
}

type Maker = (architecture: Architecture, workDir: string) => Promise<OciImage>;

const MAKERS: Readonly<Record<string, Maker>> = {
  [STOCK_IMAGES.pause]: pauseImage,
  [STOCK_IMAGES.demo]: (architecture) => demoImage(architecture),
  [STOCK_IMAGES.http]: (architecture, path) => httpDemoImage(architecture, { path }),
};

/** Imports the pause image unless it is there: no pod starts without it, and nobody should have to pull it. */
export async function ensurePause(options: StockOptions): Promise<void> {
  const { image } = await options.runtime.imageStatus({ image: { image: STOCK_IMAGES.pause } });
  if (!image) await make(STOCK_IMAGES.pause, options);
}

/**
 * A runtime for which pulling one of our own images means making it: `k8ts.local/demo` and `k8ts.local/demo-http` are there
 * as soon as a pod asks for them, without a registry.
 */
export function withStockImages(options: StockOptions): Runtime {
  const { runtime } = options;
  return {
    ...runtime,
    async pullImage(request, callOptions) {
      const name = request.image?.image ?? "";
      if (!Object.hasOwn(MAKERS, name)) return runtime.pullImage(request, callOptions);
      const find = async (): Promise<string | undefined> =>
        (await runtime.imageStatus({ image: { image: name } })).image?.id;
      const imageRef = (await find()) ?? (await make(name, options).then(find));
      if (imageRef === undefined)
        throw new CodedError("NotFound", `image ${name} was made, but the runtime does not see it`);
      return { imageRef };
    },
  };
}

async function make(name: string, { runtime, socket, workDir, env }: StockOptions): Promise<void> {
  const architecture = hostArchitecture();
  const maker = MAKERS[name];
  if (!architecture || !maker) throw new CodedError("NotFound", `image ${name} cannot be made on ${process.arch}`);
  await mkdir(workDir, { recursive: true });
  const image = await maker(architecture, workDir);
  const pinned = name === STOCK_IMAGES.pause;
  await importImage(image, { socket, clock: env.clock, random: env.random, runtime, pinned });
  env.log.info("made an image", { image: name });
}

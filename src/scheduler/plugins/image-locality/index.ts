import type { corev1 } from "../../../api/index.ts";
import type { ImageNodes } from "../../cache/image-index.ts";
import type { NodeColumns } from "../../cache/node-columns.ts";
import { MAX_NODE_SCORE, type SchedulerPlugin } from "../../framework/plugin.ts";
import { SKIP } from "../../framework/status.ts";
import { Names } from "../names.ts";

const MB = 1024 * 1024;
/** Sums below count as nothing; sums above, per container, as the best there is. */
const MIN = 23 * MB;
const MAX_PER_CONTAINER = 1000 * MB;

/** Prefers nodes that have the pod's images, the more so the larger they are and the more nodes have them. */
export function imageLocality(): SchedulerPlugin {
  return {
    name: Names.ImageLocality,
    // When no node has any of the images, all are equally good.
    preScore: ({ nodes, pod }) => (imagesOf(nodes, pod).length === 0 ? SKIP : undefined),
    scoreNodes: ({ nodes, pod }, slots, count, scores) => {
      const images = imagesOf(nodes, pod);
      const containers = pod.spec.containers.length + (pod.spec.initContainers?.length ?? 0);
      const max = MAX_PER_CONTAINER * containers;
      for (let i = 0; i < count; i++) {
        const slot = slots[i] as number;
        let sum = 0;
        for (const image of images) sum += Math.trunc((image.get(slot) ?? 0) * (image.size / nodes.count));
        const bounded = Math.min(Math.max(sum, MIN), max);
        scores[i] = Math.trunc((MAX_NODE_SCORE * (bounded - MIN)) / (max - MIN));
      }
    },
  };
}

/** One entry a container whose image some node has. */
function imagesOf({ images }: NodeColumns, { spec }: corev1.Pod): ImageNodes[] {
  if (images.empty) return [];
  return [...(spec.initContainers ?? []), ...spec.containers].flatMap(
    ({ image }) => images.find(normalizedName(image ?? "")) ?? [],
  );
}

/** A name without a tag means `latest`. */
function normalizedName(name: string): string {
  return name.lastIndexOf(":") <= name.lastIndexOf("/") ? `${name}:latest` : name;
}

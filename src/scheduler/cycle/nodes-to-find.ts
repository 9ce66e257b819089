/** So many nodes are always looked at, if there are that many. */
const MIN_NODES = 100;
const MIN_PERCENTAGE = 5;

/**
 * How many feasible nodes are enough to choose from. `percentage` 0 stands for all, or, if `adaptive`, for upstream's share: 50 % of 100
 * nodes, falling to 5 % of 5,000 and more.
 */
export function nodesToFind(nodes: number, percentage: number, adaptive: boolean): number {
  if (nodes < MIN_NODES) return nodes;
  const automatic = adaptive ? Math.max(MIN_PERCENTAGE, 50 - Math.trunc(nodes / 125)) : 100;
  const share = percentage === 0 ? automatic : percentage;
  return Math.max(MIN_NODES, Math.trunc((nodes * share) / 100));
}

import type { SchedulerPlugin } from "../../framework/plugin.ts";
import { Names } from "../names.ts";

/** Higher priority first, then who came first. */
export function prioritySort(): SchedulerPlugin {
  return {
    name: Names.PrioritySort,
    less: (a, b) =>
      a.info.priority > b.info.priority || (a.info.priority === b.info.priority && a.timestamp < b.timestamp),
  };
}

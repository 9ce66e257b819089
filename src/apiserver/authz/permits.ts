import type { Attributes, Authorizer } from "../seams/index.ts";

/** A question about what a user may do; what is left out is empty. */
export type Question = Pick<Attributes, "user" | "verb" | "resource"> & Partial<Attributes>;

/** Whether the authorizers allow what is asked. */
export async function permits(
  authorizers: readonly Authorizer[],
  question: Question,
  signal?: AbortSignal,
): Promise<boolean> {
  const attributes = { path: "", isResource: true, group: "", version: "*", subresource: "", namespace: "", name: "" };
  for (const authorizer of authorizers) {
    const { decision } = await authorizer.authorize({ ...attributes, ...question }, signal);
    if (decision !== "no opinion") return decision === "allow";
  }
  return false;
}

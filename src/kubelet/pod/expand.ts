/**
 * Replaces `$(NAME)` by its value where there is one; what has none stays as it is, and `$$` is a plain dollar, so that
 * `$$(NAME)` is never replaced.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes("$")) return text;
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) => {
    if (name === undefined) return "$";
    return lookup(name) ?? whole;
  });
}

import type { Catalog } from "../catalog/catalog.ts";
import type { PathHandler } from "../chain/chain.ts";

const ALWAYS = ["/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"];

/** `/`: the paths there are. */
export function indexHandler(catalog: Catalog): PathHandler {
  return ({ info }) => {
    if (info.path !== "/") return undefined;
    const paths = new Set(["/api", "/api/v1", "/apis", ...ALWAYS]);
    for (const { resource } of catalog) {
      if (resource.group === "") continue;
      paths.add(`/apis/${resource.group}`);
      paths.add(`/apis/${resource.group}/${resource.version}`);
    }
    return { type: "object", status: 200, object: { paths: [...paths].toSorted() } };
  };
}

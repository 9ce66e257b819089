import { notAcceptable } from "../../machinery/index.ts";

/** What a client wants to be answered in. */
export interface Representation {
  readonly format: "json" | "yaml" | "protobuf";
  /** The object itself, or a view of it. */
  readonly as: "object" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
  /** Of the view: `v1` or `v1beta1` of meta.k8s.io. */
  readonly version: string;
  /** Indented, for people. */
  readonly pretty: boolean;
}

const JSON_TYPE = "application/json";
const FORMATS: Readonly<Record<string, Representation["format"]>> = {
  [JSON_TYPE]: "json",
  "application/*": "json",
  "*/*": "json",
  "application/yaml": "yaml",
  "application/vnd.kubernetes.protobuf": "protobuf",
};
const ACCEPTED = ["application/json", "application/yaml"];
const ACCEPTED_TYPED = [...ACCEPTED, "application/vnd.kubernetes.protobuf"];

/** Plain JSON: what a client gets that does not say. */
export const PLAIN: Representation = { format: "json", as: "object", version: "v1", pretty: false };

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const MEMORY = 256;

/** Reads Accept headers; clients send the same few over and over, so it remembers them. One per server. */
export class Negotiator {
  readonly #remembered = new Map<string, readonly Clause[]>();

  /**
   * The first thing in an Accept header that we can produce, best quality first. Throws 406 when there is none.
   * `protobuf`: whether what is asked has that form.
   */
  negotiate(accept: string | undefined, protobuf: boolean): Representation {
    if (accept === undefined || accept === "" || accept === JSON_TYPE || accept === "*/*") return PLAIN;
    for (const { type, parameters } of this.#clausesOf(accept)) {
      const format = FORMATS[type];
      if (!format || (format === "protobuf" && !protobuf)) continue;
      const as = parameters.get("as");
      const pretty = parameters.get("pretty") === "1";
      if (as === undefined) return { format, as: "object", version: "v1", pretty };
      const version = parameters.get("v") ?? "";
      const ours = parameters.get("g") === "meta.k8s.io" && (version === "v1" || version === "v1beta1");
      if (ours && isView(as) && (format !== "protobuf" || as !== "Table"))
        return { format, as, version, pretty: false };
    }
    throw notAcceptable(protobuf ? ACCEPTED_TYPED : ACCEPTED);
  }

  #clausesOf(accept: string): readonly Clause[] {
    const known = this.#remembered.get(accept);
    if (known) return known;
    const clauses = accept
      .split(",")
      .map(clauseOf)
      .toSorted((a, b) => b.quality - a.quality);
    if (this.#remembered.size >= MEMORY) this.#remembered.clear();
    if (accept.length < 1024) this.#remembered.set(accept, clauses);
    return clauses;
  }
}

function isView(as: string): as is "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" {
  return as === "Table" || as === "PartialObjectMetadata" || as === "PartialObjectMetadataList";
}

function clauseOf(text: string): Clause {
  const [type = "", ...rest] = text.split(";");
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const [name = "", value = ""] = part.split("=");
    parameters.set(name.trim().toLowerCase(), value.trim());
  }
  const quality = Number(parameters.get("q") ?? "1");
  return { type: type.trim().toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 1 };
}

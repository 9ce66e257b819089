import { type Functions, functionsOf } from "../functions.ts";
import { listsLibrary, optionalsLibrary, setsLibrary } from "./collections.ts";
import { encodersLibrary, formatLibrary, quantityLibrary, urlLibrary } from "./kubernetes.ts";
import { networkLibrary } from "./network.ts";
import { regexLibrary } from "./regex.ts";
import { standard } from "./standard.ts";
import { stringsLibrary } from "./strings.ts";

/** Everything that expressions in Kubernetes may call, save the authorizer. */
export const KUBERNETES: Functions = functionsOf(
  standard,
  stringsLibrary,
  listsLibrary,
  setsLibrary,
  optionalsLibrary,
  regexLibrary,
  quantityLibrary,
  urlLibrary,
  formatLibrary,
  encodersLibrary,
  networkLibrary,
);

export { openArchive } from "./archive.ts";
export { buildImage, type BuildOptions } from "./build.ts";
export { type Architecture, hostArchitecture } from "./elf.ts";
export { importImage, type ImportOptions } from "./import.ts";
export { entriesOfDirectory, fileLayer, type Layer, type LayerEntry, memoryLayer } from "./layer.ts";
export { assembleImage, type ImageSettings, normalizeReference, type OciImage } from "./oci.ts";
export { pauseExecutable } from "./pause.ts";
export { saveImages } from "./save.ts";
export { demoImage, httpDemoImage, pauseImage, STOCK_IMAGES } from "./stock.ts";

/** Something that must have caught up before work begins. */
export interface Synced {
  whenSynced(signal?: AbortSignal): Promise<void>;
}

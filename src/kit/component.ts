/**
 * Anything that runs. `run` resolves only after everything it started has stopped, and rejects when it
 * could not go on; `ready`, where there is one, resolves once the component serves.
 */
export interface Component {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when the component is of use to others. Absent means: as soon as `run` was called. */
  ready?(signal?: AbortSignal): Promise<void>;
}

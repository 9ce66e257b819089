/** What a round of filtering left. */
export interface Feasible {
  readonly slots: Int32Array;
  readonly count: number;
}

/** What every command of the command line is. `cli/main.ts` finds them by name. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Shown by `--help` and on wrong usage. */
  readonly usage: string;
  /**
   * Runs with the arguments after the command's name. Throws ArcfaceError: code 'usage' -> exit 2,
   * anything else -> exit 1.
   */
  run(args: readonly string[]): Promise<void>;
}

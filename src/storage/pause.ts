/** A pause that somebody may cut short: for work that is better done a little later, unless it is waited for. */
export class Pause {
  #end: () => void = () => undefined;

  /** Resolves after so many milliseconds, or as soon as `end` is called. */
  async take(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#end = () => {
      clearTimeout(timer);
      resolve();
    };
    await promise;
    this.#end = () => undefined;
  }

  /** Ends the present pause; does nothing while there is none. */
  end(): void {
    this.#end();
  }
}

/** Stands in for the platform's module of this name, so that homes run in the simulated world. */
export class DurableObject<Environment> {
  readonly ctx: DurableObjectState;
  readonly env: Environment;

  constructor(ctx: DurableObjectState, env: Environment) {
    this.ctx = ctx;
    this.env = env;
  }
}

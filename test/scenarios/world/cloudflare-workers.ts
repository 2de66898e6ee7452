/** Stand in for the platform's module of this name, so that homes, and the Workers of customers, run in the simulated world. */
export class WorkerEntrypoint<Environment> {
  readonly env: Environment;

  constructor(_ctx: unknown, env: Environment) {
    this.env = env;
  }
}

export class DurableObject<Environment> {
  readonly ctx: DurableObjectState;
  readonly env: Environment;

  constructor(ctx: DurableObjectState, env: Environment) {
    this.ctx = ctx;
    this.env = env;
  }
}

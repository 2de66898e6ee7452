import { Phone, type PhoneOptions } from "./phone.ts";
import { startServer, type Server, type ServerOptions } from "./server.ts";

export type ConnectionKind = PhoneOptions["way"];
export const ways = ["direct", "general"] as const;

/** A server and people who have never met, so that the tests of one file do not meet either. */
export interface ServerUnderTest {
  readonly server: Server;
  /** Makes a subscriber of `localhost` that nobody has used before; returns the user part. */
  newcomer(name: string, aliases?: readonly string[]): Promise<string>;
  /** Opens a socket, and nothing more. On the dedicated connection it leads to the home, which is opened before if need be. */
  connect(account: string, way: ConnectionKind, options?: Partial<PhoneOptions>): Promise<Phone>;
  /** A registered phone of this account. */
  register(account: string, way: ConnectionKind, options?: Partial<PhoneOptions>): Promise<Phone>;
  /** Registered phones of newcomers. */
  phones<Names extends readonly string[]>(way: ConnectionKind, ...names: Names): Promise<{ readonly [Index in keyof Names]: Phone }>;
  close(): Promise<void>;
}

export async function startServerUnderTest(options: ServerOptions = {}): Promise<ServerUnderTest> {
  const server = await startServer(options);
  const opened = new Set<string>();
  const phones: Phone[] = [];
  let count = 0;

  const serverUnderTest: ServerUnderTest = {
    server,
    newcomer: async (name, aliases) => {
      count += 1;
      const username = `${name}${count}`;
      await server.provision({ domain: "localhost", username, password: "offhook", ...(aliases === undefined ? {} : { aliases }) });
      return username;
    },
    connect: async (account, way, more) => {
      if (way === "direct" && !opened.has(account)) await openHome(server, account);
      opened.add(account);
      const phone = await Phone.connect(server, { account, way, ...more });
      phones.push(phone);
      return phone;
    },
    register: async (account, way, more) => {
      const phone = await serverUnderTest.connect(account, way, more);
      const answer = await phone.register();
      if (answer.status !== 200) throw new Error(`${account} could not register: ${answer.raw}`);
      return phone;
    },
    phones: async (way, ...names) => {
      const accounts = await Promise.all(names.map((name) => serverUnderTest.newcomer(name)));
      const registered = await Promise.all(accounts.map((account) => serverUnderTest.register(account, way)));
      return registered as unknown as Awaited<ReturnType<typeof serverUnderTest.phones<typeof names>>>;
    },
    close: async () => {
      for (const phone of phones) phone.socket.cut();
      await server.stop();
    },
  };
  return serverUnderTest;
}

/** A home is opened by its owner's first authenticated flow, which the edge proxy serves; this one asks for the bindings and goes. */
async function openHome(server: Server, account: string): Promise<void> {
  const phone = await Phone.connect(server, { account, way: "general" });
  const answer = await phone.register({ contacts: [] });
  if (answer.status !== 200) throw new Error(`${account} could not open its home: ${answer.raw}`);
  phone.socket.close();
}

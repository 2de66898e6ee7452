import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { end, freePort, listens } from "./kamailio.ts";

const tables = "/usr/share/kamailio/db_sqlite";

/** Whether a real presence server is here: Debian's packages kamailio, kamailio-presence-modules and kamailio-sqlite-modules. */
export const hasKamailioPresence = existsSync("/usr/sbin/kamailio") && existsSync(`${tables}/presence-create.sql`);

/** A Kamailio that is a presence agent and nothing else. */
export async function openPresenceServer(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "offhook-presence-"));
  const port = await freePort();
  const database = join(folder, "presence.db");
  const sql = new DatabaseSync(database);
  for (const name of ["standard", "presence"]) sql.exec(readFileSync(`${tables}/${name}-create.sql`, "utf8"));
  sql.close();
  await writeFile(join(folder, "kamailio.cfg"), configuration(port, database));
  const child = spawn(
    "/usr/sbin/kamailio",
    ["-f", join(folder, "kamailio.cfg"), "-DD", "-E", "-w", folder, "-Y", folder, "-P", join(folder, "pid")],
    { stdio: "ignore" },
  );
  await listens(port);
  return {
    port,
    close: async () => {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(port: number, database: string): string {
  const modules = ["tm", "sl", "rr", "pv", "siputils", "textops", "db_sqlite", "presence", "presence_xml"];
  return `#!KAMAILIO
children=1
tcp_children=1
auto_aliases=no
tcp_accept_aliases=yes
listen=tcp:127.0.0.1:${port}
${modules.map((name) => `loadmodule "${name}.so"`).join("\n")}
modparam("presence", "db_url", "sqlite:///${database}")
modparam("presence", "server_address", "sip:127.0.0.1:${port};transport=tcp")
modparam("presence_xml", "db_url", "sqlite:///${database}")
modparam("presence_xml", "force_active", 1)
request_route {
  if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; }
  if (has_totag()) loose_route();
  if (is_method("SUBSCRIBE|PUBLISH")) {
    if (!t_newtran()) { sl_reply_error(); exit; }
    if (is_method("PUBLISH")) handle_publish(); else handle_subscribe();
    t_release();
    exit;
  }
  sl_send_reply("405", "Method Not Allowed");
}
`;
}

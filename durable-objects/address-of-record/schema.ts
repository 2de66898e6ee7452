import { pushNotesTable } from "./push-notes.ts";
import { thirdPartyCallsTable } from "./third-party-call-rows.ts";
import { timedCallsTable } from "./timed-calls.ts";
import { keptTraceTable } from "./kept-trace.ts";
import { subscriberTable } from "./account.ts";
import { bindingsTable } from "./binding-rows.ts";
import { contextsTable } from "./contexts.ts";
import { activeCallsTable } from "./active-calls.ts";
import { orphanedInvitesTable } from "./pending-invites.ts";
import { messagesTable } from "./stored-messages.ts";
import { subscriptionsTable } from "./presence/subscriptions.ts";
import { publicationsTable } from "./presence/publications.ts";
import { lastNotifiedTable } from "./presence/notifier.ts";
import { suspendedCallsTable } from "./suspended-calls.ts";
import { waitingTable } from "./presence/waiting.ts";
import { listSubscriptionsTable } from "./lists/list-subscriptions.ts";
import { backEndsTable } from "./lists/back-ends.ts";
import { attachmentsTable } from "./sockets.ts";
import { transfersTable } from "./transfer-rows.ts";
import { undeliveredMessagesTable } from "./undelivered-messages.ts";
import { callRecordsTable } from "./call-records.ts";
import { failedCallsTable } from "./failed-calls.ts";
import { namesInFirstRelease } from "../../lib/transport/attachment.ts";
import type { Schema } from "../../platform/sql.ts";

/** Tables of the first release that have another name now. */
const renamed = [
  ["calls", "active_calls"],
  ["letters", "undelivered_messages"],
  ["told", "last_notified"],
  ["away", "suspended_calls"],
] as const;

/** As they were before they had the name of the call. */
const orphanedInvitesOfSecond = `CREATE TABLE IF NOT EXISTS orphaned_invites (name TEXT PRIMARY KEY, due INTEGER NOT NULL, until INTEGER NOT NULL,
  home TEXT NOT NULL, phone TEXT NOT NULL, at INTEGER NOT NULL, forgetful INTEGER NOT NULL, contact TEXT NOT NULL) WITHOUT ROWID`;

/** The tables of a home: each belongs to one part, which alone reads and writes it. */
export const schema: Schema = {
  tables: {
    ...subscriberTable,
    ...bindingsTable,
    ...contextsTable,
    ...activeCallsTable,
    ...orphanedInvitesTable,
    ...messagesTable,
    ...subscriptionsTable,
    ...publicationsTable,
    ...lastNotifiedTable,
    ...suspendedCallsTable,
    ...waitingTable,
    ...listSubscriptionsTable,
    ...backEndsTable,
    ...attachmentsTable,
    ...undeliveredMessagesTable,
    ...failedCallsTable,
    ...callRecordsTable,
    ...keptTraceTable,
    ...pushNotesTable,
    ...timedCallsTable,
    ...thirdPartyCallsTable,
    ...transfersTable,
  },
  migrations: [
    // From the first release, which has two tables of calls whose phone was lost while they rang.
    (has) => [
      ...renamed.flatMap(([before, after]) => (has(before) && !has(after) ? [`ALTER TABLE ${before} RENAME TO ${after}`] : [])),
      ...(has("unattended_calls") ? ["ALTER TABLE unattended_calls RENAME TO orphaned_invites"] : []),
      ...(has("unattended") && !has("unattended_calls")
        ? [orphanedInvitesOfSecond, "INSERT INTO orphaned_invites SELECT *, '' FROM unattended", "DROP TABLE unattended"]
        : []),
    ],
    // Parts of attachments in rows had other names in the first release.
    (has) =>
      has("attachments")
        ? namesInFirstRelease.map(([before, after]) => `UPDATE attachments SET slice = '${after}' WHERE slice = '${before}'`)
        : [],
    (has) => (has("orphaned_invites") ? ["ALTER TABLE orphaned_invites ADD COLUMN call TEXT NOT NULL DEFAULT ''"] : []),
  ],
};

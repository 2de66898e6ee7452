/** Rows that one statement deletes, and statements of one run, at most. */
const [maxRows, maxStatements] = [5000, 100];

/**
 * Deletes rows, at most so many that the next run has to go on.
 * @param deletion its last parameter is the number of rows that it may delete
 */
export async function deleteInBatches(deletion: D1PreparedStatement, ...values: readonly number[]): Promise<void> {
  for (let count = 0; count < maxStatements; count += 1) {
    const { meta } = await deletion.bind(...values, maxRows).run();
    if (meta.changes < maxRows) return;
  }
}

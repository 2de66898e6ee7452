// Plain JavaScript, without a dependency: it runs before anything is installed, by whatever Node there is.
import { existsSync } from "node:fs";

if (!existsSync("node_modules/wrangler/package.json") || !existsSync("node_modules/node/package.json")) {
  process.stderr.write("Nothing is installed yet. Run this first:\n\n  npm install\n\n");
  process.exit(1);
}

import type { D1Migration } from "cloudflare:test";
import type { Environment } from "../../platform/environment.ts";

declare global {
  namespace Cloudflare {
    interface Env extends Environment {
      readonly TEST_MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: typeof import("../../workers/index.ts");
      durableNamespaces: "AddressOfRecord";
    }
  }
}

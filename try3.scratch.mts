import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
const config = unstable_readConfig({ config: "wrangler.toml" }, { hideWarnings: true });
const o = unstable_getMiniflareWorkerOptions({ ...config, userConfigPath: undefined });
console.log(o.main, o.workerOptions.bindings, o.workerOptions.d1Databases, o.workerOptions.assets);

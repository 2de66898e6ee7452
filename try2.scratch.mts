import { startServer } from "./test/support/server.ts";
let t=performance.now();
const s = await startServer();
console.log(s.url, performance.now()-t, await s.listHomes());
console.log(await (await fetch(s.url+"/ws")).text(), await (await fetch(s.url+"/")).text());
console.log(s.logs);
await s.stop();

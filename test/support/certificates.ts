import { execFileSync } from "node:child_process";

/**
 * Makes an authority (`ca.pem`) and a certificate that it has signed (`server.pem`, `server.key`), good for two days.
 * @param name whom it is for: `DNS:pbx.example`, `IP:127.0.0.1`
 */
export function makeCertificates(folder: string, name: string): void {
  const run = (line: string) => execFileSync("openssl", line.split(" "), { cwd: folder, stdio: "ignore" });
  run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority.example");
  run(`req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server.example -addext subjectAltName=${name}`);
  run("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -copy_extensions copy");
}

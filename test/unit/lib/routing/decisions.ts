import type { Zone } from "./support.ts";

export const address = ["example.com A 192.0.2.1"];
const sips = ["_sips._tcp.example.com SRV 0 0 5071 tls.example.com", "tls.example.com A 192.0.2.2"];
const tcp = ["_sip._tcp.example.com SRV 0 0 5070 tcp.example.com", "tcp.example.com A 192.0.2.3"];
const sipsWs = ["_sips._ws.example.com SRV 0 0 8443 wss.example.com", "wss.example.com A 192.0.2.4"];
export const everything = [...address, ...sips, ...tcp, ...sipsWs];
export const naptr = (order: number, preference: number, service: string, replacement: string, flags = "s"): string =>
  `example.com NAPTR ${order} ${preference} ${flags} ${service} - ${replacement}`;
export const toSips = naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com.");
export const toTcp = naptr(90, 50, "SIP+D2T", "_sip._tcp.example.com.");
const toUdp = naptr(10, 10, "SIP+D2U", "_sip._udp.example.com.");
const toWss = naptr(20, 10, "SIPS+D2W", "_sips._ws.example.com.");

/** RFC 3263 §4.1 and §4.2, row by row: what is found for a URI in a zone, `transport address:port` or the status of the fault. */
export const decisions: readonly (readonly [rule: string, uri: string, zone: Zone, hops: string])[] = [
  // Numeric targets.
  ["if the target is a numeric IP address, the client uses that address, and the default port", "sip:192.0.2.9", [], "tcp 192.0.2.9:5060"],
  ["if the URI also contains a port, it uses that port", "sip:192.0.2.9:5080", [], "tcp 192.0.2.9:5080"],
  ["a numeric SIPS URI goes by TLS", "sips:192.0.2.9", [], "tls 192.0.2.9:5061"],
  ["a numeric SIPS URI with a port goes by TLS to it", "sips:192.0.2.9:5060", [], "tls 192.0.2.9:5060"],
  ["an IPv6 reference is numeric", "sip:[2001:DB8::1]", [], "tcp [2001:db8::1]:5060"],
  ["and may have a port", "sip:[2001:db8::1]:5080;transport=tls", [], "tls [2001:db8::1]:5080"],
  ["numeric, if the URI specifies a transport, that is used", "sip:192.0.2.9;transport=tls", [], "tls 192.0.2.9:5061"],
  ["WebSocket has the port of HTTPS", "sip:192.0.2.9;transport=wss", [], "wss 192.0.2.9:443"],
  ["a name of digits with a dot at its end is none that is numeric", "sip:192.0.2.9.", [], "404"],
  // Explicit ports.
  [
    "if the target is not numeric and a port is present, an A or AAAA lookup is made",
    "sip:example.com:5080",
    everything,
    "tcp 192.0.2.1:5080",
  ],
  ["a SIPS URI with a port goes by TLS", "sips:example.com:5080", everything, "tls 192.0.2.1:5080"],
  ["port and transport are both as said", "sip:example.com:8443;transport=wss", everything, "wss 192.0.2.1:8443"],
  ["a port is not looked up elsewhere if there is no address", "sip:example.com:5080", [...sips, toSips], "404"],
  ["no request goes to port 0", "sip:example.com:0", everything, "400"],
  // Explicit transports.
  [
    "the client performs an SRV query for that specific transport: TCP",
    "sip:example.com;transport=tcp",
    [...everything, toSips],
    "tcp 192.0.2.3:5070",
  ],
  ["TLS with the service identifier _sips", "sip:example.com;transport=tls", everything, "tls 192.0.2.2:5071"],
  ["the value of transport has no case", "sip:example.com;Transport=TCP", everything, "tcp 192.0.2.3:5070"],
  ["the transport WS of a SIPS URI is WSS (RFC 7118 §5.2)", "sips:example.com;transport=ws", everything, "wss 192.0.2.4:8443"],
  ["the transport TCP of a SIPS URI is TLS over it", "sips:example.com;transport=tcp", everything, "tls 192.0.2.2:5071"],
  [
    "if no SRV records were found, the domain name itself, at the default port",
    "sip:example.com;transport=tcp",
    [...address, ...sips],
    "tcp 192.0.2.1:5060",
  ],
  ["at the default port of TLS", "sip:example.com;transport=tls", address, "tls 192.0.2.1:5061"],
  ["at the default port of WSS", "sip:example.com;transport=wss", address, "wss 192.0.2.1:443"],
  ["there is no UDP here", "sip:example.com;transport=udp", everything, "503"],
  ["nor SCTP", "sip:example.com;transport=sctp", everything, "503"],
  ["nor what nobody knows", "sip:192.0.2.9;transport=constructor", [], "503"],
  ["nor plain WebSocket, unless it is among ours", "sip:example.com;transport=ws", everything, "503"],
  ["a SIPS URI never goes by UDP", "sips:example.com;transport=udp", everything, "503"],
  // NAPTR.
  ["NAPTR discovers the most preferred transport: TLS", "sip:example.com", [...everything, toTcp, toSips], "tls 192.0.2.2:5071"],
  ["NAPTR: TCP, though we prefer TLS", "sip:example.com", [...everything, toTcp], "tcp 192.0.2.3:5070"],
  [
    "the client must discard services of transports that it does not support",
    "sip:example.com",
    [...everything, toUdp, toTcp],
    "tcp 192.0.2.3:5070",
  ],
  ["WSS is found by SIPS+D2W (RFC 7118 §5.5)", "sip:example.com", [...everything, toWss, toSips], "wss 192.0.2.4:8443"],
  [
    "a client resolving a SIPS URI must discard services that are not SIPS",
    "sips:example.com",
    [...everything, naptr(1, 1, "SIP+D2T", "_sip._tcp.example.com"), toSips],
    "tls 192.0.2.2:5071",
  ],
  ["a SIPS URI finds WSS", "sips:example.com", [...everything, toWss], "wss 192.0.2.4:8443"],
  ["services have no case", "sip:example.com", [...everything, naptr(1, 1, "sip+d2t", "_sip._tcp.example.com", "S")], "tcp 192.0.2.3:5070"],
  [
    "within an order the lower preference is first, the other next",
    "sip:example.com",
    [...everything, naptr(1, 2, "SIPS+D2T", "_sips._tcp.example.com"), naptr(1, 1, "SIP+D2T", "_sip._tcp.example.com")],
    "tcp 192.0.2.3:5070, tls 192.0.2.2:5071",
  ],
  [
    "within a preference ours decides",
    "sip:example.com",
    [...everything, naptr(1, 1, "SIP+D2T", "_sip._tcp.example.com"), naptr(1, 1, "SIPS+D2T", "_sips._tcp.example.com")],
    "tls 192.0.2.2:5071, tcp 192.0.2.3:5070",
  ],
  [
    "a replacement may be in another domain",
    "sip:example.com",
    [naptr(1, 1, "SIPS+D2T", "_sips._tcp.example.net"), "_sips._tcp.example.net SRV 0 0 5061 a.example.net", "a.example.net A 192.0.2.7"],
    "tls 192.0.2.7:5061",
  ],
  [
    "records that are not of the flag s are not applicable",
    "sip:example.com",
    [...tcp, naptr(1, 1, "SIPS+D2T", "tls.example.com", "a"), naptr(1, 1, "SIPS+D2T", "example.com", "-")],
    "tcp 192.0.2.3:5070",
  ],
  ["nor are those of other services", "sip:example.com", [...tcp, naptr(1, 1, "E2U+sip", "_sips._tcp.example.com")], "tcp 192.0.2.3:5070"],
  [
    "of a transport that NAPTR has told but SRV does not know, the default port at the domain",
    "sip:example.com",
    [...address, toSips],
    "tls 192.0.2.1:5061",
  ],
  [
    "if a NAPTR lookup fails, SRV is tried",
    "sip:example.com",
    [...everything, "example.com NAPTR FAILED"],
    "tls 192.0.2.2:5071, tcp 192.0.2.3:5070, wss 192.0.2.4:8443",
  ],
  // SRV without NAPTR.
  [
    "if no NAPTR records are found, SRV queries for the transports it supports, in our order",
    "sip:example.com",
    everything,
    "tls 192.0.2.2:5071, tcp 192.0.2.3:5070, wss 192.0.2.4:8443",
  ],
  ["if the domain has NAPTR records of UDP only, the same", "sip:example.com", [...tcp, toUdp], "tcp 192.0.2.3:5070"],
  ["a particular transport is supported if the query is successful", "sip:example.com", [...address, ...tcp], "tcp 192.0.2.3:5070"],
  ["for SIPS URIs with the service identifier _sips only", "sips:example.com", [...address, ...tcp], "tls 192.0.2.1:5061"],
  ["and by no transport without TLS", "sips:example.com", everything, "tls 192.0.2.2:5071, wss 192.0.2.4:8443"],
  [
    "if the SRV lookup of one transport fails, the next is used",
    "sip:example.com",
    [...tcp, "_sips._tcp.example.com SRV FAILED"],
    "tcp 192.0.2.3:5070",
  ],
  [
    "a target of a dot: the service is decidedly not available at this domain",
    "sip:example.com",
    [...address, "_sips._tcp.example.com SRV 0 0 5061 .", "_sip._tcp.example.com SRV 0 0 0 ."],
    "404",
  ],
  ["so another transport is used", "sip:example.com", [...address, ...tcp, "_sips._tcp.example.com SRV 0 0 5061 ."], "tcp 192.0.2.3:5070"],
  [
    "servers are in the order of their priority",
    "sip:example.com;transport=tls",
    [...sips, "_sips._tcp.example.com SRV 10 0 5061 b.example.com", "b.example.com A 192.0.2.12"],
    "tls 192.0.2.2:5071, tls 192.0.2.12:5061",
  ],
  [
    "a server without address is left out",
    "sip:example.com;transport=tls",
    [...sips, "_sips._tcp.example.com SRV 0 0 5061 gone.example.com"],
    "tls 192.0.2.2:5071",
  ],
  [
    "a server whose address lookup fails is left out",
    "sip:example.com;transport=tls",
    [...sips, "_sips._tcp.example.com SRV 0 0 5061 b.example.com", "b.example.com A FAILED", "b.example.com AAAA FAILED"],
    "tls 192.0.2.2:5071",
  ],
  // A and AAAA.
  ["without SRV the default is TCP for a SIP URI", "sip:example.com", address, "tcp 192.0.2.1:5060"],
  ["and TLS for a SIPS URI", "sips:example.com", address, "tls 192.0.2.1:5061"],
  [
    "the result will be a list of IP addresses, of both families",
    "sip:example.com",
    [...address, "example.com A 192.0.2.6", "example.com AAAA 2001:db8::1"],
    "tcp [2001:db8::1]:5060, tcp 192.0.2.1:5060, tcp 192.0.2.6:5060",
  ],
  ["one family is enough, if the other fails", "sip:example.com", [...address, "example.com AAAA FAILED"], "tcp 192.0.2.1:5060"],
  // Nothing.
  ["nothing found is 404", "sip:example.com", [], "404"],
  ["nothing found because a lookup failed is 503", "sip:example.com", ["example.com A FAILED"], "503"],
  ["it may be the first that failed", "sip:example.com", ["example.com NAPTR FAILED"], "503"],
  ["what ends in a number is no name", "sip:example.0x7f", ["example.0x7f A 192.0.2.1"], "404"],
  ["a label of 64 letters is no name", `sip:${"a".repeat(64)}.example`, [], "404"],
  // maddr.
  ["if the URI contains a maddr parameter, that is the target", "sip:example.com;maddr=192.0.2.5", everything, "tcp 192.0.2.5:5060"],
  ["a maddr may be a name", "sip:example.net;maddr=example.com;transport=tls", everything, "tls 192.0.2.2:5071"],
  ["a maddr that is no host is a fault", "sip:example.com;maddr=a/b", everything, "400"],
];

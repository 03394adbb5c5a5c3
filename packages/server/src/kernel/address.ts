/** `192.0.2.7:50123`, `[2001:db8::1]:50123` or `[2001:db8::1]`. */
const WITH_PORT = /^(?:([\d.]+):\d{1,5}|\[([\d.a-f:]+)\](?::\d{1,5})?)$/i;

/**
 * An address without the port of its connection, which some proxies write beside it in X-Forwarded-For (Azure's
 * Application Gateway, IIS): with it, each connection would be somebody else.
 */
export function withoutPort(address: string): string {
  const [, ipv4, ipv6] = WITH_PORT.exec(address) ?? [];
  return ipv4 ?? ipv6 ?? address;
}

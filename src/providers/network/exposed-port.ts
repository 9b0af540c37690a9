import { fail } from '../../model/errors.ts';

/** `80/tcp`, `53/udp` or `8080`, which is TCP. */
export function parseExposedPort(text: string): { readonly port: number; readonly protocol: string } {
	const [, number = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
	const port = Number(number);
	if (port < 1 || port > 65535) throw fail('invalid-value', `'${text}' is not a port to expose: write it as 80/tcp, 53/udp or 8080.`);
	return { port, protocol: protocol.toLowerCase() };
}

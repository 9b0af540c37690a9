import { fail } from '../../model/errors.ts';

/** Most ports that one container may expose. */
const most = 256;

/** `exposed_ports` with the protocol of each made explicit (`80` is `80/tcp`); undefined = none. */
export function exposedPorts(ports: Readonly<Record<string, object>> | null): Record<string, object> | undefined {
	const entries = Object.keys(ports ?? {}).map((text) => [normalPort(text), {}] as const);
	if (entries.length > most) throw fail('invalid-value', `exposed_ports has ${entries.length} ports: ${most} is the most.`);
	return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function normalPort(text: string): string {
	const match = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text);
	const port = Number(match?.[1] ?? 0);
	if (match === null || port < 1 || port > 65_535) {
		throw fail('invalid-value', `Invalid port '${text.slice(0, 40)}' in exposed_ports: give <port>/<tcp|udp>.`);
	}
	return `${port}/${(match[2] ?? 'tcp').toLowerCase()}`;
}

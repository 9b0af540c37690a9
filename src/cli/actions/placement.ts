import { usageError } from '../exit-code.ts';
import type { Resource } from '../resource.ts';
import type { Input } from '../tree/input.ts';

/** Keeps what was given: undefined fields are left out. */
export function given(fields: Resource): Resource {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Where a sandbox goes and what it is attached to, as create requests take it. */
export function placementFields(input: Input): Resource {
	const nets = input.texts('net').map(net);
	const groups = input.texts('security-group');
	return given({
		nets: nets.length === 0 ? undefined : nets,
		security_groups: groups.length === 0 ? undefined : groups,
		host: input.text('host'),
		availability_zone: input.text('availability-zone'),
		hints: input.pairs('hint'),
		runtime: input.text('runtime'),
	});
}

/** `network`, `network,ip=10.0.0.9` or `port=<id>`. */
function net(text: string): Resource {
	const [first = '', ...more] = text.split(',');
	const port = /^port=(.+)$/.exec(first)?.[1];
	const network = first.replace(/^network=/, '');
	const address: Record<string, string> = {};
	for (const word of more) {
		const ip = /^ip=(.+)$/.exec(word)?.[1];
		if (ip === undefined) throw usageError(`--net takes network, network,ip=<address> or port=<id>, not "${text}"`);
		address[ip.includes(':') ? 'v6-fixed-ip' : 'v4-fixed-ip'] = ip;
	}
	return port === undefined ? { network, ...address } : { port, ...address };
}

/** Published ports; undefined when none are given, an empty list for `none`. */
export function publishedPorts(input: Input): readonly Resource[] | undefined {
	const words = input.texts('publish');
	if (words.length === 0) return undefined;
	return words.length === 1 && words[0] === 'none' ? [] : words.map(publishedPort);
}

function publishedPort(text: string): Resource {
	const match = /^(?:(\[[^\]]+\]|[\d.]+):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
	if (match === null) throw usageError(`--publish takes [ip:]<port of the host>:<port of the sandbox>[/udp], not "${text}"`);
	return given({
		host_ip: match[1]?.replace(/^\[|\]$/g, ''),
		host_port: Number(match[2]),
		sandbox_port: Number(match[3]),
		protocol: match[4],
	});
}

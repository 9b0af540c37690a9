import type { OptionSpec } from '../tree/spec.ts';

/** Options that many commands share. */

export const connection: readonly OptionSpec[] = [
	{ name: 'os-cloud', value: 'name', summary: 'Entry of a clouds.yaml that says where to log in and as whom', everywhere: true },
	{
		name: 'data-directory',
		value: 'folder',
		summary: 'Where the local service keeps its files, when that is not its default',
		everywhere: true,
	},
];

const output: OptionSpec = { name: 'output', short: 'o', value: 'form', summary: 'How the result is shown', choices: ['table', 'json'] };

/** Of commands that show something: as a table, as the API's JSON, or only as ids. */
export const showing: readonly OptionSpec[] = [output, { name: 'quiet', short: 'q', summary: 'Show ids only' }, ...connection];

/** Of commands that show what has no id. */
export const showingPlain: readonly OptionSpec[] = [output, ...connection];

/** Of commands that only do something. */
export const doing: readonly OptionSpec[] = [{ name: 'quiet', short: 'q', summary: 'Say nothing when all went well' }, ...connection];

export const waiting: readonly OptionSpec[] = [
	{ name: 'wait', negatable: true, summary: 'Wait until it is done (which is the default) or only ask for it' },
	{ name: 'timeout', value: 'time', summary: 'Longest wait, such as 90s or 5m; 10m when not given' },
];

export const paging: readonly OptionSpec[] = [
	{ name: 'limit', value: 'count', summary: 'Most rows' },
	{ name: 'sort', value: 'field[:desc]', summary: 'Order by a field of the API, such as name or created_at:desc' },
	{ name: 'all-projects', short: 'A', summary: 'Those of every project (administrators)' },
];

export const labels: OptionSpec = { name: 'label', short: 'l', value: 'key=value', summary: 'Label', repeat: true };

/** Where a sandbox goes and what it is attached to. */
export const placement: readonly OptionSpec[] = [
	{
		name: 'net',
		value: 'network',
		summary: 'Network by name or id, with an address as network,ip=10.0.0.9, or a port as port=<id>',
		repeat: true,
		of: 'network',
	},
	{ name: 'security-group', value: 'name', summary: 'Security group of its ports', repeat: true },
	{
		name: 'publish',
		short: 'p',
		value: '[ip:]port:port[/udp]',
		summary: 'Publish a port: that of the host, then that of the sandbox',
		repeat: true,
	},
	{ name: 'availability-zone', value: 'zone', summary: 'Zone of the host' },
	{ name: 'host', value: 'name', summary: 'A certain host (administrators)' },
	{ name: 'hint', value: 'key=value', summary: 'For the scheduler, such as different_host=<sandbox id>', repeat: true },
	{ name: 'runtime', value: 'name', summary: 'OCI runtime' },
];

/** Which of the two an image is of. */
export const imageDriver: OptionSpec = {
	name: 'image-driver',
	value: 'driver',
	summary: 'Where the image is: in a registry (docker), or in Glance',
	choices: ['docker', 'glance'],
};

/** What a container is made with. */
export const containerOptions: readonly OptionSpec[] = [
	{ name: 'name', short: 'n', value: 'name', summary: 'Its name; one is made up when not given' },
	{
		name: 'sandbox',
		short: 's',
		value: 'sandbox',
		summary: 'Sandbox to join, by name or id; else one is made that goes with the container',
		of: 'sandbox',
	},
	{ name: 'env', short: 'e', value: 'NAME=value', summary: 'Environment variable', repeat: true },
	labels,
	{ name: 'cpu', value: 'cores', summary: 'Most cores, such as 0.5' },
	{ name: 'memory', short: 'm', value: 'size', summary: 'Most memory, such as 256m or 2g; a plain number is MiB' },
	{ name: 'disk', value: 'GiB', summary: 'Most space for what it writes' },
	{ name: 'pids', value: 'count', summary: 'Most processes' },
	{ name: 'workdir', short: 'w', value: 'path', summary: 'Folder that it starts in' },
	{ name: 'entrypoint', value: 'word', summary: "Replaces the image's entrypoint; repeat it for more words", repeat: true },
	{ name: 'hostname', value: 'name', summary: 'Hostname that it sees' },
	{ name: 'restart', value: 'policy[:retries]', summary: 'no, always, unless-stopped or on-failure[:retries]' },
	{ name: 'rm', summary: 'Delete it when it ends' },
	{ name: 'interactive', short: 'i', summary: 'Keep its standard input open' },
	{ name: 'tty', short: 't', summary: 'Give it a terminal' },
	{ name: 'pull', value: 'policy', summary: 'When the image is pulled', choices: ['always', 'ifnotpresent', 'never'] },
	imageDriver,
	{ name: 'registry', value: 'name', summary: 'Registry whose credentials are used' },
	{
		name: 'volume',
		short: 'v',
		value: 'source:path[:ro]',
		summary: 'Mount a volume (by name), a new one of a size (as 2g:/data) or a file (as ./file:/etc/file)',
		repeat: true,
		of: 'volume',
	},
	{ name: 'expose', value: 'port[/udp]', summary: 'Port that it listens on', repeat: true },
	{ name: 'health-cmd', value: 'line', summary: 'Command that tells whether it is healthy' },
	{ name: 'health-interval', value: 'time', summary: 'Time between two checks' },
	{ name: 'health-timeout', value: 'time', summary: 'Longest time of a check' },
	{ name: 'health-retries', value: 'count', summary: 'Failures until it counts as unhealthy' },
	{ name: 'auto-heal', summary: 'Make it again when it was lost' },
	{ name: 'privileged', summary: 'All rights of the host (where the policy allows it)' },
	...placement,
];

export const logOptions: readonly OptionSpec[] = [
	{ name: 'follow', short: 'f', summary: 'Go on with what it writes' },
	{ name: 'tail', short: 'n', value: 'lines', summary: 'Only the last lines' },
	{ name: 'since', value: 'time', summary: 'Only what is newer: a time ago such as 10m, or seconds since 1970' },
	{ name: 'timestamps', short: 't', summary: 'With the time of each line' },
	{ name: 'stdout', summary: 'Only standard output' },
	{ name: 'stderr', summary: 'Only standard error' },
];

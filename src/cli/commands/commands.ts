import type { CommandSpec, GroupSpec } from '../tree/spec.ts';
import { adminCommands } from './admin.ts';
import { containerCommands } from './containers.ts';
import { identityCommands } from './identity.ts';
import { resourceCommands } from './resources.ts';
import { roleCommands } from './roles.ts';
import { sandboxCommands } from './sandboxes.ts';
import { shortCommands } from './short.ts';

/** Every command. Only what describes them is loaded here: the code of each comes when it is called. */
export const commands: readonly CommandSpec[] = [
	...shortCommands,
	...sandboxCommands,
	...containerCommands,
	...resourceCommands,
	...identityCommands,
	...adminCommands,
	...roleCommands,
];

export const groups: readonly GroupSpec[] = [
	{ path: 'sandbox', summary: 'Sandboxes: make, look at, change, delete' },
	{ path: 'sandbox volume', summary: 'Volumes of a sandbox' },
	{ path: 'container', summary: 'Containers: make, look at, change, delete' },
	{ path: 'container network', summary: "Networks of a container's sandbox" },
	{ path: 'network', summary: 'Networks' },
	{ path: 'volume', summary: 'Volumes' },
	{ path: 'project', summary: 'Projects and their members' },
	{ path: 'user', summary: 'Users' },
	{ path: 'token', summary: 'Tokens for other programs' },
	{ path: 'host', summary: 'Hosts (administrators)' },
	{ path: 'quota', summary: 'Limits of a project' },
	{ path: 'db', summary: "The local service's database" },
];

import type { CommandSpec, GroupSpec } from '../tree/spec.ts';
import { adminCommands } from './admin.ts';
import { capsuleCommands } from './capsules.ts';
import { containerCommands } from './containers.ts';
import { identityCommands } from './identity.ts';
import { imageCommands } from './images.ts';
import { operatorCommands } from './openstack.ts';
import { resourceCommands } from './resources.ts';
import { roleCommands } from './roles.ts';
import { sandboxCommands } from './sandboxes.ts';
import { securityCommands } from './security.ts';
import { shortCommands } from './short.ts';

/** Every command. Only what describes them is loaded here: the code of each comes when it is called. */
export const commands: readonly CommandSpec[] = [
	...shortCommands,
	...sandboxCommands,
	...containerCommands,
	...capsuleCommands,
	...imageCommands,
	...resourceCommands,
	...securityCommands,
	...identityCommands,
	...adminCommands,
	...roleCommands,
	...operatorCommands,
];

export const groups: readonly GroupSpec[] = [
	{ path: 'sandbox', summary: 'Sandboxes: make, look at, change, delete' },
	{ path: 'sandbox volume', summary: 'Volumes of a sandbox' },
	{ path: 'sandbox security-group', summary: 'Security groups of a sandbox' },
	{ path: 'container', summary: 'Containers: make, look at, change, delete' },
	{ path: 'container network', summary: "Networks of a container's sandbox" },
	{ path: 'capsule', summary: 'Capsules: sandboxes with the containers of a template' },
	{ path: 'image', summary: 'Images on hosts and in registries' },
	{ path: 'commit', summary: 'Images that the project made of its containers' },
	{ path: 'registry', summary: 'Logins of registries' },
	{ path: 'network', summary: 'Networks' },
	{ path: 'security-group', summary: 'Security groups: what may come in and go out' },
	{ path: 'security-group rule', summary: 'Rules of security groups' },
	{ path: 'port', summary: 'Ports: attachments to networks' },
	{ path: 'volume', summary: 'Volumes' },
	{ path: 'project', summary: 'Projects and their members' },
	{ path: 'user', summary: 'Users' },
	{ path: 'token', summary: 'Tokens for other programs' },
	{ path: 'host', summary: 'Hosts (administrators)' },
	{ path: 'quota', summary: 'Limits of a project' },
	{ path: 'openstack', summary: 'The service in an OpenStack cloud' },
	{ path: 'db', summary: "The local service's database" },
];

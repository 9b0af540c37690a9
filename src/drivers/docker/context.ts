import type { CgroupParents } from './cgroup/cgroup-parents.ts';
import type { EngineClient } from './engine/engine-client.ts';
import type { EngineObjects } from './engine-objects.ts';
import type { DockerSettings } from './settings.ts';

/** What the parts of the driver share. */
export interface DockerContext {
	readonly owner: string;
	readonly settings: DockerSettings;
	readonly engine: EngineClient;
	readonly objects: EngineObjects;
	readonly cgroups: CgroupParents;
}

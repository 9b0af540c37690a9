import { fail } from '../../model/errors.ts';
import type { HostVolumes } from './host-volumes.ts';

/** For a host that has none. */
export class NoVolumes implements HostVolumes {
	async attach(): Promise<string> {
		throw fail('volume-not-usable', 'this host has no volumes: they need Linux, and root');
	}

	async detach(): Promise<void> {}

	async destroy(): Promise<void> {}

	async list(): Promise<readonly never[]> {
		return [];
	}

	async stored(): Promise<readonly never[]> {
		return [];
	}
}

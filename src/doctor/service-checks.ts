import type { Driver } from '../drivers/driver.ts';
import { type Check, failed, ok, warning } from './check.ts';
import type { Machine } from './machine.ts';

/** What is asked of the Docker Engine beside what every driver tells. */
export interface EngineInfo {
	readonly storage: string;
	readonly cgroupDriver: string;
	/** Where it keeps images and containers. */
	readonly root: string;
}

export function driverCheck(name: string, facts: Driver['facts']): Check {
	return {
		name: 'engine',
		advice: name === 'docker' ? 'start it (systemctl start docker), and let the service use its socket' : `look after the driver ${name}`,
		async look(signal) {
			const found = await facts(signal);
			return ok(`${found.driver} ${found.driverVersion} with ${found.cpus} cores and ${found.memoryMib} MiB`);
		},
	};
}

/** Storage drivers that copy whole images, or that are made for tests. */
const slowStorage = new Set(['vfs', 'fuse-overlayfs']);

export function engineStorageCheck(info: (signal: AbortSignal) => Promise<EngineInfo>): Check {
	return {
		name: 'engine: storage',
		needs: ['engine'],
		advice: 'see docker info',
		async look(signal) {
			const { storage, cgroupDriver, root } = await info(signal);
			if (cgroupDriver === 'none') return failed('the engine has no control groups', 'run it as root: sandboxes have no limits otherwise');
			if (slowStorage.has(storage))
				return warning(`storage driver ${storage}`, 'use overlay2: this one copies every image for every container');
			return ok(`storage driver ${storage} at ${root}, cgroup driver ${cgroupDriver}`);
		},
	};
}

/** Whether the service itself answers; before its first start it cannot. */
export function serviceCheck(url: string, ask: (url: string, signal: AbortSignal) => Promise<number>): Check {
	return {
		name: 'service',
		advice: 'see its log: journalctl -u zunbox',
		async look(signal) {
			let status: number;
			try {
				status = await ask(`${url}/healthcheck`, signal);
			} catch {
				return warning(`nobody answers at ${url}`, 'start it: systemctl start zunbox');
			}
			if (status === 200) return ok(`answers at ${url}`);
			return failed(`${url} answers ${status}`, 'see its log (journalctl -u zunbox), and whether something else has its port');
		},
	};
}

export function agentSocketCheck(machine: Machine, socket: string): Check {
	return {
		name: "agent's socket",
		advice: 'restart the service: it makes the socket anew',
		async look(signal) {
			const found = await machine.stat(socket);
			if (found === null) return warning(`${socket} is not there`, 'start the service on this host: it makes the socket');
			if (found.kind !== 'socket') return failed(`${socket} is no socket`, 'remove it, and restart the service');
			if ((found.mode & 0o077) !== 0)
				return failed(`${socket} can be used by others`, `chmod 600 ${socket}: whoever may use it rules this host's sandboxes`);
			await machine.connect(socket, signal);
			return ok(`${socket} answers, for its owner alone`);
		},
	};
}

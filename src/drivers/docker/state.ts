import type { ContainerState, SandboxState } from '../driver.ts';
import { flag, keys, number, text, texts, time } from './engine/json.ts';
import { labels } from './names.ts';

/** From the engine's description of a namespace holder. */
export function sandboxState(inspected: unknown): SandboxState {
	const status = engineStatus(inspected);
	const running = status === 'running' || status === 'paused';
	return {
		id: text(inspected, 'Config', 'Labels', labels.sandbox),
		status: status === 'created' || running ? status : 'stopped',
		startedAt: time(inspected, 'State', 'StartedAt'),
		finishedAt: running ? null : time(inspected, 'State', 'FinishedAt'),
	};
}

/** From the engine's description of a container. `holder` is the engine id of its sandbox's holder, null = there is none. */
export function containerState(inspected: unknown, holder: string | null): ContainerState {
	const status = engineStatus(inspected);
	const error = text(inspected, 'State', 'Error');
	const ended = status === 'stopped' || status === 'dead' || (status === 'created' && error !== '');
	const alive = status === 'running' || status === 'paused' || status === 'restarting';
	return {
		id: text(inspected, 'Config', 'Labels', labels.container),
		sandboxId: text(inspected, 'Config', 'Labels', labels.sandbox),
		revision: Number(text(inspected, 'Config', 'Labels', labels.revision)) || 0,
		runtimeId: text(inspected, 'Id'),
		status,
		exitCode: ended ? number(inspected, 'State', 'ExitCode') : null,
		oomKilled: flag(inspected, 'State', 'OOMKilled'),
		error: error === '' ? null : error,
		health: alive ? healthOf(text(inspected, 'State', 'Health', 'Status')) : null,
		startedAt: time(inspected, 'State', 'StartedAt'),
		finishedAt: alive ? null : time(inspected, 'State', 'FinishedAt'),
		command: texts(inspected, 'Config', 'Cmd'),
		entrypoint: texts(inspected, 'Config', 'Entrypoint'),
		workdir: text(inspected, 'Config', 'WorkingDir') || null,
		hostname: text(inspected, 'Config', 'Labels', labels.hostname) || text(inspected, 'Config', 'Hostname') || null,
		ports: portsOf(inspected),
		joinsCurrentSandbox: holder !== null && text(inspected, 'HostConfig', 'NetworkMode') === `container:${holder}`,
	};
}

function engineStatus(inspected: unknown): ContainerState['status'] {
	const status = text(inspected, 'State', 'Status');
	switch (status) {
		case 'created':
		case 'running':
		case 'paused':
		case 'restarting':
			return status;
		case 'exited':
			return 'stopped';
		default:
			return 'dead';
	}
}

function healthOf(status: string): ContainerState['health'] {
	return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : null;
}

/** Those of the image and those that were asked for. */
function portsOf(inspected: unknown): readonly number[] {
	const asked = text(inspected, 'Config', 'Labels', labels.ports).split(',');
	const all = [...asked, ...keys(inspected, 'Config', 'ExposedPorts')].map((port) => Number.parseInt(port, 10));
	return [...new Set(all.filter((port) => port > 0 && port < 65_536))].sort((left, right) => left - right);
}

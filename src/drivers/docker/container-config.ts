import { type ContainerSettings, DriverError } from '../driver.ts';
import { createdLimits } from './engine-limits.ts';
import { engineHealthCheck } from './health-check.ts';
import { labels, userLabelPrefix } from './names.ts';
import type { DockerSettings } from './settings.ts';

/** What a container's creation needs beside its own settings. */
export interface ContainerPlace {
	readonly owner: string;
	/** Engine's id of the sandbox's holder. */
	readonly holder: string;
	readonly cgroupParent: string;
	/** The settings that make a container privileged here. */
	readonly privileged: Readonly<Record<string, unknown>>;
	/** What the image says of its own health check. */
	readonly imageHealthCheck: unknown;
	readonly log: Pick<DockerSettings, 'logMaxSize' | 'logMaxFiles'>;
}

/**
 * The engine's form of a container that joins a sandbox. The holder is named by its engine id: that is what tells later
 * whether the container joins the holder that stands then. The engine's own restarts stay off, since it does not know
 * that the sandbox and its ports must come first.
 */
export function containerConfig(settings: ContainerSettings, place: ContainerPlace): unknown {
	const holder = `container:${place.holder}`;
	const healthcheck = engineHealthCheck(settings.healthcheck, place.imageHealthCheck);
	return {
		// By its id: another project's pull, tag or push may give the name to another image at any time.
		Image: settings.imageId ?? settings.image,
		...(settings.command === null ? {} : { Cmd: settings.command }),
		...(settings.entrypoint === null ? {} : { Entrypoint: settings.entrypoint }),
		...(settings.workdir === null ? {} : { WorkingDir: settings.workdir }),
		Env: Object.entries(settings.environment).map(([name, value]) => `${name}=${value}`),
		Labels: containerLabels(settings, place.owner),
		Tty: settings.tty,
		OpenStdin: settings.interactive,
		// The end of input of whoever attaches reaches the process; without this nothing ever would end it.
		StdinOnce: settings.interactive,
		...(healthcheck === null ? {} : { Healthcheck: healthcheck }),
		HostConfig: {
			NetworkMode: holder,
			IpcMode: settings.ipc ? holder : 'private',
			PidMode: settings.pid ? holder : '',
			CgroupParent: place.cgroupParent,
			...(settings.privileged ? place.privileged : { SecurityOpt: ['no-new-privileges'] }),
			RestartPolicy: { Name: 'no' },
			LogConfig: logConfig(place.log),
			...createdLimits(settings),
			...(settings.disk === null ? {} : { StorageOpt: { size: `${settings.disk}G` } }),
			...(settings.runtime === null ? {} : { Runtime: settings.runtime }),
			Mounts: settings.mounts.map((mount) => ({
				Type: 'bind',
				Source: mount.source,
				Target: mount.destination,
				ReadOnly: mount.readOnly,
				BindOptions: { Propagation: 'rprivate' },
			})),
		},
	};
}

/**
 * Logs that cannot fill the disk. Of the engine's bounded drivers only this one keeps every byte as it was written;
 * json-file replaces what is no UTF-8. It refuses to compress where there is only the one file that it writes.
 */
function logConfig({ logMaxSize, logMaxFiles }: ContainerPlace['log']): unknown {
	return { Type: 'local', Config: { 'max-size': logMaxSize, 'max-file': `${logMaxFiles}`, compress: `${logMaxFiles > 1}` } };
}

function containerLabels(settings: ContainerSettings, owner: string): Readonly<Record<string, string>> {
	const users = Object.entries(settings.labels).map(([name, value]) => [`${userLabelPrefix}${name}`, value]);
	return {
		...Object.fromEntries(users),
		[labels.owner]: owner,
		[labels.kind]: 'container',
		[labels.sandbox]: settings.sandboxId,
		[labels.container]: settings.id,
		[labels.name]: settings.name,
		[labels.image]: settings.image,
		[labels.revision]: `${settings.revision}`,
		[labels.hostname]: settings.hostname ?? '',
		[labels.ports]: settings.exposedPorts.join(','),
	};
}

/** What the engine would take and do something else with. Throws a DriverError `invalid`. */
export function checkContainer(settings: ContainerSettings): void {
	const name = Object.keys(settings.environment).find((key) => key === '' || /[=\0]/.test(key));
	if (name !== undefined) throw new DriverError('invalid', `"${name}" cannot be the name of an environment variable`);
	const mount = settings.mounts.find(({ source, destination }) => !source.startsWith('/') || !destination.startsWith('/'));
	if (mount !== undefined) throw new DriverError('invalid', `a mount needs absolute paths: ${mount.source} at ${mount.destination}`);
}

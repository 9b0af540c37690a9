import type { SandboxSpec } from '../../model/spec.ts';
import type { HostVolumes } from '../volumes/host-volumes.ts';
import type { Hook, HookSubject } from './hook.ts';
import { runAll } from './run-all.ts';

/** The sandbox's volumes, on the host. Data stays when they go; an injected file is nothing without its sandbox. */
export function volumesHook(volumes: HostVolumes): Hook {
	const release = async ({ spec, holdings }: HookSubject, volumeId: string, signal: AbortSignal): Promise<void> => {
		const isFile = spec?.volumes.some((volume) => volume.id === volumeId && volume.provider === 'file') ?? false;
		await (isFile ? volumes.destroy(volumeId, signal) : volumes.detach(volumeId, signal));
		holdings.volumes.delete(volumeId);
	};
	return {
		async setUp(subject, signal) {
			for (const volume of attachedVolumes(subject.spec)) {
				if (subject.holdings.volumes.has(volume.id)) continue;
				subject.holdings.volumes.set(volume.id, await volumes.attach(subject.sandboxId, volume, signal));
			}
			const wanted = new Set(attachedVolumes(subject.spec).map((volume) => volume.id));
			for (const volumeId of [...subject.holdings.volumes.keys()]) {
				if (!wanted.has(volumeId)) await release(subject, volumeId, signal);
			}
		},
		async tearDown(subject, signal) {
			const ids = new Set(subject.holdings.volumes.keys());
			for (const volume of subject.spec?.volumes ?? []) ids.add(volume.id);
			for (const volume of await volumes.list(signal)) if (volume.sandboxId === subject.sandboxId) ids.add(volume.volumeId);
			await runAll([...ids].map((id) => () => release(subject, id, signal)));
		},
	};
}

function attachedVolumes(spec: SandboxSpec) {
	return spec.volumes.filter((volume) => !volume.detached);
}

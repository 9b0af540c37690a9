import type { SandboxSpec } from '../../model/spec.ts';
import type { HostVolumes } from '../volumes/host-volumes.ts';
import type { Hook, HookSubject } from './hook.ts';
import { runAll } from './run-all.ts';

/** The sandbox's volumes, on the host. Data stays when they go; an injected file is nothing without its sandbox. */
export function volumesHook(volumes: HostVolumes): Hook {
	const release = async ({ sandboxId, holdings }: HookSubject, volumeId: string, signal: AbortSignal): Promise<void> => {
		await volumes.detach(sandboxId, volumeId, signal);
		holdings.volumes.delete(volumeId);
	};
	return {
		async setUp(subject, signal) {
			const { sandboxId, spec, holdings } = subject;
			const wanted = new Set(attachedVolumes(spec).map((volume) => volume.id));
			const unwanted = new Set([...holdings.volumes.keys()].filter((id) => !wanted.has(id)));
			const detaching = spec.volumes.filter(({ id, detached }) => detached && !holdings.detached.has(id)).map(({ id }) => id);
			// Those that go do so first, whatever becomes of the others.
			await runAll([...new Set([...unwanted, ...detaching])].map((id) => () => release(subject, id, signal)));
			holdings.detached.clear();
			for (const { id, detached } of spec.volumes) if (detached) holdings.detached.add(id);
			for (const volume of attachedVolumes(spec)) {
				if (holdings.volumes.has(volume.id)) continue;
				holdings.volumes.set(volume.id, await volumes.attach(sandboxId, volume, signal));
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

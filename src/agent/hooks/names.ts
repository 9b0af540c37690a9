import type { Hook } from './hook.ts';
import { nameContents, nameFilePaths, readNameFiles, removeNameFiles, writeNameFiles } from './name-files.ts';

/** The files from which the sandbox's containers learn names: /etc/hosts and /etc/resolv.conf. */
export function namesHook(stateDirectory: string): Hook {
	return {
		async setUp({ sandboxId, spec, holdings }) {
			const paths = nameFilePaths(stateDirectory, sandboxId);
			const wanted = nameContents(spec);
			if ((await readNameFiles(paths)) !== wanted) await writeNameFiles(paths, spec);
			holdings.names = wanted;
		},
		async tearDown({ sandboxId, holdings }) {
			holdings.names = null;
			await removeNameFiles(nameFilePaths(stateDirectory, sandboxId));
		},
	};
}

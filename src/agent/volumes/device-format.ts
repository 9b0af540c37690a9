import { DriverError } from '../../drivers/driver.ts';
import { messageOf } from '../../model/errors.ts';
import type { Run } from '../network/run.ts';
import type { BlockDevice } from './block-device.ts';
import { clearMark, deviceContent, tail, writeMark } from './device-content.ts';
import { checkImage } from './image-file.ts';
import { volumeStep } from './volume-step.ts';

/**
 * Makes sure that the device holds a file system that can be mounted: a blank one is formatted, an ext is checked where
 * it was left unclean. Whatever else is on it is never written to. Throws `failed` with the reason.
 */
export async function ensureFileSystem(
	device: BlockDevice,
	volumeId: string,
	readOnly: boolean,
	run: Run,
	signal: AbortSignal,
): Promise<void> {
	const content = await deviceContent(device, volumeId, run, signal);
	switch (content) {
		case 'other':
			throw new DriverError(
				'failed',
				`Volume ${volumeId} holds something other than an ext file system, and is left as it is. Only blank volumes are formatted.`,
			);
		case 'ext':
			if (!readOnly) await checkImage(device.path, volumeId, run, signal);
			return;
		case 'blank':
		case 'unfinished':
			if (readOnly) throw new DriverError('failed', `Volume ${volumeId} is blank, and is to be read only: there is nothing to read.`);
			await format(device, volumeId, run, signal);
	}
}

/** No blocks are kept for root, and every user of a container may write. Its containers see an empty folder. */
async function format(device: BlockDevice, volumeId: string, run: Run, signal: AbortSignal): Promise<void> {
	const make = async (step: string, command: string, ...args: string[]): Promise<void> => {
		await volumeStep(step, () => run(command, args, '', signal)).catch((error: unknown) => {
			signal.throwIfAborted();
			throw new DriverError('failed', `Volume ${volumeId} cannot be formatted: ${messageOf(error)}`, { cause: error });
		});
	};
	await volumeStep('mark', () => writeMark(device, volumeId));
	const size = `${Math.floor((device.size - tail) / 1024)}k`;
	const extended = 'nodiscard,lazy_itable_init=1,lazy_journal_init=1';
	await make('format-device', 'mkfs.ext4', '-q', '-F', '-m', '0', '-U', volumeId, '-E', extended, device.path, size);
	await make('empty', 'debugfs', '-w', '-R', 'rmdir lost+found', device.path);
	await make('open', 'debugfs', '-w', '-R', 'set_inode_field / mode 040777', device.path);
	// Writing it waits for all that was written before.
	await volumeStep('unmark', () => clearMark(device));
}

import { open, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DriverError } from '../../drivers/driver.ts';

export interface BlockDevice {
	/** Without symbolic links. */
	readonly path: string;
	/** As the kernel's tables name it, such as `7:0`. */
	readonly number: string;
	/** Bytes. */
	readonly size: number;
}

/**
 * The device at a path. Throws `unavailable` where there is nothing yet: after a start of the host, who connects volumes
 * may come later than the agent. Throws `failed` where it is something else.
 */
export async function blockDevice(file: string, volumeId: string): Promise<BlockDevice> {
	const real = await realpath(file).catch(() => null);
	const found = real === null ? null : await stat(real).catch(() => null);
	if (real === null || found === null)
		throw new DriverError('unavailable', `Volume ${volumeId} is not connected: the host has no ${file}.`);
	if (!found.isBlockDevice()) throw new DriverError('failed', `Volume ${volumeId} cannot be used: ${file} is no block device.`);
	const number = deviceNumber(found.rdev);
	const sectors = Number(await readFile(path.join('/sys/dev/block', number, 'size'), 'utf8').catch(() => '0'));
	if (!(sectors > 0)) throw new DriverError('unavailable', `Volume ${volumeId} is not connected: ${file} is empty.`);
	return { path: real, number, size: sectors * 512 };
}

/** `major:minor` of Linux' packed form. */
export function deviceNumber(packed: number): string {
	const major = (packed >>> 8) & 0xfff;
	const minor = (packed & 0xff) | ((packed >>> 12) & 0xfff00);
	return `${major}:${minor}`;
}

/** What a device holds from `offset` on. */
export async function readDevice(device: string, offset: number, length: number): Promise<Buffer> {
	await using handle = await open(device, 'r');
	const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
	return buffer.subarray(0, bytesRead);
}

/** Ends when it is on the device. */
export async function writeDevice(device: string, offset: number, bytes: Buffer): Promise<void> {
	await using handle = await open(device, 'r+');
	await handle.write(bytes, 0, bytes.length, offset);
	await handle.sync();
}

import { toneOf } from '../output/style.ts';
import type { Column } from '../output/table.ts';
import { age, timeOf } from '../output/words.ts';
import { type Resource, resourceIn, resourcesIn, textIn } from '../resource.ts';

/** A column that shows a field as it is. */
export function field(title: string, name: string, least?: number): Column<Resource> {
	return { title, value: (row) => textIn(row, name), ...(least === undefined ? {} : { least }) };
}

export const statusColumn: Column<Resource> = { title: 'STATUS', value: containerStatus, least: 10, tone: toneOf };

export function ageColumn(now: number): Column<Resource> {
	return {
		title: 'AGE',
		alignRight: true,
		value: (row) => {
			const created = timeOf(textIn(row, 'created_at'));
			return created === null ? '' : age(created, now);
		},
	};
}

/** Status with what belongs to it: health while it runs, the exit code when it ended. */
export function containerStatus(row: Resource): string {
	const status = textIn(row, 'status');
	const health = textIn(row, 'health');
	const exitCode = textIn(row, 'exit_code');
	if (status === 'Running' && health !== '') return `${status} (${health})`;
	if (status === 'Stopped' && exitCode !== '') return `${status} (${exitCode})`;
	return status;
}

/** Every address of a sandbox or container. */
export function addressesOf(row: Resource): readonly string[] {
	const networks = resourceIn(row, 'addresses');
	return Object.keys(networks).flatMap((network) => resourcesIn(networks, network).map((address) => textIn(address, 'addr')));
}

/** The first IPv4 address, or else the first: what a table has room for. */
export function mainAddress(row: Resource): string {
	const addresses = addressesOf(row);
	return addresses.find((address) => !address.includes(':')) ?? addresses[0] ?? '';
}

export const reasonColumn: Column<Resource> = { ...field('REASON', 'status_reason', 12), optional: true };

export const addressColumn: Column<Resource> = { title: 'ADDRESS', value: mainAddress };

/** `key=value` words of a map. */
export function pairsText(map: Resource): readonly string[] {
	return Object.entries(map).map(([key, value]) => `${key}=${String(value)}`);
}

export function publishedText(port: Resource): string {
	const ip = textIn(port, 'host_ip');
	const host = ip === '' || ip === '0.0.0.0' ? '' : `${ip.includes(':') ? `[${ip}]` : ip}:`;
	const protocol = textIn(port, 'protocol');
	return `${host}${textIn(port, 'host_port')} → ${textIn(port, 'sandbox_port')}/${protocol}`;
}

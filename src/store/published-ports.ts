import type { Selectable } from 'kysely';
import type { PublishedPort } from '../model/network.ts';
import { idList } from './id-list.ts';
import type { PublishedPortTable } from './schema.ts';
import type { Queryable, StoreTransaction } from './store.ts';

export interface PublishedPortFilter {
	readonly sandboxIds?: readonly string[];
	readonly host?: string;
	readonly hostPorts?: readonly number[];
}

export async function publishedPorts(db: Queryable, filter: PublishedPortFilter): Promise<readonly PublishedPort[]> {
	let query = db.selectFrom('published_port').selectAll();
	if (filter.sandboxIds !== undefined) query = query.where('sandbox_id', 'in', idList(filter.sandboxIds));
	if (filter.host !== undefined) query = query.where('host', '=', filter.host);
	if (filter.hostPorts !== undefined) query = query.where('host_port', 'in', filter.hostPorts);
	return (await query.orderBy('host_port').orderBy('protocol').orderBy('host_ip').execute()).map(toPublishedPort);
}

export async function insertPublishedPorts(tx: StoreTransaction, published: readonly PublishedPort[]): Promise<void> {
	if (published.length > 0) await tx.insertInto('published_port').values(published.map(publishedPortRow)).execute();
}

export async function deletePublishedPorts(tx: StoreTransaction, ids: readonly string[]): Promise<void> {
	if (ids.length > 0) await tx.deleteFrom('published_port').where('id', 'in', ids).execute();
}

function toPublishedPort(row: Selectable<PublishedPortTable>): PublishedPort {
	return {
		id: row.id,
		sandboxId: row.sandbox_id,
		host: row.host,
		protocol: row.protocol === 'udp' ? 'udp' : 'tcp',
		hostIp: row.host_ip,
		hostPort: row.host_port,
		sandboxPort: row.sandbox_port,
	};
}

function publishedPortRow(port: PublishedPort): PublishedPortTable {
	return {
		id: port.id,
		sandbox_id: port.sandboxId,
		host: port.host,
		protocol: port.protocol,
		host_ip: port.hostIp,
		host_port: port.hostPort,
		sandbox_port: port.sandboxPort,
	};
}

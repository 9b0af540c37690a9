import { isId } from '../../../model/ids.ts';
import type { Network, Port, SecurityGroup } from '../../../model/network.ts';
import { failNetwork } from '../../../model/network-errors.ts';
import { isAdmin, type Principal } from '../../../model/principal.ts';
import { networks } from '../../../store/networks.ts';
import { ports } from '../../../store/ports.ts';
import { securityGroups } from '../../../store/security-groups.ts';
import type { Queryable } from '../../../store/store.ts';
import { one, preferOwn } from '../../choose.ts';

/** A network that the principal owns or may use, by id or name. An own network comes before a shared one of the same name. */
export async function findNetwork(db: Queryable, principal: Principal, idOrName: string): Promise<Network> {
	const visible = isAdmin(principal) ? {} : { visibleTo: principal.projectId };
	const byId = isId(idOrName) ? await networks(db, { ...visible, ids: [idOrName] }) : [];
	const found = byId.length > 0 ? byId : await networks(db, { ...visible, names: [idOrName] });
	return one(preferOwn(found, principal.projectId), 'network', idOrName, () =>
		failNetwork('NetworkNotFound', `Network ${idOrName} could not be found.`),
	);
}

/** A port of the principal's project (an administrator's: of any), by id or name. */
export async function findPort(db: Queryable, principal: Principal, idOrName: string): Promise<Port> {
	const scope = isAdmin(principal) ? {} : { projectIds: [principal.projectId] };
	const byId = isId(idOrName) ? await ports(db, { ...scope, ids: [idOrName] }) : [];
	const found = byId.length > 0 ? byId : await ports(db, { ...scope, names: [idOrName] });
	return one(preferOwn(found, principal.projectId), 'port', idOrName, () =>
		failNetwork('PortNotFound', `Port ${idOrName} could not be found.`),
	);
}

/** A group of that project, by id or name. */
export async function findSecurityGroup(db: Queryable, projectId: string, idOrName: string): Promise<SecurityGroup> {
	const byId = isId(idOrName) ? await securityGroups(db, { projectIds: [projectId], ids: [idOrName] }) : [];
	const found = byId.length > 0 ? byId : await securityGroups(db, { projectIds: [projectId], names: [idOrName] });
	return one(found, 'security group', idOrName, () => failNetwork('SecurityGroupNotFound', `Security group ${idOrName} does not exist.`));
}

/**
 * A control plane beside others over one database: makes sandboxes, each of a fortieth of a host's cores, and says how many
 * of them found a host. `node placing-worker.ts <database> <how many>`.
 */
import { principal, startControl } from './control.ts';

const [path = '', count = '0'] = process.argv.slice(2);
const control = await startControl({ path });
let placed = 0;
for (let n = 0; n < Number(count); n += 1) {
	const sandbox = await control.service.sandboxes.create(principal('p1'), { cpu: 200, memory: 1 });
	if (sandbox.host !== null) placed += 1;
}
console.log(placed);
await control.close();

/**
 * A control plane beside others over one database: says that it is ready, waits for a line, makes sandboxes, each of a
 * fortieth of a host's cores, and says how many of them found a host. `node placing-worker.ts <database> <how many>`.
 */
import { once } from 'node:events';
import { principal, startControl } from './control.ts';

const [path = '', count = '0'] = process.argv.slice(2);
const control = await startControl({ path });
console.log('ready');
await once(process.stdin, 'data');
let placed = 0;
for (let n = 0; n < Number(count); n += 1) {
	const sandbox = await control.service.sandboxes.create(principal('p1'), { cpu: 200, memory: 1 });
	if (sandbox.host !== null) placed += 1;
	await new Promise((resolve) => setImmediate(resolve));
}
console.log(placed);
await control.close();
process.stdin.destroy();

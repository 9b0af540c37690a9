/**
 * A service that pulls an image to its host and removes it again, to be run as a process that may be killed:
 * `<database>`. It goes on with what an earlier run left, says `Active` and `gone`, and ends.
 */
import os from 'node:os';
import { DriverAgentLink } from '../../src/agent/agent-link.ts';
import { Images } from '../../src/control/images.ts';
import { createDriver, FakeEngine } from '../../src/drivers/fake/index.ts';
import { quickImageJobs } from './admin-api.ts';
import { hostFacts, principal, startControl } from './control.ts';
import { eventually } from './eventually.ts';

const [database = ''] = process.argv.slice(2);
const control = await startControl({ path: database });
await control.link.register(hostFacts('h1'));
const driver = await createDriver({ owner: 'test', stateDirectory: os.tmpdir(), settings: { engine: new FakeEngine() } });
control.bus.connect('h1', new DriverAgentLink(driver));
const images = new Images(control.deps, quickImageJobs);
await images.start();

const admin = principal('p1', ['admin']);
const never = new AbortController().signal;
const brought = async () => (await images.list({ limit: 10, filters: {} }, never)).filter(({ userId }) => userId !== null);
const [left] = await brought();
const image = left ?? (await images.pull(admin, { repo: 'zunbox/busybox', host: 'h1' }));
if (image.status !== 'Deleting') {
	await eventually('it is there', async () => (await images.show(image.id, never)).status === 'Active');
	console.log('Active');
	await images.delete(admin, image.id, never);
}
await eventually('it is gone', async () => (await brought()).length === 0);
console.log('gone');
await images.stop();
await control.close();
await driver.close();

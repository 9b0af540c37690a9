/** A service's first start as far as identity goes, to be run as a process that may be killed: `<data directory> <public URL>`. */
import path from 'node:path';
import { EmbeddedIdentity } from '../../src/providers/identity/embedded/embedded-identity.ts';
import { Store } from '../../src/store/store.ts';
import { cheapHash } from './identity-server.ts';

const [directory = '', publicUrl = ''] = process.argv.slice(2);
const store = await Store.open({ path: path.join(directory, 'zunbox.sqlite') });
const identity = new EmbeddedIdentity({
	store,
	publicUrl: () => publicUrl,
	tokenLifetime: 60_000,
	passwordHashesAtOnce: 1,
	failuresBeforeDelay: 5,
	maxDelay: 1000,
	hashCost: cheapHash,
});
console.log(await identity.ensureFirstAdministrator(path.join(directory, 'credentials')));
await store.close();

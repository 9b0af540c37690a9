import { conformance } from '../../../src/drivers/conformance/index.ts';
import { createDriver, FakeEngine, makeBusyboxImage } from '../../../src/drivers/fake/index.ts';

const engine = new FakeEngine();
engine.registry.add('registry.test/layered:latest', makeBusyboxImage('layered'), { layerSizes: [1000, 200_000, 30], layerDelay: 1 });

conformance({
	name: 'fake',
	createDriver,
	settings: { engine },
	pull: { present: 'registry.test/layered:latest', missing: 'registry.test/no-such-image:latest' },
	deadline: 20_000,
});

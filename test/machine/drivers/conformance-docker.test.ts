import { conformance } from '../../../src/drivers/conformance/index.ts';
import { createDriver } from '../../../src/drivers/docker/index.ts';

conformance({ name: 'docker', createDriver });

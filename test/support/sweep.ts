/** Removes what killed tests have left in the Docker Engine: `node test/support/sweep.ts`. Only when no test runs. */
import { sweepAllTests } from './docker.ts';

const removed = await sweepAllTests();
if (removed > 0) console.log(`swept ${removed} containers of tests`);

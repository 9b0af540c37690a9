import fc from 'fast-check';

/*
 * Preloaded by the test runner: generated input is the same in every run, so that a run that passes passes again.
 * `ZUNBOX_TEST_SEED=random` (or a number) looks for new input instead.
 */
const wanted = process.env['ZUNBOX_TEST_SEED'];
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: wanted === undefined ? 20_261 : Number(wanted) });

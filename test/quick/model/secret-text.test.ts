import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomSecret } from '../../../src/model/ids.ts';

test('a secret that is made up is never taken for an option by a command', () => {
	for (let round = 0; round < 1000; round += 1) assert.match(randomSecret(16), /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
});

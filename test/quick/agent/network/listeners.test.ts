import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { hostListeners, parseListeners } from '../../../../src/agent/network/listeners.ts';
import { isTakenBy, type Listener } from '../../../../src/model/listener.ts';

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   109        0 1002 1 0000000000000000 100 0 0 10 0
   2: 0100007F:8C36 0100007F:0CEA 01 00000000:00000000 02:0000051F 00000000   109        0 1003 2 0000000000000000 20 4 30 10 -1
 123: 0200A8C0:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1004 1 0000000000000000 100 0 0 10 0
`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1
   2: 0000000000000000FFFF00000100007F:0052 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: B80D0120000000000000000001000000:0053 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1
`;

describe('the tables of sockets', () => {
	const told = (table: string, state = '0A') => parseListeners(table, 'tcp', state).map(({ address, port }) => `${address} ${port}`);

	test('tell what listens, and nothing of connections', () => {
		assert.deepEqual(told(tcp), ['0.0.0.0 8080', '127.0.0.1 3306', '192.168.0.2 443']);
		assert.deepEqual(told(tcp, '01'), ['127.0.0.1 35894']);
	});

	test('tell addresses of IPv6', () => assert.deepEqual(told(tcp6), [':: 80', '::1 81', '::ffff:127.0.0.1 82', '2001:db8::1 83']));

	test('of another form tell nothing', () => {
		for (const table of ['', 'nonsense\n', '   0: 0000:1F90 0000:0000 0A 0\n', '   0: 00000000 0A\n']) assert.deepEqual(told(table), []);
	});

	test('of this machine tell the sockets of this process', async (t) => {
		const server = createServer().listen(0, '127.0.0.1');
		const socket = createSocket('udp4').bind(0, '127.0.0.1');
		t.after(() => {
			server.close();
			socket.close();
		});
		await Promise.all([once(server, 'listening'), once(socket, 'listening')]);
		const bound = server.address();
		assert.ok(typeof bound === 'object' && bound !== null);
		const found = await hostListeners(AbortSignal.timeout(30_000));
		for (const own of [
			{ protocol: 'tcp', address: '127.0.0.1', port: bound.port },
			{ protocol: 'udp', address: '127.0.0.1', port: socket.address().port },
		]) {
			assert.ok(found.some((listener) => JSON.stringify(listener) === JSON.stringify(own)));
		}
	});
});

describe('a listener has a port that is to be published', () => {
	const listener = (address: string): Listener => ({ protocol: 'tcp', address, port: 80 });
	const wish = (hostIp: string, hostPort = 80, protocol: 'tcp' | 'udp' = 'tcp') => ({ hostIp, hostPort, protocol });

	for (const [address, hostIp, taken] of [
		['0.0.0.0', '0.0.0.0', true],
		['0.0.0.0', '192.0.2.1', true],
		['0.0.0.0', '::', false],
		['127.0.0.1', '0.0.0.0', true],
		['127.0.0.1', '127.0.0.1', true],
		['127.0.0.1', '192.0.2.1', false],
		['127.0.0.1', '::', false],
		['::', '0.0.0.0', true],
		['::', '192.0.2.1', true],
		['::', '::', true],
		['::', '2001:db8::1', true],
		['::1', '::', true],
		['::1', '2001:db8::1', false],
		['::1', '0.0.0.0', false],
		['::ffff:127.0.0.1', '127.0.0.1', true],
		['::ffff:127.0.0.1', '0.0.0.0', true],
		['::ffff:127.0.0.1', '::', false],
	] as const) {
		test(`${address}, for ${hostIp}: ${taken}`, () => assert.equal(isTakenBy(listener(address), wish(hostIp)), taken));
	}

	test('not for another port or protocol', () => {
		assert.equal(isTakenBy(listener('0.0.0.0'), wish('0.0.0.0', 81)), false);
		assert.equal(isTakenBy(listener('0.0.0.0'), wish('0.0.0.0', 80, 'udp')), false);
	});
});

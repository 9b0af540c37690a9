/** Path of the WebSocket that all streams run over. */
export const streamPath = '/v1/streams';

export interface StreamAddress {
	readonly token: string;
	readonly containerId: string;
	/** null = the container's first process. */
	readonly execId: string | null;
}

/**
 * The link that a client opens, as `ws://host:port/v1/streams?token=…&uuid=…[&exec_id=…]`. `base` is where the client
 * reaches the service. The port is always said, also where it is the scheme's own: the stock client makes its Origin
 * header of it.
 */
export function streamLink(base: string, { token, containerId, execId }: StreamAddress): string {
	const { protocol, hostname, port, pathname } = new URL(base);
	const secure = protocol === 'https:';
	const query = new URLSearchParams({ token, uuid: containerId, ...(execId === null ? {} : { exec_id: execId }) });
	const prefix = pathname === '/' ? '' : pathname;
	return `${secure ? 'wss' : 'ws'}://${hostname}:${port || (secure ? '443' : '80')}${prefix}${streamPath}?${query}`;
}

/** What a link says; null for one that was not made here. */
export function readStreamLink(query: string): StreamAddress | null {
	const parameters = new URLSearchParams(query);
	const token = parameters.get('token');
	const containerId = parameters.get('uuid');
	return token && containerId ? { token, containerId, execId: parameters.get('exec_id') } : null;
}

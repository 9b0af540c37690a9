"""The agent of this host, over its unix socket. Nothing of Nova in here."""
import http.client
import json
import socket
import time

PAUSE = 0.5  # seconds between two tries
MARGIN = 10  # seconds that the socket may be quiet beyond the time that the agent has


class AgentError(Exception):
    """Why the agent did not do it: `status` as in HTTP; 503 = it could not be asked, 504 = it is not done yet."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status
        self.reason = reason

    @property
    def refused(self):
        """Whether the same would be refused again, on any host."""
        return 400 <= self.status < 500


class _Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__('agent', timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Agent:
    def __init__(self, path):
        self._path = path

    def get(self, path, timeout=10, patience=0):
        return self._ask('GET', path, None, timeout, patience)

    def put(self, server_id, call, body, timeout, patience):
        """Ends when it is so. Calls can be repeated, so an agent that restarts meanwhile is asked again."""
        return self._ask('PUT', '/servers/%s/%s?timeout=%d' % (server_id, call, timeout), body, timeout, patience)

    def _ask(self, method, path, body, timeout, patience):
        """Asks until somebody answers: for `patience` seconds since it was last known that somebody is there."""
        last, away = time.monotonic() + timeout + patience, None
        while True:
            began = time.monotonic()
            try:
                status, answer = self._once(method, path, body, timeout)
                error = answer.get('error') or {}
                reason = error.get('message') or 'the agent answered with status %d' % status
            except socket.timeout:
                status, answer, reason = 504, {}, 'the agent does not answer'
            except (OSError, ValueError, http.client.HTTPException) as e:
                status, answer, reason = 503, {}, 'the agent of this host cannot be reached: %s' % (e or type(e).__name__)
            if status < 300:
                return answer
            now = time.monotonic()
            away = now if away is None or now - began > 2 * PAUSE else away
            if status != 503 or now - away >= patience or now >= last:
                raise AgentError(status, reason)
            time.sleep(PAUSE)

    def _once(self, method, path, body, timeout):
        connection = _Connection(self._path, timeout + MARGIN)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {'Content-Type': 'application/json'})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

"""An agent at a unix socket that answers as it was told to, and keeps what it was asked."""
import http.server
import json
import os
import socketserver
import threading
import time


class FakeAgent:
    def __init__(self, path):
        self.path = path
        self.requests = []
        self.answers = {}
        self._server = None
        self.delay = 0

    def answer(self, what, *answers):
        """`what` as in 'PUT spawn' or 'GET /host'; each answer (status, body) once, the last one for ever. None = cut off after `delay` s."""
        self.answers[what] = list(answers)

    def start(self):
        agent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _serve(self):
                length = int(self.headers.get('Content-Length') or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, answer = agent._next(self.command, self.path, body)
                if status is None:
                    return
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_PUT = _serve

            def log_message(self, *args):
                pass

            def address_string(self):
                return 'nova'

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self._server = Server(self.path, Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={'poll_interval': 0.01}, daemon=True).start()

    def stop(self):
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        os.unlink(self.path)

    def _next(self, method, path, body):
        call = path.split('?')[0].split('/')[-1] if method == 'PUT' else path
        self.requests.append((method, path, body))
        script = self.answers.get('%s %s' % (method, call), [(200, {})])
        answer = script.pop(0) if len(script) > 1 else script[0]
        if answer is None:
            time.sleep(self.delay)
        return (None, None) if answer is None else answer

    def calls(self):
        return [path.split('?')[0].split('/')[-1] for method, path, _ in self.requests if method == 'PUT']

    def body(self, call):
        return [body for method, path, body in self.requests if method == 'PUT' and path.split('?')[0].endswith('/' + call)][-1]

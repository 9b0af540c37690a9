"""Packets for tests of the network: what a program in a sandbox could do, one way each."""
import select, socket, sys, time


def family(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


def serve(*what):
    """`tcp:80 udp:53 push:90`: echoes; `push` writes a byte every 20 ms and reads nothing."""
    listeners, pushed, streams = {}, [], []
    for entry in what:
        protocol, port = entry.split(':')
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM if protocol == 'udp' else socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(('::', int(port)))
        if protocol != 'udp':
            server.listen(64)
        listeners[server] = protocol
    print('ready', flush=True)
    while True:
        readable = select.select([*listeners, *streams], [], [], 0.02)[0]
        for item in readable:
            if item in listeners and listeners[item] == 'udp':
                data, sender = item.recvfrom(2048)
                item.sendto(data, sender)
            elif item in listeners:
                stream, peer = item.accept()
                stream.setblocking(False)
                print('from ' + peer[0].replace('::ffff:', ''), flush=True)
                (pushed if listeners[item] == 'push' else streams).append(stream)
            else:
                try:
                    data = item.recv(2048)
                    if not data:
                        raise OSError()
                    item.send(data)
                except OSError:
                    streams.remove(item)
        for stream in list(pushed):
            try:
                stream.send(b'x')
            except BlockingIOError:
                pass
            except OSError:
                pushed.remove(stream)


def ask(protocol, address, port, timeout='1.0', source=None):
    """Exits with 0 when an echo comes back in time."""
    kind = socket.SOCK_DGRAM if protocol == 'udp' else socket.SOCK_STREAM
    client = socket.socket(family(address), kind)
    client.settimeout(float(timeout))
    try:
        if source:
            client.bind((source, 0))
        client.connect((address, int(port)))
        client.send(b'hello')
        sys.exit(0 if client.recv(100) == b'hello' else 1)
    except OSError as error:
        print(error)
        sys.exit(1)


def stream(protocol, address, port):
    """Keeps one connection and prints a line for each answer, at most every 20 ms."""
    client = socket.socket(family(address), socket.SOCK_DGRAM if protocol == 'udp' else socket.SOCK_STREAM)
    client.connect((address, int(port)))
    client.setblocking(False)
    print('open', flush=True)
    while True:
        try:
            if protocol != 'push':
                client.send(b'x')
        except BlockingIOError:
            pass
        if select.select([client], [], [], 0.02)[0] and client.recv(2048):
            print('got', flush=True)
        time.sleep(0.02)


def send(interface):
    """Sends the frames on standard input, one line of hexadecimal digits each."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((interface, 0))
    for line in sys.stdin:
        raw.send(bytes.fromhex(line.strip()))


def sniff(interface):
    """Prints every frame that comes in."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.setsockopt(263, 8, 1)  # PACKET_AUXDATA: tells of a VLAN tag that the kernel took off
    raw.bind((interface, 0))
    print('ready', flush=True)
    while True:
        frame, ancillary, _, sender = raw.recvmsg(4096, 256)
        if sender[2] != 4:
            print(frame.hex(), flush=True)


{'serve': serve, 'ask': ask, 'stream': stream, 'send': send, 'sniff': sniff}[sys.argv[1]](*sys.argv[2:])

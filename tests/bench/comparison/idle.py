"""What an idle connection costs a server's process."""

from . import servers


def idle_connections(server, count):
    """Resident memory gained by so many connections that have made one request each."""
    before = server.rss_bytes()
    clients = []
    try:
        for _ in range(count):
            clients.append(servers.connect(server.address))
            clients[-1].sendall(b"get nothing\r\n")
            if clients[-1].recv(64) != b"END\r\n":
                raise servers.ServerError(f"{server.name} did not answer a get")
        after = server.rss_bytes()
        return {"idle_bytes": (after - before) / count, "rss": after}
    finally:
        for client in clients:
            client.close()

"""A memcached that answers in fragments, late, in part, with garbage or not at all, as told."""

import asyncio
import threading
from dataclasses import dataclass

from basics import HOST


@dataclass(frozen=True)
class Faults:
    """How often a reply suffers what, each a share of the replies."""

    late: float = 0        # by up to late_s; every reply behind it waits, too
    late_s: float = 0.3
    cut: float = 0         # half of it, then the connection closes
    garbage: float = 0     # something that is no reply, in its place
    silent: float = 0      # it never comes, nor do those behind it


class FaultyNode:
    """Listens while it is entered. A command is run when it arrives, whatever its reply suffers."""

    def __init__(self, random, faults):
        self.random, self.faults = random, faults
        self.items = {}
        self.port = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def __enter__(self):
        self._thread.start()
        listening = asyncio.start_server(self._serve, HOST, 0, limit=1 << 20)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self):
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        replies = asyncio.Queue()
        sender = asyncio.ensure_future(self._send(replies, writer))
        try:
            while line := await reader.readline():
                words = line.split()
                data = None
                if words[0] in (b"set", b"ms"):
                    length = int(words[4] if words[0] == b"set" else words[2])
                    data = (await reader.readexactly(length + 2))[:-2]
                replies.put_nowait(self.run(words, data))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            sender.cancel()
            writer.close()

    async def _send(self, replies, writer):
        while True:
            reply = await replies.get()
            roll = self.random.random()
            faults = self.faults
            for share in (faults.silent, faults.garbage, faults.cut, faults.late):
                if roll < share:
                    break
                roll -= share
            else:
                await self._fragments(writer, reply)
                continue
            if share is faults.silent:
                return
            if share is faults.garbage:
                return await self._fragments(writer, b"VALUE nonsense\r\n")
            if share is faults.cut:
                await self._fragments(writer, reply[:len(reply) // 2])
                return writer.close()
            await asyncio.sleep(self.random.random() * faults.late_s)
            await self._fragments(writer, reply)

    async def _fragments(self, writer, reply):
        if self.random.random() < 0.7:
            writer.write(reply)
        else:
            while reply:
                count = self.random.randrange(1, max(2, len(reply)))
                writer.write(reply[:count])
                reply = reply[count:]
                await asyncio.sleep(0)
        await writer.drain()

    def run(self, words, data):
        command, key = words[0], words[1] if len(words) > 1 else b""
        if command in (b"get", b"gets", b"gat", b"gats"):
            keys = words[2:] if command.startswith(b"gat") else words[1:]
            cas = b" 1" if command.endswith(b"s") else b""
            found = [(k, self.items[k]) for k in keys if k in self.items]
            return b"".join(b"VALUE %s 0 %d%s\r\n%s\r\n" % (k, len(v), cas, v)
                            for k, v in found) + b"END\r\n"
        if command == b"mg":
            flags = b"".join(b" k" + key if f == b"k" else b" " + f
                             for f in words[2:] if f[:1] in b"kO")
            if key not in self.items:
                return b"EN" + flags + b"\r\n"
            return b"VA %d%s\r\n%s\r\n" % (len(self.items[key]), flags, self.items[key])
        if command in (b"set", b"ms"):
            self.items[key] = data
            return b"STORED\r\n" if command == b"set" else b"HD\r\n"
        if command == b"delete":
            return b"NOT_FOUND\r\n" if self.items.pop(key, None) is None else b"DELETED\r\n"
        if command == b"incr":
            if key not in self.items:
                return b"NOT_FOUND\r\n"
            self.items[key] = b"%d" % (int(self.items[key]) + int(words[2]))
            return self.items[key] + b"\r\n"
        return b"VERSION 1.6.0\r\n" if command == b"version" else b"ERROR\r\n"

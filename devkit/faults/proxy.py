"""A TCP proxy on loopback whose link can be slow, dead, cut or reset.

It runs in a thread of its own; its methods may be called from any other. A new link behaves like
the present one.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from devkit.local.ports import LOOPBACK, free_port

CHUNK_BYTES = 16_384
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Link:
    """How a link is. Without arguments it passes everything at once."""

    delay_seconds: float = 0  #: added to each chunk of a direction
    jitter_seconds: float = 0  #: up to so much more
    bytes_per_second: float | None = None  #: of each direction of each connection
    black_hole: bool = False  #: takes connections and bytes, and hands on nothing
    cut_after_bytes: int | None = None  #: of a direction, counted from now; then both are reset


GOOD = Link()


class Proxy:
    """Stands before one server. Use it as a context, or call `start` and `stop`."""

    def __init__(self, target_port: int, port: int | None = None) -> None:
        self.port = port or free_port()
        self._target_port = target_port
        self._link = GOOD
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._passes = asyncio.Event()
        self._passes.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()
        listening = asyncio.start_server(self._connected, LOOPBACK, self.port)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)

    def stop(self) -> None:
        """Reset every connection and stop listening."""
        self._do(self._server.close)
        self.reset()
        self._do(self._loop.stop)
        self._thread.join(5)

    def become(self, link: Link) -> None:
        """Change the link, for the connections that exist too."""
        self._do(lambda: self._change(link))

    def reset(self) -> int:
        """Send RST to both ends of every connection; returns how many there were."""
        count = len(self._pairs)
        self._do(self._reset_all)
        return count

    def half_close(self) -> None:
        """Tell every server that its client sends no more; answers still pass."""
        self._do(self._half_close_all)

    @property
    def connections(self) -> int:
        return len(self._pairs)

    def _do(self, what: Callable[[], object]) -> None:
        """Do it in the thread of the proxy, and wait until it is done."""
        done = threading.Event()

        def do() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(do)
        done.wait(5)

    def _reset_all(self) -> None:
        for pair in list(self._pairs):
            pair.reset()

    def _half_close_all(self) -> None:
        for pair in list(self._pairs):
            pair.half_close()

    def _change(self, link: Link) -> None:
        self._link = link
        for pair in self._pairs:
            pair.passed = {}
        if link.black_hole:
            self._passes.clear()
        else:
            self._passes.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair(writer)
        self._pairs.add(pair)
        try:
            await self._passes.wait()
            from_server, pair.server = await asyncio.open_connection(LOOPBACK, self._target_port)
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._hand_on(reader, pair.server, pair))
                directions.create_task(self._hand_on(from_server, writer, pair))
        except* (OSError, asyncio.CancelledError):
            pair.reset()
        finally:
            self._pairs.discard(pair)
            pair.close()

    async def _hand_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: "_Pair"
    ) -> None:
        """Hand on one direction until its end."""
        while chunk := await reader.read(CHUNK_BYTES):
            await self._passes.wait()
            await self._linger(len(chunk))
            limit = self._link.cut_after_bytes
            passed = pair.passed[writer] = pair.passed.get(writer, 0) + len(chunk)
            if limit is not None and passed >= limit:
                writer.write(chunk[: max(0, limit - passed + len(chunk))])
                pair.reset()
                return
            writer.write(chunk)
            await writer.drain()
        await self._passes.wait()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _linger(self, size: int) -> None:
        link = self._link
        seconds = link.delay_seconds + random.uniform(0, link.jitter_seconds)  # noqa: S311 - no secret
        if link.bytes_per_second:
            seconds += size / link.bytes_per_second
        if seconds:
            await asyncio.sleep(seconds)


class _Pair:
    """A connection of a client and the one to the server."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.passed: dict[asyncio.StreamWriter, int] = {}

    def _writers(self) -> list[asyncio.StreamWriter]:
        return [self.client, *([self.server] if self.server else [])]

    def reset(self) -> None:
        for writer in self._writers():
            with contextlib.suppress(OSError):
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()

    def half_close(self) -> None:
        if self.server is not None:
            with contextlib.suppress(OSError):
                self.server.write_eof()

    def close(self) -> None:
        for writer in self._writers():
            writer.close()
